import Input
import Ruleset
import Snapshot
import Testing
import Wire

@testable import PacketPath

/// A node with one uplink and one Pod interface, and the rules given.
func node(_ rules: String, extra: [(String, String)] = []) -> Snapshot {
  let files = [
    ("iptables-save.txt", rules),
    (
      "ip-addr.txt",
      """
      1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default
          link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
          inet 127.0.0.1/8 scope host lo
      2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
          link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
          inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0
      3: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default
          link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff
          inet 10.244.1.1/24 scope global cni0

      """
    ),
    (
      "ip-route.txt",
      """
      default via 192.0.2.1 dev eth0
      10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1
      192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
      unreachable 10.99.0.0/16
      local 10.244.1.1 dev cni0 table local proto kernel scope host src 10.244.1.1
      local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
      local 192.0.2.10 dev eth0 table local proto kernel scope host src 192.0.2.10

      """
    ),
    ("sysctl.txt", "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.eth0.rp_filter = 0\n"),
  ]
  return SnapshotLoader.load((files + extra).map { SourceFile(name: $0.0, text: $0.1) }, name: "node")
}

func flow(_ source: String, _ destination: String, _ port: UInt16, from: String, _ proto: IPProtocol = .tcp) -> Flow {
  Flow(
    ipProtocol: proto, source: IPAddress(source)!, sourcePort: 40000, destination: IPAddress(destination)!,
    destinationPort: port, from: from)
}

private let service = """
  *nat
  :PREROUTING ACCEPT [0:0]
  :INPUT ACCEPT [0:0]
  :OUTPUT ACCEPT [0:0]
  :POSTROUTING ACCEPT [0:0]
  :KUBE-MARK-MASQ - [0:0]
  :KUBE-POSTROUTING - [0:0]
  :KUBE-SEP-A - [0:0]
  :KUBE-SEP-B - [0:0]
  :KUBE-SERVICES - [0:0]
  :KUBE-SVC-X - [0:0]
  -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
  -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
  -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
  -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
  -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
  -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
  -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
  -A KUBE-SEP-A -s 10.244.1.5/32 -m comment --comment "shop/cart:http" -j KUBE-MARK-MASQ
  -A KUBE-SEP-A -p tcp -m comment --comment "shop/cart:http" -m tcp -j DNAT --to-destination 10.244.1.5:8080
  -A KUBE-SEP-B -p tcp -m comment --comment "shop/cart:http" -m tcp -j DNAT --to-destination 10.244.9.6:8080
  -A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "shop/cart:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-X
  -A KUBE-SVC-X ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m comment --comment "shop/cart:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
  -A KUBE-SVC-X -m comment --comment "shop/cart:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-A
  -A KUBE-SVC-X -m comment --comment "shop/cart:http -> 10.244.9.6:8080" -j KUBE-SEP-B
  COMMIT

  """

@Suite("The walk of a flow through one node")
struct WalkTests {
  @Test("A ClusterIP splits into its endpoints with their probabilities; a Pod keeps its address")
  func clusterIP() {
    let trace = PathTracer(node(service)).trace(flow("10.244.1.7", "10.96.0.10", 80, from: "cni0"))
    #expect(trace.outcomes.count == 2)
    #expect(trace.outcomes.allSatisfy { $0.verdict == .forward && $0.probability == 0.5 && $0.assumptions.isEmpty })
    #expect(
      Set(trace.outcomes.map { "\($0.destination):\($0.destinationPort) \($0.outInterface!)" }) == [
        "10.244.1.5:8080 cni0", "10.244.9.6:8080 eth0",
      ])
    #expect(trace.outcomes.allSatisfy { "\($0.source)" == "10.244.1.7" && $0.sourcePort == 40000 && $0.mark == 0 })
  }

  @Test("What a cut dump may lack is assumed, and said")
  func cutDump() throws {
    let kept = try #require(service.firstRange(of: "-A KUBE-SERVICES")).lowerBound
    let trace = PathTracer(node(String(service[..<kept]))).trace(flow("10.244.1.7", "10.96.0.10", 80, from: "cni0"))
    #expect(trace.outcomes.count == 1)
    #expect(trace.outcomes[0].assumptions.contains { $0.hasPrefix("chain nat KUBE-SERVICES, which the dump cuts off") })
    #expect(trace.outcomes[0].gaps == .partOfRules)
  }

  @Test("What a rule adds to an ipset, a later look at the set may find")
  func setFilledOnTheWay() {
    let rules = """
      *filter
      :FORWARD ACCEPT [0:0]
      :X - [0:0]
      -A FORWARD -j X
      -A FORWARD -j X
      -A X -m set --match-set seen src -j DROP
      -A X -j SET --add-set seen src --exist
      COMMIT

      """
    let sets = "create seen hash:ip family inet hashsize 1024 maxelem 65536\n"
    let trace = PathTracer(node(rules, extra: [("ipset-save.txt", sets)])).trace(
      flow("203.0.113.9", "10.244.1.5", 80, from: "eth0"))
    #expect(trace.outcomes.contains { $0.verdict == .drop && $0.steps.count == 4 })
  }

  @Test("Masquerading takes the address of the interface the packet leaves by, and leaves the port open")
  func masquerade() {
    let trace = PathTracer(node(service)).trace(flow("203.0.113.9", "10.96.0.10", 80, from: "eth0"))
    let sources = Dictionary(uniqueKeysWithValues: trace.outcomes.map { ("\($0.destination)", $0) })
    #expect("\(sources["10.244.1.5"]!.source)" == "10.244.1.1")
    #expect("\(sources["10.244.9.6"]!.source)" == "192.0.2.10")
    #expect(trace.outcomes.allSatisfy { $0.sourcePort == nil })
  }

  @Test("Hairpin: an endpoint that reaches itself through the Service is masqueraded")
  func hairpin() {
    let trace = PathTracer(node(service)).trace(flow("10.244.1.5", "10.96.0.10", 80, from: "cni0"))
    let own = trace.outcomes.first { "\($0.destination)" == "10.244.1.5" }!
    #expect("\(own.source)" == "10.244.1.1")
  }

  @Test("DNAT in OUTPUT routes the packet again")
  func localOutput() {
    let trace = PathTracer(node(service)).trace(flow("192.0.2.10", "10.96.0.10", 80, from: Flow.local))
    #expect(Set(trace.outcomes.map { $0.outInterface ?? "" }) == ["cni0", "eth0"])
  }

  @Test("The index over long chains changes no answer")
  func indexed() {
    var rules = service
    let many = (0..<300).map {
      "-A KUBE-SERVICES -d 10.97.\($0 / 200).\($0 % 200)/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-X\n"
    }.joined()
    rules = rules.replacing("COMMIT", with: many + "COMMIT")
    let snapshot = node(rules)
    for destination in ["10.96.0.10", "10.97.0.7", "10.97.1.99", "10.98.0.1"] {
      let packet = flow("10.244.1.7", destination, 80, from: "cni0")
      let scanned = PathTracer(snapshot, indexed: false).trace(packet)
      let indexed = PathTracer(snapshot, indexed: true).trace(packet)
      #expect(scanned.outcomes.map(\.steps) == indexed.outcomes.map(\.steps))
      #expect(scanned.outcomes.map(\.destination) == indexed.outcomes.map(\.destination))
    }
  }

  @Test("What the dumps do not tell is assumed, and named")
  func assumptions() {
    let rules = """
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD DROP [0:0]
      :OUTPUT ACCEPT [0:0]
      -A FORWARD -m recent --rcheck --seconds 60 --name seen --mask 255.255.255.255 --rsource -j ACCEPT
      COMMIT

      """
    let trace = PathTracer(node(rules)).trace(flow("10.244.1.7", "203.0.113.1", 80, from: "cni0"))
    #expect(trace.outcomes.count == 2)
    #expect(trace.outcomes.allSatisfy { $0.assumptions.count == 1 && $0.assumptions[0].contains("recent") })
    #expect(abs(trace.outcomes.reduce(0) { $0 + $1.probability } - 1) < 1e-12)
    #expect(Set(trace.outcomes.map(\.verdict)) == [.forward, .drop])
  }

  @Test("Rules alone still give an answer, with every missing fact named")
  func rulesAlone() {
    let snapshot = SnapshotLoader.load([SourceFile(name: "iptables-save.txt", text: service)], name: "node")
    let trace = PathTracer(snapshot).trace(flow("10.244.1.7", "10.96.0.10", 80, from: "cni0"))
    #expect(trace.outcomes.contains { "\($0.destination)" == "10.244.1.5" && !$0.assumptions.isEmpty })
    #expect(abs(trace.outcomes.reduce(0) { $0 + $1.probability } - 1) < 1e-12)
  }

  @Test("An unreachable route ends the walk before FORWARD")
  func unreachable() {
    let trace = PathTracer(node(service)).trace(flow("10.244.1.7", "10.99.0.4", 80, from: "cni0"))
    #expect(trace.outcomes.map(\.verdict) == [.noroute])
    #expect(trace.outcomes[0].steps.allSatisfy { $0.hook == .prerouting })
  }

  @Test(
    "Routing refusals say why",
    arguments: [
      ("net.ipv4.ip_forward = 0\n", "10.244.1.7", "203.0.113.1", "cni0", "forwarding is off"),
      ("net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 1\n", "10.244.1.7", "203.0.113.1", "eth0", "rp_filter"),
      ("net.ipv4.ip_forward = 1\n", "203.0.113.1", "127.0.0.1", "eth0", "martian"),
      (
        "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\n", "192.0.2.10", "203.0.113.1", "eth0",
        "martian source"
      ),
    ])
  func refusals(_ sysctl: String, _ source: String, _ destination: String, _ from: String, _ why: String) {
    let snapshot = SnapshotLoader.load(
      node("").ruleset.files.filter { $0.name != "sysctl.txt" }
        + [
          SourceFile(
            name: "ip-addr.txt",
            text:
              "2: eth0: <UP> mtu 1500\n    inet 192.0.2.10/24 scope global eth0\n3: cni0: <UP> mtu 1450\n    inet 10.244.1.1/24 scope global cni0\n"
          ),
          SourceFile(name: "sysctl.txt", text: sysctl),
        ], name: "node")
    let trace = PathTracer(snapshot).trace(flow(source, destination, 80, from: from))
    #expect(trace.outcomes.map(\.verdict) == [.noroute])
    #expect(
      trace.outcomes[0].reason?.description.contains(why) == true, "\(trace.outcomes[0].reason?.description ?? "")")
  }

  @Test("Chains that call each other in a circle end the walk instead of hanging it")
  func circle() {
    let rules = """
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :A - [0:0]
      :B - [0:0]
      -A FORWARD -j A
      -A A -g B
      -A B -g A
      COMMIT

      """
    let trace = PathTracer(node(rules)).trace(flow("10.244.1.7", "203.0.113.1", 80, from: "cni0"))
    #expect(trace.outcomes.map(\.verdict) == [.drop])
    #expect(trace.outcomes[0].reason == .circularChains)
  }

  @Test("A chain that the dump does not have counts as empty, and is named")
  func missingChain() {
    let rules =
      "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -j CNI-GONE\nCOMMIT\n"
    let snapshot = node(rules)
    #expect(snapshot.diagnostics.list.contains { $0.severity == .error && $0.message.contains("CNI-GONE") })
    let trace = PathTracer(snapshot).trace(flow("10.244.1.7", "203.0.113.1", 80, from: "cni0"))
    #expect(trace.outcomes[0].verdict == .forward)
    #expect(trace.outcomes[0].assumptions.contains { $0.contains("CNI-GONE") })
  }

  @Test("NOTRACK: nat chains are not met, and the state is UNTRACKED")
  func noTrack() {
    let rules = """
      *raw
      :PREROUTING ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      -A PREROUTING -d 10.96.0.10/32 -j CT --notrack
      COMMIT

      """ + service
    let trace = PathTracer(node(rules)).trace(flow("10.244.1.7", "10.96.0.10", 80, from: "cni0"))
    #expect(trace.outcomes.count == 1)
    #expect("\(trace.outcomes[0].destination)" == "10.96.0.10" && trace.outcomes[0].untracked)
  }
}

@Suite("Jenkins' hash")
struct JenkinsHashTests {
  // lookup3's own check: hashlittle of this text is 0x17770551 with initval 0 and 0xcd628161 with 1 (driver5 of lookup3.c).
  @Test("agrees with lookup3's published values")
  func published() {
    let text = Array("Four score and seven years ago".utf8)
    #expect(JenkinsHash.hash(text, seed: 0) == 0x1777_0551)
    #expect(JenkinsHash.hash(text, seed: 1) == 0xCD62_8161)
  }
}

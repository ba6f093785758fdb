import Input
import Snapshot
import Testing
import Wire

@testable import PacketPath

/// A node whose Pods are ports of one bridge: 10.88.0.21 behind vetha, .22 behind vethb, .23 behind vethc.
private struct BridgeNode {
  var rules = ""
  var nft = ""
  /// Flags of a port, `hairpin on isolated off` unless given.
  var flags: [String: String] = [:]
  var calls: String? = "1"
  var forwarding = "1"
  /// The neighbour and forwarding tables are in the snapshot.
  var tables = true
  var policy = ""

  private static let ports = [("vetha", 21, 4), ("vethb", 22, 5), ("vethc", 23, 6)]

  var snapshot: Snapshot {
    var links = """
      1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default
          link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
          inet 127.0.0.1/8 scope host lo
      2: ens5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
          link/ether 06:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
          inet 198.18.0.4/24 brd 198.18.0.255 scope global ens5
      3: br-pods: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default
          link/ether 06:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff promiscuity 0
          bridge forward_delay 1500 hello_time 200 max_age 2000 numtxqueues 1
          inet 10.88.0.1/24 scope global br-pods

      """
    var fdb = ""
    var neighbours = ""
    for (name, host, index) in Self.ports {
      links += """
        \(index): \(name)@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master br-pods state UP group default
            link/ether 06:00:00:00:01:0\(index) brd ff:ff:ff:ff:ff:ff link-netns x\(index)
            veth numtxqueues 2
            bridge_slave state forwarding priority 32 cost 2 \(flags[name] ?? "hairpin on isolated off") locked off

        """
      fdb += "0a:58:0a:58:00:\(host) dev \(name) master br-pods \n"
      neighbours += "10.88.0.\(host) dev br-pods lladdr 0a:58:0a:58:00:\(host) REACHABLE\n"
    }
    let routes = """
      default via 198.18.0.1 dev ens5
      10.88.0.0/24 dev br-pods proto kernel scope link src 10.88.0.1
      198.18.0.0/24 dev ens5 proto kernel scope link src 198.18.0.4
      local 10.88.0.1 dev br-pods table local proto kernel scope host src 10.88.0.1
      local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
      local 198.18.0.4 dev ens5 table local proto kernel scope host src 198.18.0.4

      """
    var sysctls = "net.ipv4.ip_forward = \(forwarding)\nnet.ipv4.conf.all.forwarding = \(forwarding)\n"
    sysctls += "net.ipv4.conf.br-pods.forwarding = \(forwarding)\nnet.ipv4.conf.all.rp_filter = 0\n"
    if let calls { sysctls += "net.bridge.bridge-nf-call-iptables = \(calls)\n" }
    var files = [("ip-addr.txt", links), ("ip-route.txt", routes), ("sysctl.txt", sysctls)]
    files.append(nft.isEmpty ? ("iptables-save.txt", rules) : ("nft-ruleset.txt", nft))
    if tables { files += [("bridge-fdb.txt", fdb), ("ip-neigh.txt", neighbours)] }
    if !policy.isEmpty { files.append(("ip-rule.txt", policy)) }
    return SnapshotLoader.load(files.map { SourceFile(name: $0.0, text: $0.1) }, name: "node")
  }

  /// From one Pod to another; `interface` nil: found by the source.
  func trace(_ from: Int, _ to: String, _ port: UInt16 = 5432, interface: String? = nil) -> Trace {
    let tracer = PathTracer(snapshot)
    let source = IPAddress("10.88.0.\(from)")!
    var flow = Flow(
      ipProtocol: .tcp, source: source, sourcePort: 40000, destination: IPAddress(to)!, destinationPort: port,
      from: interface ?? tracer.inputInterface(from: source) ?? "none")
    flow.isFrame = interface == nil
    return tracer.trace(flow)
  }
}

private let dropsForwarded = """
  *filter
  :INPUT ACCEPT [0:0]
  :FORWARD DROP [0:0]
  :OUTPUT ACCEPT [0:0]
  COMMIT

  """

/// A table with its chains' policies ACCEPT, and one rule.
private func table(_ name: String, _ chains: String, rule: String) -> String {
  "*\(name)\n" + chains.split(separator: " ").map { ":\($0) ACCEPT [0:0]\n" }.joined() + "-A \(rule)\nCOMMIT\n"
}

/// A base chain of nft with one rule.
private func chain(_ table: String, _ hook: String, _ rule: String) -> String {
  """
  table \(table) {
  \tchain c {
  \t\ttype filter hook \(hook); policy accept;
  \t\t\(rule) drop
  \t}
  }

  """
}

private func service(_ endpoint: String) -> String {
  """
  *nat
  :PREROUTING ACCEPT [0:0]
  :INPUT ACCEPT [0:0]
  :OUTPUT ACCEPT [0:0]
  :POSTROUTING ACCEPT [0:0]
  -A PREROUTING -d 172.30.4.4/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination \(endpoint):5432
  COMMIT

  """
}

@Suite("Frames between the ports of a bridge")
struct BridgeTests {
  private func only(_ trace: Trace) throws -> Outcome {
    try #require(trace.outcomes.count == 1, "\(trace.outcomes.map { ($0.verdict, $0.assumptions) })")
    #expect(trace.outcomes[0].assumptions.isEmpty)
    return trace.outcomes[0]
  }

  @Test("They are not routed: neither ip_forward nor policy routing is asked")
  func notRouted() throws {
    let node = BridgeNode(
      forwarding: "0",
      policy: "0:\tfrom all lookup local\n7:\tfrom 10.88.0.21 to 10.88.0.22 blackhole\n32766:\tfrom all lookup main\n")
    #expect(try only(node.trace(21, "10.88.0.22")).verdict == .forward)
    // IP on the bridge itself is asked for what is sent to the bridge.
    #expect(node.trace(21, "10.88.0.22", interface: "br-pods").outcomes[0].verdict == .noroute)
  }

  @Test("FORWARD sees them where bridge-nf-call-iptables is on, and only there")
  func calls() throws {
    let shown = try only(BridgeNode(rules: dropsForwarded).trace(21, "10.88.0.22"))
    #expect(shown.verdict == .drop)
    #expect(shown.steps.last?.hook == .forward)
    let hidden = try only(BridgeNode(rules: dropsForwarded, calls: "0").trace(21, "10.88.0.22"))
    #expect(hidden.verdict == .forward)
    #expect(hidden.steps.isEmpty)
    #expect(hidden.outInterface == "br-pods")
  }

  @Test("Where the snapshot does not tell whether FORWARD sees them, both are said")
  func callsUnknown() {
    let trace = BridgeNode(rules: dropsForwarded, calls: nil).trace(21, "10.88.0.22")
    #expect(Set(trace.outcomes.map(\.verdict)) == [.drop, .forward])
    #expect(trace.outcomes.allSatisfy { $0.assumptions.contains { $0.contains("bridge-nf-call-iptables") } })
  }

  @Test("physdev: is-bridged, the port in and the port out")
  func physdev() throws {
    func drops(_ match: String, from: Int = 21) throws -> Bool {
      let rules = dropsForwarded.replacing("COMMIT", with: "-A FORWARD -m physdev \(match) -j ACCEPT\nCOMMIT")
      return try only(BridgeNode(rules: rules).trace(from, "10.88.0.22")).verdict == .drop
    }
    #expect(try !drops("--physdev-is-bridged"))
    #expect(try drops("! --physdev-is-bridged"))
    #expect(try !drops("--physdev-in vetha"))
    #expect(try drops("--physdev-in vetha", from: 23))
    #expect(try !drops("--physdev-out vethb"))
    #expect(try drops("! --physdev-out veth+"))
    #expect(try !drops("--physdev-is-in --physdev-is-out"))
  }

  @Test("Before the port out is known there is none; and of what IP routes there never is one")
  func physdevOutside() throws {
    let raw = table("raw", "PREROUTING OUTPUT", rule: "PREROUTING -m physdev --physdev-is-bridged -j DROP")
    #expect(try only(BridgeNode(rules: raw).trace(21, "10.88.0.22")).verdict == .forward)
    let routed = table("filter", "FORWARD", rule: "FORWARD -m physdev --physdev-is-bridged -j DROP")
    #expect(try only(BridgeNode(rules: routed).trace(21, "203.0.113.9")).verdict == .forward)
    let port = table("filter", "FORWARD", rule: "FORWARD -m physdev --physdev-in vetha -j DROP")
    #expect(try only(BridgeNode(rules: port).trace(21, "203.0.113.9")).verdict == .drop)
    #expect(try only(BridgeNode(rules: port).trace(23, "203.0.113.9")).verdict == .forward)
  }

  @Test("A port that no dump tells is either the one or the other; one that is named is that")
  func unknownPort() throws {
    let raw = table("raw", "PREROUTING OUTPUT", rule: "PREROUTING -m physdev --physdev-in vetha -j DROP")
    let node = BridgeNode(rules: raw, tables: false)
    #expect(Set(node.trace(21, "10.88.0.22").outcomes.map(\.verdict)) == [.drop, .forward])
    #expect(try only(node.trace(21, "10.88.0.22", interface: "vetha")).verdict == .drop)
    #expect(try only(node.trace(23, "10.88.0.22", interface: "vethc")).verdict == .forward)
  }

  @Test("Two isolated ports do not reach each other; one that is not reaches both")
  func isolated() throws {
    let flags = ["vetha": "hairpin on isolated on", "vethb": "hairpin on isolated on"]
    let drop = try only(BridgeNode(flags: flags).trace(21, "10.88.0.22"))
    #expect(drop.verdict == .drop && drop.reason == .bridge(.bothPortsIsolated("vetha", "vethb")))
    #expect(try only(BridgeNode(flags: flags).trace(23, "10.88.0.22")).verdict == .forward)
    let all = ["vetha", "vethb", "vethc"].map { ($0, "hairpin on isolated on") }
    let unknown = BridgeNode(flags: Dictionary(uniqueKeysWithValues: all), tables: false)
    #expect(try only(unknown.trace(21, "10.88.0.22")).verdict == .drop)
    // What IP sends out by the bridge comes from no port.
    #expect(try only(BridgeNode(flags: flags).trace(21, "10.88.0.22", interface: "br-pods")).verdict == .forward)
  }

  @Test("A Pod that its Service sends to itself needs hairpin mode on its port; to another Pod it does not")
  func hairpin() throws {
    let off = Dictionary(uniqueKeysWithValues: ["vetha", "vethb", "vethc"].map { ($0, "hairpin off isolated off") })
    for tables in [true, false] {
      let node = BridgeNode(rules: service("10.88.0.21"), flags: off, tables: tables)
      let own = try only(node.trace(21, "172.30.4.4", 80))
      #expect(own.verdict == .drop && own.reason == .bridge(.hairpinOff(port: tables ? "vetha" : nil)))
      #expect(try only(node.trace(22, "172.30.4.4", 80)).verdict == .forward)
    }
    #expect(try only(BridgeNode(rules: service("10.88.0.21")).trace(21, "172.30.4.4", 80)).verdict == .forward)
    // An isolated port does not even give back.
    let kept = BridgeNode(rules: service("10.88.0.21"), flags: ["vetha": "hairpin on isolated on"])
    #expect(try only(kept.trace(21, "172.30.4.4", 80)).verdict == .drop)
    // Without br_netfilter the packet is translated by IP and leaves by no port that it came by.
    #expect(
      try only(BridgeNode(rules: service("10.88.0.21"), flags: off, calls: "0").trace(21, "172.30.4.4", 80)).verdict
        == .forward)
  }

  @Test("A translation on the bridge needs forwarding, even back to the bridge")
  func translatedWithoutForwarding() throws {
    let node = BridgeNode(rules: service("10.88.0.22"), forwarding: "0")
    #expect(try only(node.trace(21, "172.30.4.4", 80)).verdict == .noroute)
  }

  @Test("Tables of family bridge: each hook, and the port's own names")
  func bridgeTables() throws {
    func verdict(_ hook: String, _ rule: String, to: String = "10.88.0.22", calls: String = "0") throws -> Outcome {
      try only(BridgeNode(nft: chain("bridge b", hook, rule), calls: calls).trace(21, to))
    }
    #expect(try verdict("forward priority 0", "ip saddr 10.88.0.21 tcp dport 5432").verdict == .drop)
    #expect(try verdict("forward priority 0", "iifname \"vetha\" oifname \"vethb\"").verdict == .drop)
    #expect(try verdict("forward priority 0", "iifname \"br-pods\"").verdict == .forward)
    #expect(try verdict("forward priority 0", "meta ibrname \"br-pods\" meta obrname \"br-pods\"").verdict == .drop)
    #expect(try verdict("forward priority 0", "ether daddr 0a:58:0a:58:00:22").verdict == .drop)
    #expect(try verdict("prerouting priority -300", "iifname \"vethb\"").verdict == .forward)
    #expect(try verdict("postrouting priority 300", "oifname \"vethb\"").verdict == .drop)
    #expect(try verdict("input priority 0", "iifname \"vetha\"").verdict == .forward)
    #expect(try verdict("input priority 0", "iifname \"vetha\"", to: "203.0.113.9").verdict == .drop)
    #expect(try verdict("output priority 0", "oifname \"vethb\"").verdict == .forward)
    let step = try #require(try verdict("forward priority 0", "oifname \"vethb\"").steps.last)
    #expect(step.hook == .forward)
  }

  @Test("Packets of the node itself pass the bridge's OUTPUT and POSTROUTING")
  func bridgeOutput() throws {
    let node = BridgeNode(nft: chain("bridge b", "output priority 0", "oifname \"vethb\""))
    let tracer = PathTracer(node.snapshot)
    func verdict(_ to: String) -> Outcome.Verdict {
      tracer.trace(flow("10.88.0.1", to, 5432, from: Flow.local)).outcomes[0].verdict
    }
    #expect(verdict("10.88.0.22") == .drop)
    #expect(verdict("10.88.0.23") == .forward)
  }

  @Test("Chains of devices: ingress of the port and of the bridge, egress of the port")
  func devices() throws {
    func verdict(_ hook: String, _ device: String, to: String = "10.88.0.22") throws -> Outcome.Verdict {
      let nft = chain("netdev d", "\(hook) device \"\(device)\" priority 0", "tcp dport 5432")
      return try only(BridgeNode(nft: nft).trace(21, to)).verdict
    }
    #expect(try verdict("ingress", "vetha") == .drop)
    #expect(try verdict("ingress", "vethb") == .forward)
    #expect(try verdict("egress", "vethb") == .drop)
    #expect(try verdict("egress", "vetha") == .forward)
    // The bridge's own hooks see only what goes up to IP, or comes from it.
    #expect(try verdict("ingress", "br-pods") == .forward)
    #expect(try verdict("ingress", "br-pods", to: "203.0.113.9") == .drop)
    #expect(try verdict("egress", "ens5", to: "203.0.113.9") == .drop)
    // nft's JSON does not tell the device of a chain.
    let json = #"""
      {"nftables": [{"table": {"family": "netdev", "name": "d", "handle": 1}},
      {"chain": {"family": "netdev", "table": "d", "name": "c", "handle": 1, "type": "filter", "hook": "egress", "prio": 0,
      "policy": "drop"}}]}
      """#
    #expect(Set(BridgeNode(nft: json).trace(21, "203.0.113.9").outcomes.map(\.verdict)) == [.drop, .forward])
  }
}

@Suite("The interface by which a flow enters")
struct EntryTests {
  @Test(
    "From behind a router by the interface that owns the destination, whatever the way back; strict rp_filter decides")
  func secondInterface() {
    let files = [
      (
        "ip-addr.txt",
        """
        2: ens5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 qdisc mq state UP group default
            inet 198.18.0.4/20 brd 198.18.15.255 scope global ens5
        3: ens6: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 qdisc mq state UP group default
            inet 198.18.16.4/20 brd 198.18.31.255 scope global ens6

        """
      ),
      (
        "ip-route.txt",
        """
        default via 198.18.0.1 dev ens5
        198.18.0.0/20 dev ens5 proto kernel scope link src 198.18.0.4
        198.18.16.0/20 dev ens6 proto kernel scope link src 198.18.16.4
        local 198.18.0.4 dev ens5 table local proto kernel scope host src 198.18.0.4
        local 198.18.16.4 dev ens6 table local proto kernel scope host src 198.18.16.4

        """
      ),
      ("iptables-save.txt", "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"),
    ]
    func trace(_ filter: Int) -> Outcome {
      let settings = ("sysctl.txt", "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = \(filter)\n")
      let tracer = PathTracer(
        SnapshotLoader.load((files + [settings]).map { SourceFile(name: $0.0, text: $0.1) }, name: "n"))
      let (client, own) = (IPAddress("203.0.113.9")!, IPAddress("198.18.16.4")!)
      #expect(tracer.inputInterface(from: client) == "ens5")
      #expect(tracer.inputInterface(from: client, to: own) == "ens6")
      #expect(tracer.inputInterface(from: IPAddress("198.18.0.77")!, to: own) == "ens5")
      return tracer.trace(flow("203.0.113.9", "198.18.16.4", 443, from: "ens6")).outcomes[0]
    }
    #expect(trace(0).verdict == .deliver)
    #expect(trace(2).verdict == .deliver)
    #expect(trace(1).verdict == .noroute)
  }
}

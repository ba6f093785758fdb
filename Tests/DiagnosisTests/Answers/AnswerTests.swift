import Diagnosis
import Findings
import Input
import Intent
import PacketPath
import Snapshot
import Testing
import Wire

/// The answer of small nodes to one question each.
@Suite struct AnswerTests {
  static let addresses = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default
        inet 127.0.0.1/8 scope host lo
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default
        inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0
    3: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default
        inet 10.42.1.1/24 brd 10.42.1.255 scope global cni0

    """
  static let routes = """
    default via 192.0.2.1 dev eth0
    10.42.1.0/24 dev cni0 proto kernel scope link src 10.42.1.1
    10.42.2.0/24 via 192.0.2.11 dev eth0
    192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10

    """
  static let sysctls =
    "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\nnet.bridge.bridge-nf-call-iptables = 1\n"

  /// A filter table.
  static func filter(_ rules: String, forward: String = "ACCEPT", input: String = "ACCEPT") -> String {
    "*filter\n:INPUT \(input) [0:0]\n:FORWARD \(forward) [0:0]\n:OUTPUT ACCEPT [0:0]\n\(rules)COMMIT\n"
  }

  static func node(
    _ rules: String?, sockets: String? = nil, routes: String? = routes, objects: String? = nil
  ) -> (snapshot: Snapshot, names: NameResolver?) {
    var files = [SourceFile(name: "ip-addr.txt", text: addresses), SourceFile(name: "sysctl.txt", text: sysctls)]
    if let routes { files.append(SourceFile(name: "ip-route.txt", text: routes)) }
    if let rules {
      files.append(SourceFile(name: rules.hasPrefix("table") ? "nft.txt" : "iptables-save.txt", text: rules))
    }
    if let sockets { files.append(SourceFile(name: "ss.txt", text: sockets)) }
    let names = objects.map { NameResolver(ObjectReader.read([SourceFile(name: "objects.json", text: $0)])) }
    return (SnapshotLoader.load(files, name: "node-a"), names)
  }

  static func judge(
    _ node: (snapshot: Snapshot, names: NameResolver?), to: String, _ port: UInt16, from: String,
    by interface: String = "eth0", _ ipProtocol: IPProtocol = .tcp
  ) -> Judgement {
    let flow = Flow(
      ipProtocol: ipProtocol, source: IPAddress(from)!, sourcePort: 40000, destination: IPAddress(to)!,
      destinationPort: port, from: interface)
    return Judge(node.snapshot, names: node.names).judge(flow).judgement
  }

  static let listening = """
    Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
    tcp   LISTEN 0      128          0.0.0.0:22        0.0.0.0:*     users:(("sshd",pid=7,fd=3))
    tcp   LISTEN 0      128        127.0.0.1:9100      0.0.0.0:*     users:(("exporter",pid=8,fd=3))

    """

  // MARK: listeners

  @Test func whatListensIsServed() {
    let node = Self.node(Self.filter(""), sockets: Self.listening)
    let judgement = Self.judge(node, to: "192.0.2.10", 22, from: "198.51.100.7")
    #expect(judgement.answer == .served)
    #expect(judgement.why == "sshd listens at 192.0.2.10:22 on this node")
  }

  @Test func whereNothingListensItIsRefused() {
    let node = Self.node(Self.filter(""), sockets: Self.listening)
    #expect(Self.judge(node, to: "192.0.2.10", 8080, from: "198.51.100.7").answer == .refused)
    #expect(Self.judge(node, to: "192.0.2.10", 5353, from: "198.51.100.7", .udp).answer == .refused)
  }

  /// Rules that were not given could only make it worse, or send it elsewhere; as far as is known it is refused.
  @Test func whereNothingListensNoRulesAreNeeded() {
    let node = Self.node(nil, sockets: Self.listening)
    #expect(Self.judge(node, to: "192.0.2.10", 8080, from: "198.51.100.7").answer == .refused)
  }

  @Test func aListenerOnLoopbackIsNamed() {
    let node = Self.node(Self.filter(""), sockets: Self.listening)
    let judgement = Self.judge(node, to: "192.0.2.10", 9100, from: "198.51.100.7")
    #expect(judgement.answer == .refused)
    #expect(judgement.why.contains("exporter listens on 127.0.0.1:9100 only"), "\(judgement.why)")
  }

  /// `ss -lnt` has no UDP sockets because it was not asked for them.
  @Test func protocolsThatWereNotListedAreNotAbsent() {
    let tcpOnly = """
      State  Recv-Q Send-Q Local Address:Port Peer Address:Port
      LISTEN 0      128          0.0.0.0:22        0.0.0.0:*

      """
    let judgement = Self.judge(
      Self.node(Self.filter(""), sockets: tcpOnly), to: "192.0.2.10", 53, from: "198.51.100.7", .udp)
    #expect(judgement.answer == .unsure && judgement.wanted == ["ss -lntup"], "\(judgement.why)")
  }

  @Test func withoutSocketsTheyAreAskedFor() {
    let judgement = Self.judge(Self.node(Self.filter("")), to: "192.0.2.10", 8080, from: "198.51.100.7")
    #expect(judgement.answer == .unsure && judgement.wanted == ["ss -lntup"])
  }

  // MARK: one fact, one value

  /// A set whose elements nobody gave: asked twice, it says the same twice.
  @Test func aSetThatIsAskedTwiceIsOneFact() {
    let rules = Self.filter(
      "-A FORWARD -m set --match-set friends src -j MARK --set-xmark 0x8/0x8\n"
        + "-A FORWARD -m set --match-set friends src -j ACCEPT\n-A FORWARD -m mark --mark 0x8/0x8 -j DROP\n")
    let judgement = Self.judge(Self.node(rules), to: "198.51.100.9", 80, from: "10.42.1.7", by: "cni0")
    #expect(judgement.answer == .passes, "\(judgement.why)")
  }

  @Test func aSetAndItsNegationAreOneFact() {
    let rules = Self.filter(
      "-A FORWARD -m set --match-set friends src -j ACCEPT\n-A FORWARD -m set ! --match-set friends src -j DROP\n"
        + "-A FORWARD -j REJECT --reject-with icmp-port-unreachable\n"
        + "-A OUTPUT -j ACCEPT\n")
    let node = Self.node(rules)
    let (trace, judgement) = {
      let flow = Flow(
        ipProtocol: .tcp, source: IPAddress("10.42.1.7")!, sourcePort: 40000, destination: IPAddress("198.51.100.9")!,
        destinationPort: 80, from: "cni0")
      return Judge(node.snapshot).judge(flow)
    }()
    #expect(!trace.outcomes.contains { $0.verdict == .reject })
    #expect(judgement.answer == .unsure && judgement.wanted == ["ipset save"], "\(judgement.why)")
    #expect(judgement.undecided.count == 2)
  }

  /// What is asked of the source and of the destination are two facts.
  @Test func oneSetAskedForTwoAddressesIsTwoFacts() {
    let rules = Self.filter(
      "-A FORWARD -m set --match-set friends src -j ACCEPT\n-A FORWARD -m set --match-set friends dst -j DROP\n")
    let node = Self.node(rules)
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress("10.42.1.7")!, sourcePort: 40000, destination: IPAddress("198.51.100.9")!,
      destinationPort: 80, from: "cni0")
    #expect(Judge(node.snapshot).judge(flow).trace.worlds.facts.count == 2)
  }

  /// Two matches that nft does not print look alike and are two.
  @Test func hiddenMatchesAreIndependent() {
    let rules = """
      table ip filter {
      \tchain FORWARD {
      \t\ttype filter hook forward priority filter; policy accept;
      \t\tmeta l4proto tcp  counter packets 1 bytes 60 drop
      \t\tmeta l4proto tcp  counter packets 1 bytes 60 accept
      \t\treject
      \t}
      }

      """
    let node = Self.node(rules)
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress("10.42.1.7")!, sourcePort: 40000, destination: IPAddress("198.51.100.9")!,
      destinationPort: 80, from: "cni0")
    let (trace, judgement) = Judge(node.snapshot).judge(flow)
    #expect(Set(trace.outcomes.map(\.verdict)) == [.drop, .forward, .reject])
    #expect(judgement.answer == .unsure)
  }

  /// Whatever an unknown match says, the packet fares the same: nothing is unsure.
  @Test func whatMakesNoDifferenceIsNotAsked() {
    let rules = Self.filter("-A FORWARD -m set --match-set friends src -j DROP\n-A FORWARD -j DROP\n")
    #expect(
      Self.judge(Self.node(rules), to: "198.51.100.9", 80, from: "10.42.1.7", by: "cni0").answer == .dropped)
  }

  /// Chance stays chance where something else is unknown: half of the connections of one world.
  @Test func chanceAndIgnoranceAreKeptApart() {
    let rules = Self.filter(
      "-A FORWARD -m set --match-set friends src -j ACCEPT\n"
        + "-A FORWARD -i cni0 -m statistic --mode random --probability 0.25000000000 -j DROP\n")
    let node = Self.node(rules)
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress("10.42.1.7")!, sourcePort: 40000, destination: IPAddress("198.51.100.9")!,
      destinationPort: 80, from: "cni0")
    let (trace, judgement) = Judge(node.snapshot).judge(flow)
    #expect(judgement.answer == .unsure)
    let dropped = try! #require(trace.outcomes.firstIndex { $0.verdict == .drop })
    let chance = trace.worlds.condition(of: [dropped]).chance
    #expect(abs((chance ?? 0) - 0.25) < 1e-6)
    #expect(judgement.undecided.contains { $0.hasPrefix("partly if") }, "\(judgement.undecided)")
  }

  // MARK: the way back

  @Test func aReplyThatIsDroppedLosesTheConnection() {
    let rules = Self.filter("-A FORWARD -d 10.42.1.0/24 -j ACCEPT\n", forward: "DROP")
    let judgement = Self.judge(Self.node(rules), to: "10.42.1.7", 8080, from: "192.0.2.77")
    #expect(judgement.answer == .lost, "\(judgement.why)")
    let open = Self.filter(
      "-A FORWARD -d 10.42.1.0/24 -j ACCEPT\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n",
      forward: "DROP")
    #expect(Self.judge(Self.node(open), to: "10.42.1.7", 8080, from: "192.0.2.77").answer == .passes)
  }

  /// The entry of the request decides in raw, mangle and by its mark, too.
  @Test func replyRulesAreAskedInTheirOwnDirection() {
    let rules = Self.filter("-A FORWARD -m conntrack --ctdir REPLY -s 10.42.1.7/32 -j DROP\n")
    #expect(Self.judge(Self.node(rules), to: "10.42.1.7", 80, from: "192.0.2.77").answer == .lost)
    let other = Self.filter("-A FORWARD -m conntrack --ctdir ORIGINAL -s 10.42.1.7/32 -j DROP\n")
    #expect(Self.judge(Self.node(other), to: "10.42.1.7", 80, from: "192.0.2.77").answer == .passes)
  }

  private static let nodePort = """
    *nat
    :PREROUTING ACCEPT [0:0]
    :INPUT ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    -A PREROUTING -p tcp -m tcp --dport 30500 -j DNAT --to-destination 10.42.2.9:80
    COMMIT

    """

  /// The endpoint stands on another node and sees the client, whom it answers without this node.
  @Test func anEndpointElsewhereAnswersPastTheNode() {
    let judgement = Self.judge(Self.node(Self.nodePort), to: "192.0.2.10", 30500, from: "192.0.2.77")
    #expect(judgement.answer == .lost && judgement.why.contains("past this node"), "\(judgement.why)")
    let masqueraded = Self.nodePort.replacing(
      "COMMIT", with: "-A POSTROUTING -d 10.42.2.9/32 -j MASQUERADE\nCOMMIT")
    #expect(Self.judge(Self.node(masqueraded), to: "192.0.2.10", 30500, from: "192.0.2.77").answer == .served)
  }

  @Test func aPodThatReachesItselfNeedsMasquerading() {
    let rules = Self.nodePort.replacing("10.42.2.9", with: "10.42.1.7")
    let judgement = Self.judge(Self.node(rules), to: "192.0.2.10", 30500, from: "10.42.1.7", by: "cni0")
    #expect(judgement.answer == .lost, "\(judgement.why)")
  }

  // MARK: what is missing

  @Test func withoutRulesNothingIsPromised() {
    let judgement = Self.judge(Self.node(nil), to: "198.51.100.9", 80, from: "10.42.1.7", by: "cni0")
    #expect(judgement.answer == .unsure && judgement.wanted.contains("iptables-save"), "\(judgement.why)")
  }

  /// iptables-save says nothing of IPv6.
  @Test func rulesOfTheOtherVersionAreNotRules() {
    let node = Self.node(Self.filter(""))
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress("fd00:42::7")!, sourcePort: 40000, destination: IPAddress("2001:db8::9")!,
      destinationPort: 80, from: "cni0")
    #expect(Judge(node.snapshot).judge(flow).judgement.answer != .passes)
  }

  @Test func withoutRoutesNothingIsPromised() {
    let judgement = Self.judge(
      Self.node(Self.filter(""), routes: nil), to: "198.51.100.9", 80, from: "10.42.1.7", by: "cni0")
    #expect(judgement.answer == .unsure && judgement.wanted == ["ip route show table all"], "\(judgement.why)")
  }

  // MARK: Service addresses

  private static let shop = """
    {"kind": "List", "items": [
      {"kind": "Service", "metadata": {"namespace": "default", "name": "kubernetes"}, "spec": {"clusterIP": "10.43.0.1",
        "clusterIPs": ["10.43.0.1"], "ports": [{"name": "https", "port": 443}]}},
      {"kind": "Service", "metadata": {"namespace": "shop", "name": "till"}, "spec": {"clusterIP": "10.43.9.8",
        "clusterIPs": ["10.43.9.8"], "selector": {"app": "till"}, "ports": [{"name": "http", "port": 80}]}}]}
    """

  @Test func aServiceAddressThatNoRuleTakesIsUnserved() {
    let node = Self.node(Self.filter(""), objects: Self.shop)
    let judgement = Self.judge(node, to: "10.43.9.8", 80, from: "10.42.1.7", by: "cni0")
    #expect(judgement.answer == .unserved && judgement.service == "shop/till:http", "\(judgement.why)")
    let port = Self.judge(node, to: "10.43.9.8", 81, from: "10.42.1.7", by: "cni0")
    #expect(port.answer == .unserved && port.why.contains("has no port 81"), "\(port.why)")
    let unused = Self.judge(node, to: "10.43.7.7", 80, from: "10.42.1.7", by: "cni0")
    #expect(unused.answer == .unserved && unused.why.contains("10.43.0.0/20"), "\(unused.why)")
    #expect(Self.judge(node, to: "10.99.0.1", 80, from: "10.42.1.7", by: "cni0").answer == .passes)
  }

  /// Without objects, the ClusterIPs in kube-proxy's own rules tell the range.
  @Test func theRangeOfServicesIsReadFromRules() {
    let rules = """
      *nat
      :PREROUTING ACCEPT [0:0]
      :INPUT ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      :KUBE-SERVICES - [0:0]
      :KUBE-SVC-A - [0:0]
      -A PREROUTING -j KUBE-SERVICES
      -A KUBE-SERVICES -d 10.43.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-A
      -A KUBE-SERVICES -d 10.43.0.77/32 -p tcp -m comment --comment "shop/till:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-A
      -A KUBE-SVC-A -p tcp -j DNAT --to-destination 10.42.1.7:80
      COMMIT

      """
    let judgement = Self.judge(Self.node(rules), to: "10.43.0.99", 80, from: "10.42.1.9", by: "cni0")
    #expect(judgement.answer == .unserved, "\(judgement.why)")
  }

  /// A table of IPVS without the rules beside it: that nothing masquerades is not known.
  @Test func rulesThatWereNotGivenWereNotFlushed() {
    var fixture = ClusterFixture(.ipvs)
    fixture.files["iptables-save"] = nil
    fixture.files["ipset-save"] = nil
    let ids = Set(fixture.findings().map(\.id))
    #expect(ids.isDisjoint(with: ["rules-flushed", "masquerade-scope"]), "\(ids)")
  }

  // MARK: tables one by one

  static let natListing = """
    -P PREROUTING ACCEPT
    -P INPUT ACCEPT
    -P OUTPUT ACCEPT
    -P POSTROUTING ACCEPT
    -A PREROUTING -d 10.43.0.9/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.42.1.9:8080

    """

  /// A command that prints one table says nothing of the others; a whole dump without a table has none.
  @Test(
    arguments: [
      ("# iptables -t nat -S\n" + natListing, Answer.unsure),
      (natListing, .unsure),
      (
        "# iptables -t nat -S\n\(natListing)# iptables -S\n-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n",
        .served
      ),
      (
        "# iptables -t nat -S\n\(natListing)# iptables -S\n-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n",
        .dropped
      ),
      ("# iptables-save -t nat\n*nat\n:PREROUTING ACCEPT [0:0]\n\(rule)COMMIT\n", .unsure),
      ("*nat\n:PREROUTING ACCEPT [0:0]\n\(rule)COMMIT\n", .served),
      ("# iptables-save\n*nat\n:PREROUTING ACCEPT [0:0]\n\(rule)COMMIT\n", .served),
    ]) func aTableThatWasNotPrintedIsUnknown(_ rules: String, _ answer: Answer)
  {
    let judgement = Self.judge(Self.node(rules), to: "10.43.0.9", 80, from: "198.51.100.7")
    #expect(judgement.answer == answer, "\(judgement.why)")
    guard answer == .unsure else { return }
    #expect(judgement.why.contains("table filter was not handed over"))
    #expect(judgement.wanted == ["iptables-save"])
  }
  static let rule =
    "-A PREROUTING -d 10.43.0.9/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.42.1.9:8080\n"
}

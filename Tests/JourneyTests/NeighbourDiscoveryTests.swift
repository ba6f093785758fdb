import Diagnosis
import Input
import Journey
import PacketPath
import Snapshot
import Testing
import Wire

/// A Pod's own firewall may keep IPv6's neighbour advertisements from it, which no conntrack state lets in: then it reaches
/// nobody whose link address it does not know.
@Suite struct NeighbourDiscoveryTests {
  private static let established = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"

  @Test func aPodThatHearsNoNeighbourReachesNobody() {
    let answer = judge(fromPod, rules: [Self.established, "-A INPUT -j REJECT"])
    #expect(answer.answer == .dropped)
    #expect(answer.why.contains("rule 2 of INPUT") && answer.why.contains("neighbour advertisements"), "\(answer.why)")
    #expect(answer.deciding?.failedAt == Place(node: "fern", pod: "shop/six"))
  }

  @Test func aPodThatTakesICMPv6DoesSo() {
    let rules = [Self.established, "-A INPUT -p ipv6-icmp -j ACCEPT", "-A INPUT -j REJECT"]
    #expect(judge(fromPod, rules: rules).answer == .served)
  }

  @Test func aKnownNeighbourNeedNotBeAskedFor() {
    let answer = judge(
      fromPod, rules: [Self.established, "-A INPUT -j DROP"],
      neighbours: "fd00:9:1::1 dev eth0 lladdr 02:cc:00:00:00:01 router REACHABLE\n")
    #expect(answer.answer == .served, "\(answer.why)")
  }

  /// It cannot say no to a neighbour that it does not find.
  @Test func aPodThatHearsNoNeighbourRefusesNobody() {
    let answer = judge(fromNode, rules: [Self.established, "-A INPUT -j REJECT"])
    #expect(answer.answer == .dropped, "\(answer.why)")
    let heard = judge(fromNode, rules: ["-A INPUT -p ipv6-icmp -j ACCEPT", "-A INPUT -j REJECT"])
    #expect(heard.answer == .refused, "\(heard.why)")
  }

  /// IPv6 has no martian sources: the Pod takes its own packet, and answers itself.
  @Test func hairpinWithoutMasqueradeEndsInThePodsAnswer() {
    let answer = judge(
      fromPod, rules: [],
      nodeNAT: ["-A PREROUTING -d fd00:7::5/128 -p tcp -m tcp --dport 22 -j DNAT --to-destination [fd00:9:1::9]:80"],
      hasPodDumps: false, to: "fd00:7::5")
    #expect(answer.answer == .lost, "\(answer.why)")
    #expect(answer.deciding?.ending.phase == .reply)
  }

  private var fromPod: Flow {
    var flow = Flow(
      ipProtocol: .tcp, source: IPAddress("fd00:9:1::9")!, sourcePort: 41_000, destination: IPAddress("fd00:8::11")!,
      destinationPort: 22, from: "")
    flow.origin = FlowOrigin(pod: "shop/six")
    return flow
  }

  private var fromNode: Flow {
    var flow = Flow(
      ipProtocol: .tcp, source: IPAddress("fd00:9:1::1")!, sourcePort: 41_000, destination: IPAddress("fd00:9:1::9")!,
      destinationPort: 80, from: Flow.local)
    flow.origin = FlowOrigin(node: "fern")
    return flow
  }

  private func judge(
    _ flow: Flow, rules: [String], neighbours: String = "", nodeNAT: [String] = [], hasPodDumps: Bool = true,
    to destination: String? = nil
  ) -> JourneyAnswer {
    let nat =
      ([":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]"]
      + nodeNAT).joined(separator: "\n")
    var node = load(
      "fern",
      [
        ("ip6tables-save.txt", "*nat\n\(nat)\nCOMMIT\n"),
        ("ip-link.txt", Self.links), ("ip-addr.txt", Self.addresses), ("ip-6-route.txt", Self.routes),
        ("ip-neigh.txt", "fd00:9:1::9 dev cni0 lladdr 02:aa:00:00:00:99 REACHABLE\n"),
        ("bridge-fdb.txt", "02:aa:00:00:00:99 dev veth9 master cni0\n"),
        ("sysctl.txt", "net.ipv6.conf.all.forwarding = 1\nnet.bridge.bridge-nf-call-ip6tables = 0\n"),
        ("ss.txt", Self.sockets + "tcp LISTEN 0 128 [::]:22 [::]:*\n"),
      ])
    if hasPodDumps {
      let filter = ([":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"] + rules)
      node.pods = [
        load(
          "shop/six",
          [
            ("ip6tables-save.txt", "*filter\n\(filter.joined(separator: "\n"))\nCOMMIT\n"),
            ("ip-addr.txt", Self.podAddresses), ("ip-6-route.txt", Self.podRoutes), ("ip-neigh.txt", neighbours),
            ("ss.txt", Self.sockets + "tcp LISTEN 0 128 [::]:80 [::]:*\n"),
          ])
      ]
    }
    var flow = flow
    if let destination { flow.destination = IPAddress(destination)! }
    if !hasPodDumps {
      flow.origin = nil
      flow.from = "cni0"
    }
    return JourneyJudge(BundleMap([node], nil), nil).judge(flow)
  }

  private func load(_ name: String, _ files: [(name: String, text: String)]) -> Snapshot {
    SnapshotLoader.load(
      files.filter { !$0.text.isEmpty }.map { SourceFile(name: $0.name, contents: Array($0.text.utf8)) }, name: name)
  }

  private static let sockets = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
  private static let links = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
        link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
        link/ether 02:bb:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    4: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
        link/ether 02:cc:00:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0
        bridge forward_delay 1500 hello_time 200
    9: veth9@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP mode DEFAULT group default
        link/ether 02:dd:00:00:00:09 brd ff:ff:ff:ff:ff:ff link-netnsid 0
        veth
        bridge_slave state forwarding priority 32 cost 2 hairpin on guard off isolated off

    """
  private static let addresses = """
    1: lo    inet6 ::1/128 scope host
    2: eth0    inet6 fd00:8::11/64 scope global
    2: eth0    inet6 fe80::bb:ff:fe00:1/64 scope link
    4: cni0    inet6 fd00:9:1::1/64 scope global
    4: cni0    inet6 fe80::cc:ff:fe00:1/64 scope link

    """
  private static let routes = """
    fd00:8::/64 dev eth0 proto kernel metric 256 pref medium
    fd00:9:1::/64 dev cni0 proto kernel metric 256 pref medium
    fe80::/64 dev eth0 proto kernel metric 256 pref medium
    fe80::/64 dev cni0 proto kernel metric 256 pref medium
    default via fd00:8::1 dev eth0 metric 1024 pref medium
    local ::1 dev lo table local proto kernel metric 0 pref medium
    local fd00:8::11 dev eth0 table local proto kernel metric 0 pref medium
    local fd00:9:1::1 dev cni0 table local proto kernel metric 0 pref medium

    """
  private static let podAddresses = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
        inet6 ::1/128 scope host
    2: eth0@if9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
        link/ether 02:aa:00:00:00:99 brd ff:ff:ff:ff:ff:ff link-netnsid 0
        inet6 fd00:9:1::9/64 scope global
        inet6 fe80::aa:ff:fe00:99/64 scope link

    """
  private static let podRoutes = """
    fd00:9:1::/64 dev eth0 proto kernel metric 256 pref medium
    fe80::/64 dev eth0 proto kernel metric 256 pref medium
    default via fd00:9:1::1 dev eth0 metric 1024 pref medium
    local ::1 dev lo table local proto kernel metric 0 pref medium
    local fd00:9:1::9 dev eth0 table local proto kernel metric 0 pref medium

    """
}

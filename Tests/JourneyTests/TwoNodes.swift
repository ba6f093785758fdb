import Diagnosis
import Findings
import Input
import Journey
import PacketPath
import Snapshot
import Wire

/// Two nodes joined by VXLAN, a Pod on each behind a bridge, and a Service whose endpoint is on the second. What a test is
/// about, it changes.
struct TwoNodes {
  struct Node {
    var name: String
    var address: String
    /// Of the Pods' block: `10.9.1`.
    var block: String
    var tunnelMAC: String
    var tunnelPort = 8472
    var tunnelID = 1
    var tunnelMTU = 1450
    var linkMTU = 1500
    var filter = [":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    var masquerade = true
    var neighbours: [String] = []
    var entries: [String] = []
    var connections: [String] = []
    var forwarding = 1
    /// What listens in the Pod.
    var sockets = ["tcp LISTEN 0 128 0.0.0.0:8080 0.0.0.0:* users:((\"web\",pid=7,fd=3))"]
    var podRules: [String] = []
    var hasPods = true
    var hasDefaultRoute = true
  }

  static let service = "10.77.0.5"
  static let nodePort: UInt16 = 30950
  var a = Node(name: "rust", address: "198.18.0.11", block: "10.9.1", tunnelMAC: "02:aa:00:00:00:01")
  var b = Node(name: "moss", address: "198.18.0.12", block: "10.9.2", tunnelMAC: "02:aa:00:00:00:02")

  init() {
    a.neighbours = ["10.9.2.0 dev vx0 lladdr \(b.tunnelMAC) PERMANENT"]
    a.entries = ["\(b.tunnelMAC) dev vx0 dst \(b.address) self permanent"]
    b.neighbours = ["10.9.1.0 dev vx0 lladdr \(a.tunnelMAC) PERMANENT"]
    b.entries = ["\(a.tunnelMAC) dev vx0 dst \(a.address) self permanent"]
  }

  /// Of the second node's Pod.
  var endpoint: String { "\(b.block).9" }
  var client: String { "\(a.block).9" }

  func snapshots() -> [Snapshot] { [snapshot(a, other: b), snapshot(b, other: a)] }

  func map() -> BundleMap { BundleMap(snapshots(), nil) }

  func judge(_ flow: Flow) -> JourneyAnswer { JourneyJudge(map(), nil).judge(flow) }

  /// From the first node's Pod.
  func fromPod(to destination: String, _ port: UInt16, _ ipProtocol: IPProtocol = .tcp) -> Flow {
    var flow = Flow(
      ipProtocol: ipProtocol, source: IPAddress(client)!, sourcePort: 41_000, destination: IPAddress(destination)!,
      destinationPort: port, from: Flow.local)
    flow.origin = FlowOrigin(pod: "shop/one-\(a.name)")
    return flow
  }

  /// From outside to a NodePort.
  func fromOutside(to node: Node) -> Flow {
    Flow(
      ipProtocol: .tcp, source: IPAddress("203.0.113.77")!, sourcePort: 41_000, destination: IPAddress(node.address)!,
      destinationPort: Self.nodePort, from: "")
  }

  // MARK: - Dumps

  private func snapshot(_ node: Node, other: Node) -> Snapshot {
    let files = [
      ("iptables-save.txt", rules(node)), ("ip-link.txt", links(node)), ("ip-addr.txt", addresses(node)),
      ("ip-route.txt", routes(node, other)), ("ip-neigh.txt", neighbours(node)),
      ("bridge-fdb.txt", (node.entries + ["02:aa:00:00:00:99 dev veth9 master cni0"]).joined(separator: "\n") + "\n"),
      ("sysctl.txt", sysctls(node)),
      (
        "ss.txt",
        "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\ntcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n"
      ),
      ("conntrack.txt", node.connections.joined(separator: "\n") + "\n"),
    ]
    var snapshot = load(files, node.name)
    if node.hasPods {
      var inside = [
        ("ip-addr.txt", podAddresses(node)), ("ip-route.txt", podRoutes(node)),
        (
          "ss.txt",
          (["Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process"] + node.sockets).joined(
            separator: "\n")
            + "\n"
        ),
      ]
      if !node.podRules.isEmpty { inside.append(("iptables-save.txt", node.podRules.joined(separator: "\n") + "\n")) }
      snapshot.pods = [load(inside, "shop/one-\(node.name)")]
    }
    return snapshot
  }

  private func load(_ files: [(name: String, text: String)], _ name: String) -> Snapshot {
    SnapshotLoader.load(
      files.filter { !$0.text.allSatisfy(\.isNewline) }.map {
        SourceFile(name: $0.name, contents: Array($0.text.utf8))
      },
      name: name)
  }

  private func rules(_ node: Node) -> String {
    let masquerade =
      node.masquerade
      ? "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN\n-A KUBE-POSTROUTING -j MASQUERADE\n" : ""
    return """
      *nat
      :PREROUTING ACCEPT [0:0]
      :INPUT ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      :KUBE-SERVICES - [0:0]
      :KUBE-NODEPORTS - [0:0]
      :KUBE-EXT-A - [0:0]
      :KUBE-SVC-A - [0:0]
      :KUBE-SEP-A - [0:0]
      :KUBE-POSTROUTING - [0:0]
      -A PREROUTING -j KUBE-SERVICES
      -A OUTPUT -j KUBE-SERVICES
      -A POSTROUTING -j KUBE-POSTROUTING
      -A KUBE-SERVICES -d \(Self.service)/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-A
      -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
      -A KUBE-NODEPORTS -p tcp -m tcp --dport \(Self.nodePort) -j KUBE-EXT-A
      -A KUBE-EXT-A -j MARK --set-xmark 0x4000/0x4000
      -A KUBE-EXT-A -j KUBE-SVC-A
      -A KUBE-SVC-A -j KUBE-SEP-A
      -A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination \(endpoint):8080
      \(masquerade)COMMIT
      *filter
      \(node.filter.joined(separator: "\n"))
      COMMIT

      """
  }

  private func links(_ node: Node) -> String {
    """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
        link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu \(node.linkMTU) qdisc noqueue state UP mode DEFAULT group default qlen 1000
        link/ether 02:bb:00:00:00:0\(node.address.last!) brd ff:ff:ff:ff:ff:ff
    3: vx0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu \(node.tunnelMTU) qdisc noqueue state UNKNOWN mode DEFAULT group default
        link/ether \(node.tunnelMAC) brd ff:ff:ff:ff:ff:ff promiscuity 0
        vxlan id \(node.tunnelID) local \(node.address) dev eth0 srcport 0 0 dstport \(node.tunnelPort) nolearning ttl auto ageing 300
    4: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP mode DEFAULT group default qlen 1000
        link/ether 02:cc:00:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0
        bridge forward_delay 1500 hello_time 200
    9: veth9@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master cni0 state UP mode DEFAULT group default
        link/ether 02:dd:00:00:00:09 brd ff:ff:ff:ff:ff:ff link-netnsid 0
        veth
        bridge_slave state forwarding priority 32 cost 2 hairpin on guard off isolated off

    """
  }

  private func addresses(_ node: Node) -> String {
    """
    1: lo    inet 127.0.0.1/8 scope host lo
    2: eth0    inet \(node.address)/24 scope global eth0
    3: vx0    inet \(node.block).0/32 scope global vx0
    4: cni0    inet \(node.block).1/24 scope global cni0

    """
  }

  private func routes(_ node: Node, _ other: Node) -> String {
    """
    \(node.hasDefaultRoute ? "default via 198.18.0.1 dev eth0\n" : "")\(node.block).0/24 dev cni0 proto kernel scope link src \(node.block).1
    \(other.block).0/24 via \(other.block).0 dev vx0 onlink
    198.18.0.0/24 dev eth0 proto kernel scope link src \(node.address)
    local \(node.address) dev eth0 table local proto kernel scope host src \(node.address)
    local \(node.block).0 dev vx0 table local proto kernel scope host src \(node.block).0
    local \(node.block).1 dev cni0 table local proto kernel scope host src \(node.block).1
    local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1

    """
  }

  private func neighbours(_ node: Node) -> String {
    (node.neighbours + ["\(node.block).9 dev cni0 lladdr 02:aa:00:00:00:99 REACHABLE"]).joined(separator: "\n") + "\n"
  }

  private func sysctls(_ node: Node) -> String {
    """
    net.ipv4.ip_forward = \(node.forwarding)
    net.ipv4.conf.all.forwarding = \(node.forwarding)
    net.ipv4.conf.all.rp_filter = 0
    net.bridge.bridge-nf-call-iptables = 1

    """
  }

  private func podAddresses(_ node: Node) -> String {
    """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
        inet 127.0.0.1/8 scope host lo
    2: eth0@if9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default qlen 1000
        link/ether 02:aa:00:00:00:99 brd ff:ff:ff:ff:ff:ff link-netnsid 0
        inet \(node.block).9/24 scope global eth0

    """
  }

  private func podRoutes(_ node: Node) -> String {
    """
    default via \(node.block).1 dev eth0
    \(node.block).0/24 dev eth0 proto kernel scope link src \(node.block).9
    local \(node.block).9 dev eth0 table local proto kernel scope host src \(node.block).9
    local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1

    """
  }
}

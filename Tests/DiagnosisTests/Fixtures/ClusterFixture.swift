import Diagnosis
import Findings
import Input
import Intent
import Snapshot

/// A small cluster seen from its node `a`: rules as kube-proxy writes them, facts of the node, objects. Healthy as it
/// stands, apart from Service shop/empty, whose only Pod has no image; tests break one thing at a time.
struct ClusterFixture {
  enum Mode: String, CaseIterable { case iptables, nftables, ipvs }

  /// Text by file name.
  var files: [String: String]

  init(_ mode: Mode) {
    files = Self.facts
    switch mode {
    case .iptables: files["iptables-save"] = Self.iptablesRules
    case .nftables: files["nft"] = Self.nftablesRules
    case .ipvs:
      files["iptables-save"] = Self.ipvsRules
      files["ipvsadm-Sn"] = Self.ipvsServers
      files["ipset-save"] = Self.ipvsSets
      files["ip-addr"]! += "9: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default\n"
      for address in Self.ipvsAddresses { files["ip-addr"]! += "    inet \(address)/32 scope global kube-ipvs0\n" }
    }
  }

  /// Replaces the first occurrence of a text; an edit that changes nothing is the test's own fault.
  mutating func replace(_ file: String, _ old: String, _ new: String) {
    guard let text = files[file], let range = text.firstRange(of: old) else {
      fatalError("\(file) does not hold “\(old)”")
    }
    files[file] = String(text[..<range.lowerBound]) + new + String(text[range.upperBound...])
  }

  /// Removes every line that holds all of the words.
  mutating func remove(_ file: String, _ words: String...) {
    let lines = (files[file] ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    let kept = lines.filter { line in !words.allSatisfy { line.contains($0) } }
    precondition(kept.count < lines.count, "\(file) has no line with \(words)")
    files[file] = kept.joined(separator: "\n")
  }

  /// A copy that broke off.
  mutating func cut(_ file: String, before words: String) {
    guard let at = files[file]?.range(of: words) else { preconditionFailure("\(file) does not have \(words)") }
    files[file]!.removeSubrange(at.lowerBound...)
  }

  /// Adds lines at the end of a file.
  mutating func append(_ file: String, _ text: String) {
    if let old = files[file], !old.isEmpty, !old.hasSuffix("\n") { files[file] = old + "\n" }
    files[file, default: ""] += text
  }

  /// One node of that name, or several with the same objects.
  static func context(_ nodes: [(name: String, fixture: ClusterFixture)]) -> CheckContext {
    var bundle = Bundle()
    for (name, fixture) in nodes {
      let sources = fixture.files.sorted { $0.key < $1.key }.map { SourceFile(name: $0.key, text: $0.value) }
      bundle.snapshots.append(SnapshotLoader.load(sources, name: name))
    }
    if let first = bundle.snapshots.first { bundle.objectFiles = first.objectFiles }
    return CheckContext(bundle, intent: ObjectReader.read(bundle.objectFiles))
  }

  func findings(only: Set<String> = []) -> [Finding] { Diagnosis.run(Self.context([("a", self)]), only: only) }

  static let facts: [String: String] = [
    "ip-addr": """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default
        inet 127.0.0.1/8 scope host lo
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
        link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
        inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0
    3: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default
        link/ether 02:00:00:00:01:01 brd ff:ff:ff:ff:ff:ff
        inet 10.244.0.0/32 scope global flannel.1
    4: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default
        link/ether 02:00:00:00:02:01 brd ff:ff:ff:ff:ff:ff
        inet 10.244.0.1/24 brd 10.244.0.255 scope global cni0

    """,
    "ip-d-link": """
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default
        link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0
    3: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN mode DEFAULT group default
        link/ether 02:00:00:00:01:01 brd ff:ff:ff:ff:ff:ff promiscuity 0
        vxlan id 1 local 192.0.2.1 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto
    4: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP mode DEFAULT group default
        link/ether 02:00:00:00:02:01 brd ff:ff:ff:ff:ff:ff promiscuity 0
        bridge forward_delay 1500 hello_time 200 max_age 2000
    5: veth5@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master cni0 state UP mode DEFAULT group default
        link/ether 02:00:00:00:03:05 brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 1
        veth
        bridge_slave state forwarding priority 32 cost 2 hairpin on
    6: veth6@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master cni0 state UP mode DEFAULT group default
        link/ether 02:00:00:00:03:06 brd ff:ff:ff:ff:ff:ff link-netnsid 1 promiscuity 1
        veth
        bridge_slave state forwarding priority 32 cost 2 hairpin on

    """,
    "ip-route": """
    default via 192.0.2.254 dev eth0
    10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1
    10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink
    192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1

    """,
    "sysctl": """
    kernel.osrelease = 6.1.0-18-amd64
    net.bridge.bridge-nf-call-iptables = 1
    net.ipv4.conf.all.arp_ignore = 1
    net.ipv4.conf.all.arp_announce = 2
    net.ipv4.conf.all.route_localnet = 1
    net.ipv4.conf.all.rp_filter = 0
    net.ipv4.conf.cni0.rp_filter = 0
    net.ipv4.conf.eth0.rp_filter = 0
    net.ipv4.conf.flannel/1.rp_filter = 0
    net.ipv4.ip_forward = 1
    net.ipv4.ip_local_port_range = 32768	60999
    net.ipv4.vs.conn_reuse_mode = 0
    net.ipv4.vs.conntrack = 1
    net.netfilter.nf_conntrack_tcp_be_liberal = 0

    """,
    "ss": """
    Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
    tcp   LISTEN 0      4096       127.0.0.1:10256      0.0.0.0:*    users:(("kube-proxy",pid=7,fd=7))
    tcp   LISTEN 0      4096               *:31500            *:*    users:(("kube-proxy",pid=7,fd=12))

    """,
    "objects.yaml": objects,
  ]

  private static let objects = """
    apiVersion: v1
    kind: List
    items:
    - {apiVersion: v1, kind: Node, metadata: {name: a}, spec: {podCIDRs: [10.244.0.0/24]},
       status: {addresses: [{type: InternalIP, address: 192.0.2.1}], conditions: [{type: Ready, status: "True"}]}}
    - {apiVersion: v1, kind: Node, metadata: {name: b}, spec: {podCIDRs: [10.244.1.0/24]},
       status: {addresses: [{type: InternalIP, address: 192.0.2.2}], conditions: [{type: Ready, status: "True"}]}}
    \(service("default", "kubernetes", "10.96.0.1", "https", 443))
    \(service("kube-system", "kube-dns", "10.96.0.10", "dns", 53, "selector: {app: dns}", proto: "UDP"))
    \(service("shop", "cart", "10.96.0.20", "http", 80,
      "type: NodePort, selector: {app: cart}, sessionAffinity: ClientIP", nodePort: 30080, target: "8080"))
    \(service("shop", "edge", "10.96.0.30", "https", 443,
      "type: LoadBalancer, selector: {app: edge}, externalTrafficPolicy: Local, healthCheckNodePort: 31500",
      nodePort: 30443, target: "web", balancer: "203.0.113.7"))
    \(service("shop", "office", "10.96.0.40", "http", 80,
      "type: LoadBalancer, selector: {app: office}, loadBalancerSourceRanges: [198.51.100.0/24]",
      nodePort: 30090, balancer: "203.0.113.8"))
    \(service("shop", "empty", "10.96.0.50", "http", 80, "type: NodePort, selector: {app: empty}", nodePort: 30099))
    \(slice("default", "kubernetes", "https", 6443, [("192.0.2.10", nil)]))
    \(slice("kube-system", "kube-dns", "dns", 53, [("10.244.0.2", "a"), ("10.244.1.2", "b")], proto: "UDP"))
    \(slice("shop", "cart", "http", 8080, [("10.244.0.5", "a"), ("10.244.1.5", "b")]))
    \(slice("shop", "edge", "https", 8443, [("10.244.0.6", "a"), ("10.244.1.6", "b")]))
    \(slice("shop", "office", "http", 8080, [("10.244.1.7", "b")]))
    \(pod("kube-system", "dns", "a", "10.244.0.2", 53, proto: "UDP"))
    \(pod("kube-system", "dns", "b", "10.244.1.2", 53, proto: "UDP"))
    \(pod("shop", "cart", "a", "10.244.0.5", 8080))
    \(pod("shop", "cart", "b", "10.244.1.5", 8080))
    \(pod("shop", "edge", "a", "10.244.0.6", 8443))
    \(pod("shop", "edge", "b", "10.244.1.6", 8443))
    \(pod("shop", "office", "b", "10.244.1.7", 80))
    - {apiVersion: v1, kind: Pod, metadata: {name: empty-a, namespace: shop, labels: {app: empty}}, spec: {nodeName: a},
       status: {phase: Pending, podIP: 10.244.0.9, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}],
         conditions: [{type: Ready, status: "False"}]}}

    """

  static func service(
    _ namespace: String, _ name: String, _ address: String, _ port: String, _ number: Int, _ more: String = "",
    nodePort: Int? = nil, target: String? = nil, balancer: String? = nil, proto: String = "TCP"
  ) -> String {
    let node = nodePort.map { ", nodePort: \($0)" } ?? ""
    let to = target.map { ", targetPort: \($0)" } ?? ""
    let status = balancer.map { ", status: {loadBalancer: {ingress: [{ip: \($0)}]}}" } ?? ""
    return """
      - {apiVersion: v1, kind: Service, metadata: {name: \(name), namespace: \(namespace)}, spec: {clusterIPs: [\(address)],
         ports: [{name: \(port), port: \(number), protocol: \(proto)\(node)\(to)}]\(more.isEmpty ? "" : ", " + more)}\(status)}
      """
  }

  static func slice(
    _ namespace: String, _ service: String, _ port: String, _ number: Int, _ endpoints: [(String, String?)],
    proto: String = "TCP"
  ) -> String {
    let list = endpoints.map { address, node in
      "{addresses: [\(address)], conditions: {ready: true}\(node.map { ", nodeName: \($0)" } ?? "")}"
    }.joined(separator: ", ")
    return """
      - {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, endpoints: [\(list)],
         metadata: {name: \(service)-1, namespace: \(namespace), labels: {kubernetes.io/service-name: \(service)}},
         ports: [{name: \(port), port: \(number), protocol: \(proto)}]}
      """
  }

  static func pod(
    _ namespace: String, _ app: String, _ node: String, _ address: String, _ port: Int, proto: String = "TCP"
  ) -> String {
    """
    - {apiVersion: v1, kind: Pod, metadata: {name: \(app)-\(node), namespace: \(namespace), labels: {app: \(app)}},
       spec: {nodeName: \(node), containers: [{ports: [{name: web, containerPort: \(port), protocol: \(proto)}]}]},
       status: {phase: Running, podIP: \(address), conditions: [{type: Ready, status: "True"}]}}
    """
  }
}

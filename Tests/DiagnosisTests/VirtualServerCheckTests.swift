import Diagnosis
import Findings
import Input
import Intent
import Snapshot
import Testing

/// A node in IPVS mode, healthy, and with one thing broken: the finding that names it, and no other.
@Suite struct VirtualServerCheckTests {
  static let healthy: [String: String] = [
    "iptables-save.txt": """
    *nat
    :PREROUTING ACCEPT [0:0]
    :INPUT ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    :KUBE-MARK-MASQ - [0:0]
    :KUBE-POSTROUTING - [0:0]
    :KUBE-SERVICES - [0:0]
    -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
    -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
    -A KUBE-POSTROUTING -m set --match-set KUBE-LOOP-BACK dst,dst,src -j MASQUERADE
    -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
    -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
    -A KUBE-POSTROUTING -j MASQUERADE --random-fully
    -A KUBE-SERVICES ! -s 10.244.0.0/16 -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ
    -A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT
    COMMIT
    *filter
    :INPUT ACCEPT [0:0]
    :FORWARD ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    COMMIT
    """,
    "ipset.txt": """
    create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536
    add KUBE-CLUSTER-IP 10.96.0.10,tcp:80
    create KUBE-LOOP-BACK hash:ip,port,ip family inet hashsize 1024 maxelem 65536
    add KUBE-LOOP-BACK 10.244.1.7,tcp:8080,10.244.1.7
    """,
    "ipvsadm.txt": """
    -A -t 10.96.0.10:80 -s rr
    -a -t 10.96.0.10:80 -r 10.244.1.7:8080 -m -w 1
    -a -t 10.96.0.10:80 -r 10.244.2.8:8080 -m -w 1
    """,
    "ip-addr.txt": """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN
        inet 127.0.0.1/8 scope host lo
    2: eth0: <BROADCAST,UP,LOWER_UP> mtu 1500 state UP
        inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0
    3: cni0: <BROADCAST,UP,LOWER_UP> mtu 1500 state UP
        inet 10.244.1.1/24 brd 10.244.1.255 scope global cni0
    4: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 state DOWN
        inet 10.96.0.10/32 scope global kube-ipvs0
    """,
    "ip-route.txt": """
    default via 192.0.2.1 dev eth0
    192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
    10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1
    10.244.2.0/24 via 192.0.2.20 dev eth0
    """,
    "sysctl.txt": """
    net.ipv4.ip_forward = 1
    net.ipv4.vs.conntrack = 1
    net.ipv4.conf.all.rp_filter = 0
    net.ipv4.conf.eth0.rp_filter = 0
    net.ipv4.conf.cni0.rp_filter = 0
    net.ipv4.conf.all.arp_ignore = 1
    net.ipv4.conf.all.arp_announce = 2
    """,
    "objects.json": """
    {"kind": "List", "apiVersion": "v1", "items": [
      {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "node-a"},
       "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.10"}], "conditions": [{"type": "Ready", "status": "True"}]}},
      {"kind": "Service", "apiVersion": "v1", "metadata": {"namespace": "shop", "name": "cart"},
       "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "selector": {"app": "cart"},
                "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]}},
      {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
       "metadata": {"namespace": "shop", "name": "cart-1", "labels": {"kubernetes.io/service-name": "cart"}},
       "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
       "endpoints": [
         {"addresses": ["10.244.1.7"], "nodeName": "node-a", "conditions": {"ready": true}},
         {"addresses": ["10.244.2.8"], "nodeName": "node-b", "conditions": {"ready": true}}]}]}
    """,
  ]

  @Test func aHealthyNodeHasNoFinding() throws {
    #expect(try Corpus.findings(Self.healthy).map { "\($0.id): \($0.problem): \($0.cause)" } == [])
  }

  @Test(arguments: [
    ("ip-addr.txt", "    inet 10.96.0.10/32 scope global kube-ipvs0", "", "ipvs-address-missing"),
    ("ipvsadm.txt", "10.244.2.8:8080 -m -w 1", "10.244.2.8:8080 -m -w 0", "ipvs-weight-zero"),
    ("ipvsadm.txt", "-a -t 10.96.0.10:80 -r 10.244.2.8:8080 -m -w 1", "", "stale-rules"),
    ("ipvsadm.txt", "10.244.2.8:8080", "10.244.2.9:8080", "stale-rules"),
    ("ipvsadm.txt", "-s rr", "-s wrr\n-a -t 10.96.0.10:80 -r 10.244.1.66:8080 -m -w 5", "stale-rules"),
    (
      "ipvsadm.txt", "-A -t 10.96.0.10:80 -s rr",
      "-A -t 10.96.0.10:81 -s rr\n-a -t 10.96.0.10:81 -r 10.244.1.7:8080 -m -w 1\n-A -t 10.96.0.10:80 -s rr",
      "ipvs-stale-virtual-server"
    ),
    (
      "iptables-save.txt", "-A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES", "",
      "rules-flushed"
    ),
    ("ipset.txt", "add KUBE-CLUSTER-IP 10.96.0.10,tcp:80", "", "ipvs-set-mismatch"),
    (
      "ipset.txt", "add KUBE-CLUSTER-IP 10.96.0.10,tcp:80",
      "add KUBE-CLUSTER-IP 10.96.0.10,tcp:80\nadd KUBE-CLUSTER-IP 10.96.0.77,tcp:80", "ipvs-set-mismatch"
    ),
    ("sysctl.txt", "net.ipv4.vs.conntrack = 1", "net.ipv4.vs.conntrack = 0", "ipvs-conntrack-off"),
    ("ipset.txt", "add KUBE-LOOP-BACK 10.244.1.7,tcp:8080,10.244.1.7", "", "ipvs-set-mismatch"),
    ("iptables-save.txt", ":OUTPUT ACCEPT [0:0]\nCOMMIT", ":OUTPUT DROP [0:0]\nCOMMIT", "forward-drop"),
  ]) func oneBrokenThingIsNamed(_ file: String, _ from: String, _ to: String, _ id: String) throws {
    var files = Self.healthy
    if id == "ipvs-stale-virtual-server" { files["objects.json"] = Self.whole(files["objects.json"]!) }
    let text = try #require(files[file])
    let broken =
      file == "iptables-save.txt" && from.hasPrefix(":OUTPUT")
      ? text.replacingLast(from, with: to) : text.replacing(from, with: to)
    #expect(broken != text)
    files[file] = broken
    let findings = try Corpus.findings(files)
    #expect(findings.contains { $0.id == id }, "\(findings.map { "\($0.id): \($0.cause)" })")
  }

  @Test func withoutTheTableNothingIsJudged() throws {
    var files = Self.healthy
    files["ipvsadm.txt"] = nil
    #expect(try Corpus.findings(files).map(\.id) == ["ipvs-table-missing"])
  }

  /// Cilium: the same cluster, its Services in eBPF maps instead of rules.
  static let cilium: [String: String] = {
    var files = healthy
    for name in ["iptables-save.txt", "ipset.txt", "ipvsadm.txt"] { files[name] = nil }
    files["ip-addr.txt"] = files["ip-addr.txt"]!.replacing("    inet 10.96.0.10/32 scope global kube-ipvs0", with: "")
    files["lb.txt"] = """
      SERVICE ADDRESS               BACKEND ADDRESS (REVNAT_ID) (SLOT)
      10.96.0.10:80/TCP (0)         0.0.0.0:0 (3) (0) [ClusterIP, non-routable]
      10.96.0.10:80/TCP (1)         10.244.1.7:8080/TCP (3) (1)
      10.96.0.10:80/TCP (2)         10.244.2.8:8080/TCP (3) (2)
      """
    files["services.txt"] = """
      ID   Frontend                Service Type   Backend
      1    10.96.0.10:80/TCP       ClusterIP      1 => 10.244.1.7:8080/TCP (active)
                                                  2 => 10.244.2.8:8080/TCP (active)
      """
    return files
  }()

  @Test func aHealthyNodeOfCiliumHasNoFinding() throws {
    #expect(try Corpus.findings(Self.cilium).map { "\($0.id): \($0.problem): \($0.cause)" } == [])
  }

  @Test func aBackendThatTheMapLacksIsNamed() throws {
    var files = Self.cilium
    files["lb.txt"] = files["lb.txt"]!.replacing("10.96.0.10:80/TCP (2)         10.244.2.8:8080/TCP (3) (2)", with: "")
    let ids = try Corpus.findings(files).map(\.id)
    #expect(ids == ["ebpf-map-diverged"])
  }

  @Test func emptyTablesAreCiliumsFault() throws {
    var files = Self.cilium
    files["lb.txt"] = "SERVICE ADDRESS               BACKEND ADDRESS (REVNAT_ID) (SLOT)\n"
    files["services.txt"] = "ID   Frontend                Service Type   Backend\n"
    let findings = try Corpus.findings(files)
    #expect(findings.map(\.id) == ["kube-proxy-not-programming"])
    #expect(findings.allSatisfy { $0.cause.hasPrefix("Cilium") && !$0.fix.contains { $0.text.contains("kube-proxy") } })
  }

  /// All of a cluster's objects, as the Service that each cluster has shows.
  private static func whole(_ objects: String) -> String {
    let kubernetes =
      #"{"kind": "Service", "apiVersion": "v1", "metadata": {"namespace": "default", "name": "kubernetes"}, "spec": {"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 443}]}},"#
    return objects.replacing(#""items": ["#, with: #""items": ["# + kubernetes)
  }

  /// Of a part of the objects nothing is concluded.
  @Test func aPartOfTheObjectsProvesNothing() throws {
    var files = Self.healthy
    files["ipvsadm.txt"]! += "\n-A -t 10.96.0.10:81 -s rr\n-a -t 10.96.0.10:81 -r 10.244.1.7:8080 -m -w 1"
    #expect(try !Corpus.findings(files).contains { $0.id == "ipvs-stale-virtual-server" })
  }

  @Test func aFrontendOfNoServiceIsNamed() throws {
    var files = Self.cilium
    files["objects.json"] = Self.whole(files["objects.json"]!)
    #expect(try Corpus.findings(files).isEmpty)
    files["services.txt"]! += "\n2    10.96.0.77:80/TCP       ClusterIP      1 => 10.244.1.99:8080/TCP (active)"
    files["lb.txt"] = nil
    let findings = try Corpus.findings(files)
    #expect(findings.map(\.id) == ["stale-rules"])
    #expect(findings.allSatisfy { $0.problem.contains("10.96.0.77:80") })
  }
}

extension String {
  fileprivate func replacingLast(_ from: String, with to: String) -> String {
    guard let range = ranges(of: from).last else { return self }
    return String(self[..<range.lowerBound]) + to + String(self[range.upperBound...])
  }
}

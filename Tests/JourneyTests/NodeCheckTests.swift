import Diagnosis
import Findings
import Glibc
import Input
import Intent
import Snapshot
import Testing
import Wire

/// Findings of one node that no packet's walk shows.
@Suite struct NodeCheckTests {
  private func found(_ id: String, _ snapshot: Snapshot, objects: String = "") -> [Finding] {
    var bundle = Bundle()
    bundle.snapshots = [snapshot]
    let cluster =
      objects.isEmpty
      ? Cluster() : ObjectReader.read([SourceFile(name: "objects.json", contents: Array(objects.utf8))])
    return Diagnosis.run(CheckContext(bundle, intent: cluster), only: [id])
  }

  @Test func aShortCloseWaitTimer() {
    var snapshot = Snapshot(name: "fir")
    snapshot.sysctls["net.netfilter.nf_conntrack_tcp_timeout_close_wait"] = "60"
    #expect(found("close-wait-timeout", snapshot).isEmpty)
    snapshot.sysctls["net.netfilter.nf_conntrack_tcp_timeout_close_wait"] = "10"
    #expect(found("close-wait-timeout", snapshot).count == 1)
  }

  /// Where no rule translates, answers that avoid iptables are as they should be.
  @Test func bridgesOfNodesWithoutServiceRules() {
    let links = """
      4: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default
          link/ether 02:cc:00:00:00:01 brd ff:ff:ff:ff:ff:ff
          bridge forward_delay 1500
      5: veth5@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP mode DEFAULT group default
          link/ether 02:dd:00:00:00:05 brd ff:ff:ff:ff:ff:ff link-netnsid 0
      6: veth6@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP mode DEFAULT group default
          link/ether 02:dd:00:00:00:06 brd ff:ff:ff:ff:ff:ff link-netnsid 1

      """
    func node(_ rules: String) -> Snapshot {
      SnapshotLoader.load(
        [
          ("iptables-save.txt", rules), ("ip-link.txt", links),
          ("sysctl.txt", "net.bridge.bridge-nf-call-iptables = 0\n"),
        ].map { SourceFile(name: $0.0, contents: Array($0.1.utf8)) }, name: "fir")
    }
    let own = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    #expect(found("bridge-nf-call-off", node(own)).isEmpty)
    let proxys = "*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n"
    #expect(found("bridge-nf-call-off", node(own + proxys)).count == 1)
  }

  @Test func theDNSCachesDeviceWithoutItsRules() {
    let addresses =
      "1: lo    inet 127.0.0.1/8 scope host lo\n7: nodelocaldns    inet 169.254.20.10/32 scope global nodelocaldns\n"
    let routes = "local 169.254.20.10 dev nodelocaldns table local proto kernel scope host src 169.254.20.10\n"
    func node(_ raw: String) -> Snapshot {
      let rules = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\(raw)COMMIT\n"
      return SnapshotLoader.load(
        [("iptables-save.txt", rules), ("ip-addr.txt", addresses), ("ip-route.txt", routes)].map {
          SourceFile(name: $0.0, contents: Array($0.1.utf8))
        }, name: "fir")
    }
    let own = "-A OUTPUT -d 169.254.20.10/32 -p udp -m udp --dport 53 -j CT --notrack\n"
    #expect(found("node-local-dns-rules", node(own)).isEmpty)
    #expect(found("node-local-dns-rules", node("")).count == 1)
  }

  @Test func rangesOfTwoNodesOverlap() {
    func nodes(_ second: String) -> String {
      """
      {"kind": "List", "apiVersion": "v1", "items": [
        {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "fir"}, "spec": {"podCIDRs": ["10.66.1.0/24"]},
         "status": {"addresses": [{"type": "InternalIP", "address": "198.18.0.5"}]}},
        {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "yew"}, "spec": {"podCIDRs": ["\(second)"]},
         "status": {"addresses": [{"type": "InternalIP", "address": "198.18.0.6"}]}}]}
      """
    }
    #expect(found("cidr-overlap", Snapshot(name: "fir"), objects: nodes("10.66.2.0/24")).isEmpty)
    #expect(found("cidr-overlap", Snapshot(name: "fir"), objects: nodes("10.66.1.128/25")).count == 1)
    #expect(found("cidr-overlap", Snapshot(name: "fir"), objects: nodes("198.18.0.0/24")).count == 1)
  }

  /// A Pod's own namespace is no part of its node.
  @Test func foldersOfPodsAreNamespacesOfTheirOwn() throws {
    let folder = "/tmp/kubepath-pods-\(UInt32.random(in: 0 ... .max))"
    defer { for path in ["pods/shop_web-0", "pods", ""] { remove(folder, path) } }
    try write(folder, "ip-addr.txt", "2: eth0    inet 198.18.0.5/24 scope global eth0\n")
    try write(folder + "/pods/shop_web-0", "ip-addr.txt", "2: eth0    inet 10.66.1.9/24 scope global eth0\n")
    let bundle = try SnapshotLoader.load([folder])
    #expect(bundle.snapshots.count == 1)
    #expect(bundle.snapshots.first?.addresses?.map(\.address) == [IPAddress("198.18.0.5")!])
    #expect(bundle.snapshots.first?.pods.map(\.name) == ["shop/web-0"])
  }

  private func write(_ folder: String, _ name: String, _ text: String) throws {
    var path = ""
    for part in folder.split(separator: "/") {
      path += "/" + part
      mkdir(path, 0o700)
    }
    let file = try #require(fopen(folder + "/" + name, "w"))
    fputs(text, file)
    fclose(file)
  }

  private func remove(_ folder: String, _ path: String) {
    unlink("\(folder)/\(path)/ip-addr.txt")
    rmdir("\(folder)/\(path)")
  }
}

import Diagnosis
import Input
import Intent
import Snapshot
import Testing
import Wire

/// An address of a Service on the node: bound there by a proxy it is nobody's until virtual servers take it; a DNS cache
/// answers at it.
@Suite struct ServiceDeviceTests {
  private static let objects = """
    {"apiVersion": "v1", "kind": "List", "items": [
      {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system"},
       "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}}]}
    """

  private static func answer(_ device: String, listens: Bool) -> Judgement {
    let sockets = "udp UNCONN 0 0 \(listens ? "10.96.0.10" : "127.0.0.1"):53 0.0.0.0:*\n"
    let files = [
      SourceFile(
        name: "ip-addr.txt",
        text: AnswerTests.addresses + "9: \(device): <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default\n"
          + "    inet 10.96.0.10/32 scope global \(device)\n"),
      SourceFile(
        name: "ip-route.txt", text: AnswerTests.routes + "local 10.96.0.10 dev \(device) table local scope host\n"),
      SourceFile(name: "sysctl.txt", text: AnswerTests.sysctls),
      SourceFile(name: "ipvsadm-Sn.txt", text: "-A -t 10.96.0.99:80 -s rr\n"),
      SourceFile(name: "iptables-save.txt", text: AnswerTests.filter("")), SourceFile(name: "ss.txt", text: sockets),
    ]
    let names = NameResolver(ObjectReader.read([SourceFile(name: "objects.json", text: Self.objects)]))
    return AnswerTests.judge(
      (SnapshotLoader.load(files, name: "node-a"), names), to: "10.96.0.10", 53, from: "10.42.1.7", by: "cni0", .udp)
  }

  @Test("Bound for IPVS or by kube-router", arguments: ["kube-ipvs0", "kube-dummy-if"])
  func boundByAProxy(_ device: String) {
    let judgement = Self.answer(device, listens: false)
    #expect(judgement.answer == .unserved, "\(judgement.why)")
  }

  @Test func heldByTheDNSCache() {
    let served = Self.answer("nodelocaldns", listens: true)
    #expect(served.answer == .served, "\(served.why)")
    let refused = Self.answer("nodelocaldns", listens: false)
    #expect(refused.answer == .refused, "\(refused.why)")
  }
}

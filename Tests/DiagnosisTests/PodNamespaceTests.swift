import Diagnosis
import Findings
import Input
import Intent
import Snapshot
import Testing

/// The snapshot of a Pod's network namespace is not taken for a node's.
@Suite struct PodNamespaceTests {
  private static let links = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
        inet 127.0.0.1/8 scope host lo
    2: eth0@if9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP
        link/ether 02:00:00:00:00:05 brd ff:ff:ff:ff:ff:ff link-netnsid 0
        inet 10.244.0.5/24 scope global eth0

    """

  private static func findings(routes: String) throws -> [Finding] {
    let files = [
      SourceFile(name: "ip-addr", text: links), SourceFile(name: "ip-route", text: routes),
      SourceFile(name: "objects.yaml", text: try #require(ClusterFixture(.iptables).files["objects.yaml"])),
    ]
    let snapshot = SnapshotLoader.load(files, name: "cart")
    var bundle = Bundle()
    bundle.snapshots = [snapshot]
    return Diagnosis.run(CheckContext(bundle, intent: ObjectReader.read(snapshot.objectFiles))).filter {
      $0.subject.name != "empty" && $0.severity > .info
    }
  }

  @Test func withoutDefaultRouteItIsThePodThatIsMended() throws {
    let found = try Self.findings(routes: "10.244.0.0/24 dev eth0 scope link\n")
    #expect(found.map(\.id) == ["pod-namespace"])
    let first = try #require(found.first)
    #expect(first.subject.kind == "Pod")
    #expect(first.subject.name == "cart-a")
    #expect(first.fix.first?.text == "kubectl -n shop delete pod cart-a")
    #expect(!first.fix.contains { $0.text.contains("route replace") })
  }

  @Test func aWholeOneIsSilent() throws {
    #expect(try Self.findings(routes: "default via 10.244.0.1 dev eth0\n10.244.0.0/24 dev eth0 scope link\n").isEmpty)
  }
}

import Diagnosis
import Findings
import Input
import Intent
import Snapshot
import Testing

/// Istio's rules in a Pod's own namespace, against the sockets there.
@Suite struct SidecarRedirectTests {
  private static let facts = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
        inet 127.0.0.1/8 scope host lo
    2: eth0@if9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP
        link/ether 02:00:00:00:00:05 brd ff:ff:ff:ff:ff:ff link-netnsid 0
        inet 10.244.0.5/24 scope global eth0

    """
  private static let routes = """
    default via 10.244.0.1 dev eth0
    10.244.0.0/24 dev eth0 scope link
    local 10.244.0.5 dev eth0 table local
    local 127.0.0.0/8 dev lo table local

    """
  private static let rules = """
    *nat
    :PREROUTING ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :ISTIO_INBOUND - [0:0]
    :ISTIO_OUTPUT - [0:0]
    -A PREROUTING -p tcp -j ISTIO_INBOUND
    -A OUTPUT -p tcp -j ISTIO_OUTPUT
    -A ISTIO_INBOUND -p tcp -j REDIRECT --to-ports 15006
    -A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
    -A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
    -A ISTIO_OUTPUT -p tcp -j REDIRECT --to-ports 15001
    -A OUTPUT -d 10.96.0.10/32 -p udp -m udp --dport 53 -m owner ! --uid-owner 1337 -j REDIRECT --to-ports 15053
    COMMIT

    """
  private static let sockets = """
    Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port
    udp   UNCONN 0      0          127.0.0.1:15053      0.0.0.0:*
    tcp   LISTEN 0      128          0.0.0.0:15001      0.0.0.0:*
    tcp   LISTEN 0      128          0.0.0.0:15006      0.0.0.0:*
    tcp   LISTEN 0      128          0.0.0.0:8080       0.0.0.0:*

    """

  private static func findings(without words: String...) throws -> [Finding] {
    func kept(_ text: String) -> String {
      text.split(separator: "\n").filter { line in !words.contains { line.contains($0) } }.joined(separator: "\n")
        + "\n"
    }
    let files = [
      SourceFile(name: "ip-addr", text: facts), SourceFile(name: "ip-route", text: routes),
      SourceFile(name: "iptables-save", text: kept(rules)), SourceFile(name: "ss", text: kept(sockets)),
      SourceFile(name: "objects.yaml", text: try #require(ClusterFixture(.iptables).files["objects.yaml"])),
    ]
    let snapshot = SnapshotLoader.load(files, name: "cart")
    var bundle = Bundle()
    bundle.snapshots = [snapshot]
    return Diagnosis.run(CheckContext(bundle, intent: ObjectReader.read(snapshot.objectFiles))).filter {
      $0.subject.name != "empty" && $0.severity > .info
    }
  }

  @Test func aSidecarThatListensIsSilent() throws {
    let found = try Self.findings()
    #expect(found.isEmpty, "\(found)")
  }

  @Test(arguments: [
    ("0.0.0.0:15006", "nobody reaches Pod shop/cart-a"), ("0.0.0.0:15001", "reaches nothing by TCP"),
    ("--uid-owner 1337 -j RETURN", "led back to the sidecar"), ("127.0.0.1:15053", "cannot resolve names"),
  ])
  func whatIsMissingIsNamed(_ line: String, _ problem: String) throws {
    let found = try Self.findings(without: line)
    #expect(found.map(\.id) == ["sidecar-redirect"])
    #expect(found.first?.problem.contains(problem) == true, "\(found)")
    #expect(found.first?.subject.kind == "Pod")
    #expect(found.first?.fix.isEmpty == false)
  }
}

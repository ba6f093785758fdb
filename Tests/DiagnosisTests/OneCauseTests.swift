import Findings
import Foundation
import Report
import Testing

@testable import Diagnosis

/// One fault on many nodes is one finding.
@Suite struct OneCauseTests {
  /// Nodes that are the fixture's in all but name and addresses.
  static func nodes(_ count: Int, _ breaks: (inout ClusterFixture) -> Void) -> [(name: String, fixture: ClusterFixture)]
  {
    (0..<count).map { number in
      var fixture = ClusterFixture(.iptables)
      for file in ["ip-addr", "ip-d-link", "ip-route"] {
        fixture.files[file] = fixture.files[file]!.replacing("192.0.2.1/", with: "192.0.2.\(100 + number)/")
          .replacing("src 192.0.2.1", with: "src 192.0.2.\(100 + number)")
      }
      breaks(&fixture)
      return ("node-\(number + 1)", fixture)
    }
  }

  static func findings(_ count: Int, _ breaks: (inout ClusterFixture) -> Void) -> [Finding] {
    let healthy = Set(Diagnosis.run(ClusterFixture.context(nodes(count) { _ in })).map { "\($0.id) \($0.cause)" })
    return Diagnosis.run(ClusterFixture.context(nodes(count, breaks))).filter {
      $0.severity > .info && !healthy.contains("\($0.id) \($0.cause)")
    }
  }

  @Test(arguments: [
    (
      "forward-drop", "iptables-save", "-A FORWARD -m conntrack --ctstate NEW",
      "-A FORWARD -p tcp -j DROP\n-A FORWARD -m conntrack --ctstate NEW"
    ),
    ("ip-forward-off", "sysctl", "net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0"),
    ("rules-flushed", "iptables-save", "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n", ""),
  ])
  func twentyNodesWithOneFault(_ id: String, _ file: String, _ old: String, _ new: String) throws {
    let findings = Self.findings(20) { $0.replace(file, old, new) }
    let said = findings.map { "\($0.id): \($0.problem): \($0.cause)" }.joined(separator: "\n")
    #expect(findings.map(\.id) == [id], "\(said)")
    let finding = try #require(findings.first)
    #expect(finding.nodes.count == 20)
    #expect(finding.subject.node == nil)
    // All of it fits on a screen.
    let text = FindingsText.render(findings, style: Style(coloured: false))
    #expect(text.split(separator: "\n").count < 40, "\(text)")
    #expect(text.contains("20 nodes (node-1, node-2, node-3, …)"))
  }

  /// The rule of one Service is gone from every node: one finding with the Service and its nodes.
  @Test func oneServiceOnAllNodes() throws {
    let findings = Self.findings(5) { $0.remove("iptables-save", "-A KUBE-SERVICES -d 10.96.0.20/32", "KUBE-SVC") }
    #expect(findings.map(\.id) == ["stale-rules"])
    let finding = try #require(findings.first)
    #expect(finding.nodes.count == 5)
    #expect(finding.services == ["shop/cart:http"])
    #expect(finding.subject.name == "cart")
  }

  /// Nodes whose rules lack different things have different causes.
  @Test func differentFaultsStayApart() {
    let context = ClusterFixture.context(
      Self.nodes(1) { $0.replace("sysctl", "net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0") }
        + Self.nodes(2) { $0.remove("iptables-save", "-A KUBE-MARK-MASQ") }.dropFirst())
    let findings = Diagnosis.run(context).filter { $0.severity == .error && $0.subject.kind == "Node" }
    #expect(Set(findings.map(\.id)) == ["ip-forward-off", "rules-flushed"])
    #expect(findings.allSatisfy { $0.nodes.count == 1 && $0.subject.node != nil })
  }

  @Test func namesAreReplacedAsWords() {
    #expect("a node at a, node-a and a.b".renamed("a", "X") == "X node at X, node-a and X.b")
    #expect("node-1 and node-10".renamed("node-1", "N") == "N and node-10")
    #expect("nothing".renamed("", "N") == "nothing")
  }

  @Test func textAsPeopleReadIt() throws {
    let findings = Self.findings(3) { $0.replace("sysctl", "net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0") }
    #expect(
      FindingsText.render(findings, style: Style(coloured: false, width: 100)) == """
        ERROR  3 nodes (node-1, node-2, node-3): e.g. node-1 forwards no IPv4 packets: Pods reach no
               endpoint on another node  [ip-forward-off]
          about:    3 nodes
          cause:    net.ipv4.ip_forward is 0 ← a reset of the network settings, or a missing sysctl file
          nodes:    node-1, node-2, node-3
          services: default/kubernetes:https, kube-system/kube-dns:dns, shop/cart:http, shop/edge:https,
                    shop/office:http
          evidence: sysctl:10: net.ipv4.ip_forward = 0
          fix:      sysctl -w net.ipv4.ip_forward=1
          advice:   and for good: echo 'net.ipv4.ip_forward = 1' > /etc/sysctl.d/99-kubernetes.conf
          verify:   sysctl net.ipv4.ip_forward

        """)
  }
}

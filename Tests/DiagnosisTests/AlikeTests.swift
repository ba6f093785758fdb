import Diagnosis
import Findings
import Testing

/// What looks like a fault and is none, and fixes that would break what works.
@Suite struct AlikeTests {
  private static let clusterMark = "-A KUBE-SVC-I5LIAMPLWKMBJ54B ! -s 10.244.0.0/16 -d 10.96.0.20/32"

  /// A patch that selects another Service's Pods would lead clients to the wrong program.
  @Test func selectorsOfOtherServicesAreNotProposed() throws {
    var fixture = ClusterFixture(.iptables)
    fixture.replace("objects.yaml", "selector: {app: empty}", "selector: {app: offices}")
    let finding = try #require(fixture.findings(only: ["selector-mismatch"]).first)
    #expect(finding.cause.hasSuffix("Pods in namespace shop have app=cart, app=edge, app=empty, app=office"))
    #expect(finding.fix.allSatisfy { !$0.text.contains("patch") })
  }

  /// Names that differ by a number are names of two things.
  @Test(arguments: [("empty1", "empty2"), ("np", "nq"), ("empty", "plenty")])
  func likenessIsNoMisspelling(wanted: String, present: String) throws {
    var fixture = ClusterFixture(.iptables)
    fixture.replace("objects.yaml", "selector: {app: empty}", "selector: {app: \(wanted)}")
    fixture.replace("objects.yaml", "labels: {app: empty}", "labels: {app: \(present)}")
    let finding = try #require(fixture.findings(only: ["selector-mismatch"]).first)
    #expect(finding.cause.contains("app=\(present)"))
    #expect(finding.fix.allSatisfy { !$0.text.contains("patch") })
  }

  @Test func aMisspeltSelectorIsCorrected() throws {
    var fixture = ClusterFixture(.iptables)
    fixture.replace("objects.yaml", "selector: {app: empty}", "selector: {app: empt}")
    let finding = try #require(fixture.findings(only: ["selector-mismatch"]).first)
    #expect(
      finding.fix.first?.text.contains(#"patch service empty -p '{"spec":{"selector":{"app":"empty"}}}'"#) == true)
  }

  /// Answers to the node's own address come back to the node, masqueraded or not.
  @Test func theNodesOwnAddressNeedsNoMasquerade() {
    var fixture = ClusterFixture(.iptables)
    fixture.replace(
      "iptables-save", Self.clusterMark, "-A KUBE-SVC-I5LIAMPLWKMBJ54B ! -s 192.0.2.1/32 -d 10.96.0.20/32")
    #expect(fixture.findings(only: ["masquerade-scope"]).map(\.problem) == [])
  }

  /// An answer of an endpoint on this node comes back through it: the rule of the other node's endpoint is cited.
  @Test func evidenceIsOfTheEndpointThatFails() throws {
    var fixture = ClusterFixture(.iptables)
    fixture.remove("iptables-save", "KUBE-SVC-I5LIAMPLWKMBJ54B ! -s", "-j KUBE-MARK-MASQ")
    let finding = try #require(fixture.findings(only: ["masquerade-scope"]).first)
    #expect(finding.problem.contains("10.96.0.20:80/tcp from outside)"))
    #expect(finding.evidence.first?.text.contains("--to-destination 10.244.1.5:8080") == true)
  }

  /// Pods and nodes must reach the API server at its ClusterIP; nobody outside the cluster needs to.
  @Test(arguments: [("! -s 10.244.0.0/16 ", false), ("", true)])
  func aFilterBeforeTheAPIServer(sources: String, isFault: Bool) {
    var fixture = ClusterFixture(.iptables)
    fixture.replace(
      "iptables-save", "-A FORWARD -m conntrack --ctstate NEW",
      "-A FORWARD \(sources)-d 192.0.2.10/32 -j DROP\n-A FORWARD -m conntrack --ctstate NEW")
    #expect(!fixture.findings(only: ["forward-drop"]).isEmpty)
    let findings = fixture.findings(only: ["apiserver-unreachable"])
    #expect(findings.isEmpty != isFault)
    for finding in findings {
      #expect(finding.fix.first?.text.hasPrefix("iptables -t filter -I FORWARD") == true)
      #expect(finding.fix.first?.text.contains("-d 192.0.2.10 -p tcp --dport 6443 -j ACCEPT") == true)
    }
  }
}

import Diagnosis
import Findings
import Testing

/// One fault that several checks see is one error: what users meet, with the causes behind it.
@Suite struct CauseChainTests {
  @Test func aServiceWithoutEndpointsIsOneErrorWithItsCause() throws {
    let findings = ClusterFixture(.iptables).findings().filter { $0.subject.name == "empty" }
    let errors = findings.filter { $0.severity == .error }
    #expect(errors.map(\.id) == ["no-endpoints"])
    let chain = try #require(errors.first)
    #expect(chain.cause.hasPrefix("no ready endpoint ← 1 Pod matches"))
    #expect(chain.cause.ranges(of: "ImagePullBackOff").count == 1, "\(chain.cause)")
    #expect(chain.evidence.contains { $0.text.contains("empty-a") })
    #expect(chain.fix.first?.text.contains("describe pod empty-a") == true)
    #expect(findings.filter { $0.id == "pod-not-ready" }.map(\.severity) == [.info])
  }

  @Test func theCauseAloneStaysAnError() {
    let findings = ClusterFixture(.iptables).findings(only: ["pod-not-ready"])
    #expect(findings.map(\.severity) == [.error])
  }

  /// The cluster's DNS: its Service, its endpoints and its Pods are three checks and one fault.
  @Test func dnsWithoutPodsIsOneError() {
    var fixture = ClusterFixture(.iptables)
    for address in ["10.244.0.2", "10.244.1.2"] {
      fixture.replace(
        "objects.yaml", "{addresses: [\(address)], conditions: {ready: true}",
        "{addresses: [\(address)], conditions: {ready: false}")
    }
    let findings = fixture.findings().filter { $0.subject.name == "kube-dns" && $0.subject.node == nil }
    #expect(findings.filter { $0.severity == .error }.map(\.id) == ["dns-service"])
    #expect(findings.contains { $0.id == "no-endpoints" && $0.severity == .info })
  }
}

import Diagnosis
import Findings
import Testing

/// Pods that are told to ask an address that is not the cluster's DNS Service (10.96.0.10 here).
@Suite struct ResolverTests {
  private func findings(_ document: String) -> [Finding] {
    var fixture = ClusterFixture(.iptables)
    fixture.append("objects.yaml", "---\n" + document + "\n")
    return fixture.findings(only: ["dns-service"])
  }

  private func kubelet(_ servers: String) -> String {
    "{apiVersion: kubelet.config.k8s.io/v1beta1, kind: KubeletConfiguration, clusterDNS: [\(servers)]}"
  }

  @Test(arguments: ["10.96.0.10", "169.254.20.10", "10.96.0.77, 10.96.0.10"])
  func servicesAndTheNodesOwnCacheAnswer(_ servers: String) {
    #expect(findings(kubelet(servers)).isEmpty)
  }

  @Test func aKubeletThatNamesNoServiceIsAnError() throws {
    let found = findings(kubelet("10.96.0.11"))
    #expect(found.map(\.severity) == [.error])
    let finding = try #require(found.first)
    #expect(finding.problem.contains("10.96.0.11"))
    #expect(finding.cause.contains("clusterDNS") && finding.cause.contains("10.96.0.10"))
    #expect(finding.evidence.map(\.text) == ["clusterDNS: 10.96.0.11"])
  }

  @Test func aServiceWithoutPort53IsNamed() {
    #expect(findings(kubelet("10.96.0.1")).first?.cause.hasPrefix("10.96.0.1 is Service default/kubernetes") == true)
  }

  @Test func aNameserverOutsideOfTheClusterIsDoubtful() {
    #expect(findings(kubelet("192.0.2.53")).map(\.severity) == [.warning])
  }

  /// The configuration that kubeadm keeps is YAML inside of YAML.
  @Test func kubeadmsConfigMapIsRead() {
    let text = kubelet("10.96.0.11")
    let map =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubelet-config, namespace: kube-system}\n"
      + "data:\n  kubelet: |\n    \(text)"
    #expect(findings(map).map(\.severity) == [.error])
  }

  @Test func podsWithTheirOwnNameserversAreCounted() {
    func pod(_ name: String, _ server: String, _ policy: String) -> String {
      "{apiVersion: v1, kind: Pod, metadata: {name: \(name), namespace: shop}, "
        + "spec: {dnsPolicy: \(policy), dnsConfig: {nameservers: [\(server)]}}}"
    }
    #expect(findings(pod("own", "10.96.0.11", "None")).first?.problem.hasPrefix("Pod shop/own asks") == true)
    let two = findings(pod("a", "10.96.0.11", "None") + "\n---\n" + pod("b", "10.96.0.11", "None"))
    #expect(two.map { $0.problem.hasPrefix("2 Pods ask 10.96.0.11") } == [true])
    // One that adds to the cluster's, and one that asks elsewhere on purpose.
    #expect(findings(pod("c", "10.96.0.11", "ClusterFirst")).isEmpty)
    #expect(findings(pod("d", "8.8.8.8", "None")).isEmpty)
  }
}

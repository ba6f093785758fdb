import Diagnosis
import Findings
import Testing

/// Nodes as plugins, caches and firewalls build them, and nothing is wrong.
@Suite struct HealthyPluginTests {
  private func silent(_ fixture: ClusterFixture, _ ids: Set<String>) -> Bool {
    let findings = fixture.findings(only: ids).filter { $0.severity > .info }
    for finding in findings { Issue.record("\(finding.id): \(finding.problem): \(finding.cause)") }
    return findings.isEmpty
  }

  @Test("A DNS cache on the node keeps its packets untracked and answers at the Service's address")
  func nodeLocalDNS() {
    var fixture = ClusterFixture(.iptables)
    fixture.append("iptables-save", CheckTests.cacheRules)
    fixture.append("ip-addr", "8: nodelocaldns: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default\n")
    fixture.append("ip-addr", "    inet 10.96.0.10/32 scope global nodelocaldns\n")
    fixture.append("ss", "udp   UNCONN 0      0          10.96.0.10:53         0.0.0.0:*\n")
    #expect(silent(fixture, ["notrack-before-nat", "stale-rules"]))
    fixture.remove("ss", "10.96.0.10:53")
    #expect(fixture.findings(only: ["notrack-before-nat"]).contains { $0.cause.contains("nothing listens there") })
  }

  @Test("A firewall that accepts Pods' packets before kube-proxy refuses them is no fault of kube-proxy's")
  func acceptedBeforeRefusal() {
    var fixture = ClusterFixture(.iptables)
    fixture.replace("iptables-save", "*filter\n", "*filter\n-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n")
    #expect(silent(fixture, ["stale-rules"]))
    var broken = fixture
    broken.remove("iptables-save", "shop/empty:http has no endpoints", "-d 10.96.0.50/32")
    #expect(!broken.findings(only: ["stale-rules", "rules-flushed"]).isEmpty)
  }
}

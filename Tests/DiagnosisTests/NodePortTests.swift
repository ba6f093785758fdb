import Diagnosis
import ServiceMap
import Testing

/// What a node answers at its NodePorts, by who asks.
@Suite struct NodePortTests {
  static func answers(_ fixture: ClusterFixture) -> [UInt16: NodePortAnswer] {
    let list = NodePorts.answers(ClusterFixture.context([("a", fixture)]))
    return Dictionary(list.map { ($0.port, $0) }, uniquingKeysWith: { a, _ in a })
  }

  @Test func healthyNodeAnswersEverybody() throws {
    let answers = Self.answers(ClusterFixture(.iptables))
    let cart = try #require(answers[30080])
    #expect(cart.outside == .served && cart.fromPod == .served && cart.fromNode == .served && cart.localhost == .served)
    #expect(cart.keepsClientAddress == false)
    #expect(cart.healthCheckPort == 0 && cart.sourceRangesKept == nil && cart.inEphemeralRange == false)
    let edge = try #require(answers[30443])
    #expect(edge.keepsClientAddress == true)
    #expect(edge.healthCheckPort == 31500 && edge.healthCheckAccepted == true && edge.healthCheckListening == true)
    #expect(answers[30090]?.sourceRangesKept == true)
    #expect(answers[30099]?.outside == .refused)
  }

  @Test func nftablesModeServesNoLocalhost() throws {
    let cart = try #require(Self.answers(ClusterFixture(.nftables))[30080])
    #expect(cart.outside == .served && cart.localhost == .refused)
  }

  @Test func whatStandsInTheWayIsTold() throws {
    var fixture = ClusterFixture(.iptables)
    fixture.replace(
      "iptables-save", "-A INPUT -j KUBE-FIREWALL", "-A INPUT -p tcp --dport 31500 -j DROP\n-A INPUT -j KUBE-FIREWALL")
    fixture.replace("sysctl", "32768", "30000")
    fixture.append("ss", "tcp LISTEN 0 128 0.0.0.0:30080 0.0.0.0:* users:((\"java\",pid=9,fd=3))\n")
    fixture.remove("iptables-save", "KUBE-PROXY-FIREWALL", "203.0.113.8")
    fixture.replace("iptables-save", "--dport 80 -j KUBE-FW-", "--dport 80 -j KUBE-EXT-")
    let answers = Self.answers(fixture)
    #expect(answers[30443]?.healthCheckAccepted == false)
    #expect(answers[30080]?.inEphemeralRange == true && answers[30080]?.heldBy == "java")
    #expect(answers[30090]?.sourceRangesKept == false)
  }
}

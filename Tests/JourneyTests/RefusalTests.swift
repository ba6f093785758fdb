import Journey
import Snapshot
import Testing
import Wire

/// A reset or an ICMP error has to get back to the client: lost on its way, the client waits.
@Suite struct RefusalTests {
  private let reject =
    "-A FORWARD -d 10.9.2.9/32 -p tcp -m tcp --dport 8080 -j REJECT --reject-with icmp-port-unreachable"

  @Test func aRulesRefusalGoesBackThroughTheTunnel() {
    var cluster = TwoNodes()
    cluster.b.filter.append(reject)
    #expect(cluster.judge(cluster.fromPod(to: TwoNodes.service, 80)).answer == .refused)
    // Also to a client whose address was masqueraded on its way: the error is un-NATed.
    let outside = cluster.judge(cluster.fromOutside(to: cluster.a))
    #expect(outside.answer == .refused, "\(outside.why)")
  }

  @Test func whoKnowsNotTheTunnelsFarEndRefusesInSilence() {
    var cluster = TwoNodes()
    cluster.b.filter.append(reject)
    cluster.b.neighbours = []
    let answer = cluster.judge(cluster.fromPod(to: TwoNodes.service, 80))
    #expect(answer.answer == .dropped)
    #expect(answer.why.contains("refuses it") && answer.why.contains("no neighbour entry"), "\(answer.why)")
    #expect(answer.deciding?.failedAt == Place(node: "moss"))
  }

  @Test func rulesStopTheErrorOnTheClientsNode() {
    var cluster = TwoNodes()
    cluster.b.filter.append(reject)
    cluster.a.filter.append("-A FORWARD -p icmp -j DROP")
    let answer = cluster.judge(cluster.fromPod(to: TwoNodes.service, 80))
    #expect(answer.answer == .dropped)
    #expect(answer.why.contains("the rules of rust drop the refusal"), "\(answer.why)")
  }

  @Test(arguments: ["-A OUTPUT -p tcp -m tcp --tcp-flags RST RST -j DROP", nil])
  func aPodsOwnResets(_ rule: String?) {
    var cluster = TwoNodes()
    cluster.b.sockets = []
    cluster.b.podRules =
      ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"] + (rule.map { [$0] } ?? [])
      + ["COMMIT"]
    let answer = cluster.judge(cluster.fromPod(to: TwoNodes.service, 80))
    #expect(answer.answer == (rule == nil ? .refused : .dropped), "\(answer.why)")
  }
}

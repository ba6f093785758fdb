import Diagnosis
import Findings
import Intent
import Journey
import PacketPath
import Snapshot
import Testing
import Wire

@Suite struct JourneyTests {
  private func kinds(_ answer: JourneyAnswer) -> [Crossing.Kind] {
    (answer.deciding?.parts ?? []).compactMap { if case .crossing(let crossing) = $0 { crossing.kind } else { nil } }
  }

  private func place(_ answer: JourneyAnswer) -> (node: String?, isReply: Bool) {
    (answer.deciding?.failedAt?.node, answer.deciding?.ending.phase.isReply ?? false)
  }

  @Test func aPodReachesAServiceWhoseEndpointIsOnAnotherNode() throws {
    let answer = TwoNodes().judge(TwoNodes().fromPod(to: TwoNodes.service, 80))
    #expect(answer.answer == .served, "\(answer.why)")
    let journey = try #require(answer.deciding)
    #expect(journey.ending.arrival?.address == IPAddress("10.9.2.9"))
    #expect(journey.ending.arrival?.place == Place(node: "moss", pod: "shop/one-moss"))
    #expect(journey.ending.arrival?.seenSource == IPAddress("10.9.1.9"))
    #expect(journey.ending.requestMTU == 1450 && journey.ending.replyMTU == 1450)
    #expect(kinds(answer) == [.bridge, .vxlan, .bridge, .bridge, .vxlan, .bridge])
  }

  @Test func aNodePortIsMasqueradedOnTheNodeThatTakesIt() {
    let cluster = TwoNodes()
    let answer = cluster.judge(cluster.fromOutside(to: cluster.a))
    #expect(answer.answer == .served, "\(answer.why)")
    #expect(answer.deciding?.ending.arrival?.seenSource == IPAddress("10.9.1.0"))
  }

  @Test func withoutMasqueradeTheAnswerGoesPastTheNodeThatTranslates() {
    var cluster = TwoNodes()
    cluster.a.masquerade = false
    let answer = cluster.judge(cluster.fromOutside(to: cluster.a))
    #expect(answer.answer == .lost)
    #expect(place(answer) == ("moss", true))
  }

  @Test func nothingListensInThePod() {
    var cluster = TwoNodes()
    cluster.b.sockets = ["tcp LISTEN 0 128 127.0.0.1:8080 0.0.0.0:* users:((\"web\",pid=7,fd=3))"]
    let answer = cluster.judge(cluster.fromPod(to: TwoNodes.service, 80))
    #expect(answer.answer == .refused)
    #expect(answer.why.contains("web listens on 127.0.0.1:8080 only"), "\(answer.why)")
    #expect(place(answer) == ("moss", false))
  }

  @Test func aSidecarTakesWhatComesToThePod() {
    var cluster = TwoNodes()
    cluster.b.podRules = [
      "*nat", ":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]",
      "-A PREROUTING -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 15006", "COMMIT",
    ]
    let gone = cluster.judge(cluster.fromPod(to: TwoNodes.service, 80))
    #expect(gone.answer == .refused, "\(gone.why)")
    cluster.b.sockets.append("tcp LISTEN 0 128 0.0.0.0:15006 0.0.0.0:*")
    let there = cluster.judge(cluster.fromPod(to: TwoNodes.service, 80))
    #expect(there.answer == .served)
    #expect(there.deciding?.ending.arrival?.port == 8080)
  }

  @Test func theFarNodesFirewallStopsTheTunnel() {
    var cluster = TwoNodes()
    cluster.b.filter.append("-A INPUT -p udp -m udp --dport 8472 -j DROP")
    let answer = cluster.judge(cluster.fromPod(to: TwoNodes.service, 80))
    #expect(answer.answer == .dropped)
    #expect(place(answer) == ("moss", false))
    #expect(answer.why.contains("the tunnel's own packet"), "\(answer.why)")
  }

  enum Disagreement: String, CaseIterable { case port, id, linkAddress }

  @Test(arguments: Disagreement.allCases)
  func theTunnelsEndsDisagree(_ what: Disagreement) {
    var cluster = TwoNodes()
    let word: String
    switch what {
    case .port: (cluster.b.tunnelPort, word) = (4789, "listens on 4789")
    case .id: (cluster.b.tunnelID, word) = (7, "VNI 1")
    case .linkAddress: (cluster.b.tunnelMAC, word) = ("02:aa:00:00:00:77", "02:aa:00:00:00:77")
    }
    let answer = cluster.judge(cluster.fromPod(to: cluster.endpoint, 8080))
    #expect(answer.answer == .dropped)
    #expect(answer.why.contains(word), "\(answer.why)")
    #expect(place(answer) == ("moss", false))
  }

  @Test func aMissingForwardingEntryStopsTheReply() {
    var cluster = TwoNodes()
    cluster.b.entries = []
    let answer = cluster.judge(cluster.fromPod(to: cluster.endpoint, 8080))
    #expect(answer.answer == .lost)
    #expect(place(answer) == ("moss", true))
  }

  @Test func oneDirectionOfForwardIsNotEnough() {
    var cluster = TwoNodes()
    cluster.b.filter = [
      ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]", "-A FORWARD -d 10.9.2.0/24 -j ACCEPT",
    ]
    let answer = cluster.judge(cluster.fromPod(to: cluster.endpoint, 8080))
    #expect(answer.answer == .lost)
    #expect(place(answer) == ("moss", true))
  }

  @Test func forwardingOffOnTheClientsNode() {
    var cluster = TwoNodes()
    cluster.a.forwarding = 0
    let answer = cluster.judge(cluster.fromPod(to: cluster.endpoint, 8080))
    #expect(answer.answer == .dropped)
    #expect(place(answer) == ("rust", false))
  }

  /// The first packet passes; the connection's later ones do not.
  @Test func laterPacketsOfTheConnectionAreFollowedToo() {
    var cluster = TwoNodes()
    cluster.b.filter.append("-A FORWARD -d 10.9.2.0/24 -m conntrack --ctstate ESTABLISHED -j DROP")
    let answer = cluster.judge(cluster.fromPod(to: cluster.endpoint, 8080))
    #expect(answer.answer == .dropped)
    #expect(answer.deciding?.ending.phase == .furtherRequest)
  }

  @Test func aWireThatIsNarrowerThanTheTunnelNeedsStopsLargePackets() {
    var cluster = TwoNodes()
    cluster.b.linkMTU = 1400
    let small = cluster.judge(cluster.fromPod(to: cluster.endpoint, 8080))
    #expect(small.answer == .served)
    #expect(small.deciding?.ending.requestMTU == 1350)
    var flow = cluster.fromPod(to: cluster.endpoint, 8080)
    flow.length = 1450
    let large = cluster.judge(flow)
    #expect(large.answer == .dropped, "\(large.why)")
  }

  @Test func anOldEntryOfTheTableIsFollowed() {
    var cluster = TwoNodes()
    cluster.a.connections = [
      "tcp      6 110 SYN_SENT src=10.9.1.9 dst=10.77.0.5 sport=41000 dport=80 [UNREPLIED] src=10.9.2.44 dst=10.9.1.9 sport=8080 dport=41000 mark=0 use=1"
    ]
    let answer = cluster.judge(cluster.fromPod(to: TwoNodes.service, 80))
    #expect(answer.deciding?.ending.followed != nil)
    #expect(answer.deciding?.ending.arrival?.address != IPAddress("10.9.2.9"))
  }

  @Test func aNodeThatTheBundleLacksIsNamed() {
    var cluster = TwoNodes()
    cluster.b.hasPods = false
    var flow = cluster.fromPod(to: cluster.endpoint, 8080)
    flow.origin = FlowOrigin(node: "fern")
    let answer = cluster.judge(flow)
    #expect(answer.answer == .passes)
    #expect(answer.why.contains("fern"))
  }
}

@Suite struct JourneySizeTests {
  /// A datagram that is too big ends before whatever stops the small ones.
  @Test func aLargeDatagramEndsWhereItDoesNotFit() {
    var cluster = TwoNodes()
    cluster.b.tunnelID = 9
    var flow = cluster.fromPod(to: cluster.endpoint, 8080, .udp)
    (flow.length, flow.dontFragment) = (1450, true)
    #expect(cluster.judge(flow).deciding?.failedAt?.node == "moss")
    cluster.a.tunnelMTU = 1400
    #expect(cluster.judge(flow).deciding?.failedAt?.node == "rust")
  }

  /// The router's word that a packet was too big makes TCP send smaller ones; where a rule stops the word, it never does.
  @Test func aSilencedRouterMakesABlackHole() {
    var cluster = TwoNodes()
    cluster.a.tunnelMTU = 1300
    var flow = cluster.fromPod(to: cluster.endpoint, 8080)
    flow.length = 1450
    #expect(cluster.judge(flow).answer == .served)
    cluster.a.filter.append("-A OUTPUT -p icmp -m icmp --icmp-type 3/4 -j DROP")
    let silent = cluster.judge(flow)
    #expect(silent.answer == .dropped)
    #expect(silent.deciding?.failedAt?.node == "rust")
  }

  /// A rule that lowers the MSS of the handshake keeps segments small.
  @Test func aClampedHandshakeKeepsSegmentsSmall() {
    var cluster = TwoNodes()
    cluster.a.tunnelMTU = 1300
    cluster.a.filter.append("-A OUTPUT -p icmp -m icmp --icmp-type 3/4 -j DROP")
    cluster.a.filter.append("-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1200")
    var flow = cluster.fromPod(to: cluster.endpoint, 8080)
    flow.length = 1450
    #expect(cluster.judge(flow).answer == .served, "\(cluster.judge(flow).why)")
  }
}

@Suite struct JourneyTrackingTests {
  /// A SYN-ACK that connection tracking never saw makes the client's next packet INVALID.
  @Test func anUntrackedReplyLeavesTheEntryUnanswered() {
    var cluster = TwoNodes()
    cluster.b.filter = [
      ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]",
      "-A FORWARD -m conntrack --ctstate INVALID -j DROP", "COMMIT", "*raw", ":PREROUTING ACCEPT [0:0]",
      ":OUTPUT ACCEPT [0:0]", "-A PREROUTING -s 10.9.2.0/24 -j CT --notrack",
    ]
    let answer = cluster.judge(cluster.fromPod(to: cluster.endpoint, 8080))
    #expect(answer.answer == .dropped, "\(answer.why)")
    #expect(answer.deciding?.ending.phase == .furtherRequest)
  }

  /// A refusal has to get back to the client.
  @Test func whoKnowsNoWayBackRefusesInSilence() {
    var cluster = TwoNodes()
    cluster.a.filter.append("-A INPUT -p tcp -m tcp --dport 9100 -j REJECT --reject-with tcp-reset")
    var flow = cluster.fromOutside(to: cluster.a)
    flow.destinationPort = 9100
    #expect(cluster.judge(flow).answer == .refused)
    cluster.a.hasDefaultRoute = false
    #expect(cluster.judge(flow).answer == .dropped)
  }
}

@Suite struct TunnelFirewallTests {
  private func findings(_ cluster: TwoNodes) -> [Finding] {
    var bundle = Bundle()
    bundle.snapshots = cluster.snapshots()
    return Diagnosis.run(CheckContext(bundle, intent: Cluster()), only: ["vxlan-port"])
  }

  @Test func aFirewallThatStopsTheTunnelIsFound() {
    #expect(findings(TwoNodes()).isEmpty)
    var cluster = TwoNodes()
    cluster.b.filter.append("-A INPUT -p udp -m udp --dport 8472 -j DROP")
    #expect(findings(cluster).contains { $0.cause.contains("INPUT on moss") })
  }
}

import Snapshot
import Testing
import Wire

@testable import PacketPath

/// Frontends that Cilium serves: what its map says is foretold, and named as assumed where its options decide.
@Suite struct EBPFTests {
  static let map = """
    SERVICE ADDRESS               BACKEND ADDRESS (REVNAT_ID) (SLOT)
    10.96.0.10:80/TCP (0)         0.0.0.0:0 (3) (0) [ClusterIP, non-routable]
    10.96.0.10:80/TCP (1)         10.244.1.7:8080/TCP (3) (1)
    10.96.0.10:80/TCP (2)         10.244.1.8:8080/TCP (3) (2)
    10.96.0.11:80/TCP (0)         0.0.0.0:0 (4) (0) [ClusterIP, non-routable]
    10.96.0.12:80/TCP (0)         0.0.0.0:0 (5) (0) [ClusterIP, non-routable, l7-load-balancer] (L7LB Proxy Port: 15735)
    0.0.0.0:30080/TCP (0)         0.0.0.0:0 (6) (0) [NodePort]
    0.0.0.0:30080/TCP (1)         10.244.1.8:8080/TCP (6) (1)
    """
  static let rules = """
    *filter
    :INPUT ACCEPT [0:0]
    :FORWARD ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    -A OUTPUT -d 10.244.1.8/32 -j DROP
    COMMIT
    """

  static func outcomes(
    _ source: String, _ destination: String, _ port: UInt16, from: String, _ proto: IPProtocol = .tcp
  )
    -> [Outcome]
  {
    PathTracer(node(rules, extra: [("lb.txt", map)])).trace(flow(source, destination, port, from: from, proto)).outcomes
  }

  @Test func rulesMeetTheTranslatedPacket() {
    let outcomes = Self.outcomes("192.0.2.10", "10.96.0.10", 80, from: Flow.local)
    #expect(outcomes.map(\.probability) == [0.5, 0.5])
    #expect(outcomes.first { $0.destination == IPAddress("10.244.1.7") }?.verdict == .forward)
    #expect(outcomes.first { $0.destination == IPAddress("10.244.1.8") }?.verdict == .drop)
    #expect(outcomes.allSatisfy { $0.isTranslated && !$0.assumptions.isEmpty })
  }

  @Test func withoutBackendsTheClientIsRefused() {
    let outcomes = Self.outcomes("192.0.2.10", "10.96.0.11", 80, from: Flow.local)
    #expect(outcomes.map(\.verdict) == [.reject])
    #expect(outcomes.first?.isTranslated == false)
  }

  @Test func theNodesProxyTakesWhatHasOne() {
    #expect(Self.outcomes("192.0.2.10", "10.96.0.12", 80, from: Flow.local).map(\.verdict) == [.deliver])
  }

  @Test func aClusterIPIsNotServedOutside() {
    #expect(Self.outcomes("198.51.100.7", "10.96.0.10", 80, from: "eth0").map(\.verdict) == [.drop])
    // From a Pod's device it is.
    #expect(Self.outcomes("10.244.1.9", "10.96.0.10", 80, from: "cni0").map(\.verdict) == [.forward, .forward])
  }

  @Test func aNodePortAnswersAtTheNodesAddress() {
    let outcomes = Self.outcomes("198.51.100.7", "192.0.2.10", 30080, from: "eth0")
    #expect(outcomes.map(\.destination) == [IPAddress("10.244.1.8")!])
    #expect(outcomes.first?.assumptions.contains { $0.contains("snat") } == true)
  }

  @Test func otherPortsAndProtocolsAreLeftToTheRules() {
    #expect(Self.outcomes("192.0.2.10", "10.96.0.10", 80, from: Flow.local, .udp).allSatisfy { $0.balancer == nil })
    #expect(Self.outcomes("192.0.2.10", "10.96.0.10", 81, from: Flow.local).allSatisfy { $0.balancer == nil })
  }
}

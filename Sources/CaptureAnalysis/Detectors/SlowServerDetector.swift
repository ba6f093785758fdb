import Findings
import Wire

/// The network is quick, the first byte of the answer late: the application.
struct SlowServerDetector: Detector {
  private var tally = Tally<Target>()
  private var speakingTLS: Set<Target> = []

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP else { return }
    let tcp = c.both
    guard tcp.handshake >= 0, tcp.slowestFrame.exists, !c.isResetByStranger, !Self.owesNothing(c, tcp) else { return }
    let delay = tcp.slowestResponse
    // Divided: times of damaged files are any number.
    guard delay > 1_000_000_000, (delay - 1) / 10 >= tcp.handshake, tcp.seen.contains(.slowestWasAcked) else { return }
    guard c.clientHalf.health.retransmissions == 0, c.server.health.retransmissions == 0 else { return }
    if c.clientHalf.tls.state == .records { speakingTLS.insert(c.target) }
    tally.add(
      c.target, client: c.client, amount: delay,
      example: .init(
        frames: [tcp.slowestFrame, tcp.slowestRequest],
        text:
          "\(c.endpoints): round trip \(seconds(tcp.handshake)), request acknowledged at once, answer after \(seconds(delay))",
        filter: c.filter + " && tcp.len>0"))
  }

  /// Keepalives, pings and window updates are no requests: what comes from the other side next answers nothing.
  private static func owesNothing(_ c: ConversationView, _ tcp: TCPShared) -> Bool {
    c.target.port == WellKnownPort.bgp
      || tcp.slowestRequestLength > 0 && tcp.slowestRequestLength < smallestRequest && tcp.slowestResponse > patience
  }
  /// Bytes; a frame of HTTP/2 that asks nothing has at most 46 with TLS around it, a BGP keepalive 19.
  private static let smallestRequest = 64
  /// What somebody waits for comes sooner or is given up.
  private static let patience: Int64 = 5_000_000_000

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).map { target, entry in
      Finding(
        id: "slow-server-not-network", severity: .warning, confidence: .likely,
        subject: .init(
          kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
        problem: "\(target.text) answers late (up to \(seconds(entry.worst))) while the network is quick",
        cause:
          "the application, its CPU limit, or what it waits for itself; at the client it looks the same where the answer's "
          + "first segments were lost on the way",
        evidence: facts.evidence([(target, entry)]),
        fix: [.advice("look at the server's CPU throttling and its own upstream calls before touching the network")],
        verify: [
          """
          curl -w '%{time_connect} %{time_starttransfer}\\n' -o /dev/null -s \
          \("\(speakingTLS.contains(target) ? "https" : "http")://\(target.text)/")
          """
        ])
    }
  }
}

import Findings
import Wire

/// Seen at the server: after a pause its answer is reset by somebody nearer than the client, the node that translated the
/// connection and has forgotten it. (At the client the same shows as an answer that is not translated, see
/// `ReplyNotTranslatedDetector`.)
struct NATEntryExpiredDetector: Detector {
  static let idleness: Int64 = 3_000_000_000
  private var tally = Tally<Target>()

  mutating func examine(_ c: ConversationView) {
    guard c.isResetByStranger else { return }
    let idle = c.server.lastData &- c.clientHalf.lastData
    guard idle > Self.idleness else { return }
    let (ends, ttl, reset) = (c.ends, c.record.ttl[Int(c.record.initiator)], c.clientHalf.lastTTL)
    tally.add(
      c.target, client: c.client, amount: idle,
      example: .init(frames: [c.server.lastDataFrame, c.clientHalf.health.firstReset]) {
        .init(
          text:
            "\(ends.text): the server answers after \(seconds(idle)) and is reset at once, with hop limit \(reset) where the "
            + "client's packets have \(ttl)", filter: ends.filter)
      })
  }

  func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).map { Self.finding($0, $1, facts) }
  }

  static func finding(_ target: Target, _ entry: Tally<Target>.Entry, _ facts: borrowing CaptureAnalyzer) -> Finding {
    Finding(
      id: "nat-entry-expired", severity: .error, confidence: .likely,
      subject: .init(
        kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
      problem: "\(plural(entry.count, "connection")) with \(target.text) lost their translation while nothing was said",
      cause:
        "the conntrack entry of the node that translates the addresses expired during the pause ← "
        + "nf_conntrack_tcp_timeout_established (or _close_wait, or an IPVS timeout) is shorter than the pause, or entries "
        + "were deleted",
      evidence: facts.evidence([(target, entry)]),
      fix: [
        .advice(
          "keep-alives more often than the timeout (tcp_keepalive_time, HTTP/2 pings); or a longer timeout on the node that "
            + "translates: sysctl net.netfilter.nf_conntrack_tcp_timeout_established; ipvsadm -l --timeout")
      ],
      verify: ["conntrack -L -p tcp --dport \(target.port)  # the entry outlives the pause"])
  }
}

import Findings
import Wire

/// Connections that worked and died: their last data is sent again and again until the end, and nothing at all comes back.
struct ConnectionDiedDetector: Detector {
  private struct Pair: MixHashable {
    var sender: IPAddress
    var receiver: IPAddress
    var port: UInt16
  }

  /// What stands on the way forgets a connection that says nothing for so long at the earliest (conntrack's shortest
  /// timeouts; the lab's are as short).
  private static let idleness: Int64 = 3_000_000_000
  private var tally = Tally<Pair>()
  private var behindIdleness: Set<Pair> = []

  mutating func examine(_ c: ConversationView) {
    side(c, c.clientHalf, other: c.server, c.client, c.target.address)
    side(c, c.server, other: c.clientHalf, c.target.address, c.client)
  }

  private mutating func side(
    _ c: ConversationView, _ half: TCPHalf, other: TCPHalf, _ sender: IPAddress, _ receiver: IPAddress
  ) {
    guard let silence = c.silence(half, other: other) else { return }
    let pair = Pair(sender: sender, receiver: receiver, port: c.target.port)
    let idle = half.health.worstSince &- max(other.lastAckTime, 0)
    let isIdle = other.lastAckTime > 0 && idle > Self.idleness
    if isIdle, behindIdleness.count < 4096 { behindIdleness.insert(pair) }
    let ends = c.ends
    let (length, count) = (half.health.worstLength, Int(half.health.worstCount) + 1)
    tally.add(
      pair, client: c.client, amount: silence,
      example: .init(frames: [half.health.worstFirst, half.health.worstLast]) {
        .init(
          text: "\(ends.text): \(length) bytes from \(sender) sent \(count) times"
            + (isIdle ? " after \(seconds(idle)) in which nothing was said" : "")
            + ", nothing from \(receiver) in the last \(seconds(silence))", filter: ends.filter)
      })
  }

  func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).map { pair, entry in
      let isIdle = behindIdleness.contains(pair)
      return Finding(
        id: "connection-died", severity: .error, confidence: .likely,
        subject: .init(kind: "Path", name: "\(pair.sender) → \(pair.receiver)", port: String(pair.port)),
        problem:
          "\(plural(entry.count, "connection")) from \(pair.sender) to \(pair.receiver) worked and died: data is repeated, "
          + "nothing comes back",
        cause: isIdle
          ? "a firewall, NAT or load balancer on the way forgot the connection while nothing was said, and drops what comes of "
            + "it now ← its idle timeout is shorter than the pause; or the peer vanished meanwhile"
          : "the connection was cut without a word ← a rule or policy that came since, a conntrack entry that is gone, a route "
            + "that changed, or a host that died",
        evidence: facts.evidence([(pair, entry)]),
        fix: (isIdle
          ? [
            .advice(
              "keep-alives more often than the timeout: sysctl net.ipv4.tcp_keepalive_time; or a connection pool that drops "
                + "idle ones")
          ] : []) + [
            .advice(
              "on both nodes: conntrack -L -s \(pair.sender) -d \(pair.receiver); nft list ruleset | grep -w drop; "
                + "ip route get \(pair.receiver)")
          ],
        verify: [
          "kubepath capture --live any --filter \("host \(pair.receiver)")  # beside it: do the repeated segments arrive?"
        ])
    }
  }
}

import Findings
import Wire

/// A port is used again while the server still holds the old connection: it answers the SYN by an acknowledgment of the old
/// numbers, the client resets, and only the SYN a second later is taken (RFC 9293 3.10.7.4, RFC 6191).
struct TimeWaitDetector: Detector {
  private var tally = Tally<Target>()

  mutating func examine(_ c: ConversationView) {
    guard c.both.seen.contains(.challenged), c.clientHalf.resets > 0, c.clientHalf.syns > 0,
      c.clientHalf.syns > 1 || c.server.synAcks == 0
    else { return }
    let (ends, delay) = (c.ends, c.clientHalf.lastSynTime &- c.clientHalf.firstSynTime)
    tally.add(
      c.target, client: c.client, amount: delay,
      example: .init(frames: [c.clientHalf.firstSyn, c.clientHalf.health.firstReset, c.clientHalf.lastSyn]) {
        .init(
          text: "\(ends.text): the SYN is answered by an acknowledgment of an older connection, which the client resets"
            + (delay > 0 ? "; the next SYN comes \(seconds(delay)) later" : ""), filter: ends.filter)
      })
  }

  func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).map { target, entry in
      Finding(
        id: "syn-meets-time-wait", severity: .warning, confidence: .likely,
        subject: .init(
          kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
        problem:
          "\(plural(entry.count, "connection")) to \(target.text) met an older one of the same ports that the server still "
          + "holds" + (entry.worst > 500_000_000 ? ", and came \(seconds(entry.worst)) late" : ""),
        cause:
          "the client (or the NAT before it) uses a source port again within the server's TIME_WAIT or half-closed state ← few "
          + "source ports, a client that binds its port, connections that are closed by the server",
        evidence: facts.evidence([(target, entry)]),
        fix: [
          .advice(
            "let clients take any port (no bind to one), keep connections open, or give the NAT more addresses and ports "
              + "(--random-fully); timestamps on both sides let a new SYN pass: sysctl net.ipv4.tcp_timestamps=1")
        ], verify: ["ss -tan state time-wait 'sport = :\(target.port)' | wc -l  # on the server"])
    }
  }
}

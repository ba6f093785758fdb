import Findings
import Wire

/// Handshakes that stop half way: the SYN is answered, and then either the client says nothing more (a SYN flood, a scan),
/// or the server goes on as if it had not heard the client's acknowledgment (its accept queue is full).
struct HalfOpenDetector: Detector {
  private var abandoned = Tally<Target>()
  private var unaccepted = Tally<Target>()
  /// Whether any handshake is there to its end; a filter for SYNs leaves out what ends it.
  private var hasWholeHandshake = false
  /// Of the abandoned, those whose server repeats its SYN-ACK: it got no acknowledgment, whatever the capture holds.
  private var repeated = 0

  /// A client that waits repeats its SYN by then (RFC 6298: after 1 s).
  static let patience: Int64 = 1_500_000_000
  /// A few are scans, which every public address sees.
  static let fewest = 20

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP, c.serverPointer.pointee.synAcks > 0, c.clientPointer.pointee.syns > 0 else { return }
    if c.isUnaccepted {
      unaccepted.add(
        c.target, client: c.client, amount: Int64(c.server.synAcks),
        example: .init(
          frames: [c.clientHalf.firstSyn, c.server.synAck, c.clientHalf.lastDataFrame],
          text: "\(c.endpoints): \(c.server.synAcks) SYN-ACKs although the client acknowledged; none of its "
            + "\(plural(Int(c.clientHalf.segments), "data segment")) was", filter: c.filter))
    } else if c.record.firstRoundTrip != 0 {
      hasWholeHandshake = true
    } else if c.isAbandoned, c.now &- c.clientPointer.pointee.lastSynTime > Self.patience {
      if c.serverPointer.pointee.synAcks > 1 { repeated += 1 }
      let ends = c.ends
      let synAcks = Int(c.serverPointer.pointee.synAcks)
      abandoned.add(
        c.target, client: c.client,
        example: .init(frames: [c.clientHalf.firstSyn, c.server.synAck]) {
          .init(text: "\(ends.text): one SYN, \(plural(synAcks, "SYN-ACK")), nothing more", filter: ends.filter)
        })
    }
  }

  func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let isShown = hasWholeHandshake || repeated * 10 >= abandoned.total
    return unaccepted.top(3).map { target, entry in
      Finding(
        id: "syn-unanswered", severity: .error, confidence: .likely,
        subject: .init(
          kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
        problem: "\(target.text) repeats its SYN-ACK to clients that acknowledged it, and takes nothing from them "
          + "(\(plural(entry.count, "connection")) from \(plural(entry.clients.count, "client")))",
        cause:
          "the listener's accept queue is full, so the end of the handshake is dropped ← its program hangs or accepts "
          + "too slowly; in a capture far from the server also: what the client sends after its SYN is lost on the way",
        evidence: facts.evidence([(target, entry)]), fix: Self.queueAdvice(target),
        verify: ["nstat -az TcpExtListenOverflows  # in the server's network namespace: must not rise"])
    }
      + abandoned.top(3).filter { isShown && $0.1.count >= Self.fewest }.map { target, entry in
        let isForged = entry.clients.count * 2 >= min(entry.count, 1024)
        return Finding(
          id: "syn-flood", severity: .warning, confidence: .likely,
          subject: .init(
            kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
          problem:
            "\(plural(entry.count, "handshake")) with \(target.text) stay half open: \(target.text) answers the SYN, "
            + "\(plural(entry.clients.count, "client")) never " + (entry.clients.count == 1 ? "goes on" : "go on"),
          cause: isForged
            ? "a SYN flood or scan with forged source addresses: real clients repeat a SYN, none of these did"
            : "a SYN flood or scan by these clients: real ones repeat a SYN; or a filter drops what they send after it",
          evidence: facts.evidence([(target, entry)]),
          fix: Self.floodFixes,
          verify: [
            "ss -Htn state syn-recv 'sport = :\(target.port)' | wc -l  # in the server's network namespace"
          ])
      }
  }

  static let floodFixes: [Fix] = [
    .command("sysctl -w net.ipv4.tcp_syncookies=1", why: "on the server"),
    .advice(
      "drop the flood where it enters the network",
      why: "each attempt holds a conntrack entry for 60 s or more: compare net.netfilter.nf_conntrack_count with "
        + "nf_conntrack_max"),
  ]

  /// What shows a full accept queue, and who fills it.
  static func queueAdvice(_ target: Target) -> [Fix] {
    [
      .advice(
        "on the server, in its network namespace: ss -ltnp 'sport = :\(target.port)'   (Recv-Q above Send-Q: full; the "
          + "program is named)"),
      .advice("let that program accept in time, or start more of it; a longer queue only delays this"),
    ]
  }
}

import Findings
import Wire

/// Retransmissions where no better cause was found: who, of which kind, how many.
struct PacketLossDetector: Detector {
  private struct Pair: MixHashable {
    var sender: IPAddress
    var receiver: IPAddress
  }
  private var tally = Tally<Pair>()
  private var retransmitted = 0
  private var points = ConnectionPoints()
  private var segments = 0

  mutating func examine(_ c: ConversationView) {
    // What several captures show was sent, and sent again, once.
    guard c.isTCP, !points.isFurther(c) else { return }
    side(c, c.clientPointer, other: c.serverPointer, c.client, c.target.address)
    side(c, c.serverPointer, other: c.clientPointer, c.target.address, c.client)
  }

  @inline(__always) private mutating func side(
    _ c: ConversationView, _ half: UnsafeMutablePointer<TCPHalf>, other: UnsafeMutablePointer<TCPHalf>,
    _ sender: IPAddress, _ receiver: IPAddress
  ) {
    let segments = half.pointee.segments
    self.segments += Int(segments)
    let trouble = half.pointee.trouble
    let (fast, timeouts, spurious) = (trouble.pointee.fast, trouble.pointee.timeouts, trouble.pointee.spurious)
    var lost = Int(fast) + Int(timeouts)
    // What a SYN carried is sent again behind the handshake (RFC 7413), with the plain SYN that followed it.
    if c.both.seen.contains(.synData), half.pointee.syns > 1 { lost -= 1 }
    guard lost > 0 else { return }
    // A segment sent again and again because it is too large is a black hole's, not loss.
    if trouble.pointee.worstCount >= 2, trouble.pointee.worstLength > half.pointee.largestAcked,
      trouble.pointee.worstLength >= BlackHoleDetector.largeSegment
    {
      return
    }
    if c.silence(half.pointee, other: other.pointee) != nil { return }
    retransmitted += lost
    let ends = c.ends
    tally.add(
      Pair(sender: sender, receiver: receiver), amount: Int64(lost),
      example: .init(frames: [trouble.pointee.firstRetransmission]) {
        .init(
          text: "\(ends.text): \(lost) of \(segments) segments from \(sender) sent again (\(fast) fast, "
            + "\(timeouts) after a timeout, \(spurious) needlessly)",
          filter: ends.filter + " && tcp.analysis.retransmission")
      })
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    // A handful in a long capture is how TCP finds its rate.
    guard retransmitted >= 3, retransmitted * 100 >= segments else { return [] }
    let between = points.segments.filter { $0.lost > 0 }.sorted { $1.lost < $0.lost }
    let rate = retransmitted * 1000 / max(1, segments)
    let top = tally.top(3)
    return [
      Finding(
        id: "packet-loss", severity: .warning, confidence: .likely,
        subject: .init(kind: "Path", name: top.first.map { "\($0.0.sender) → \($0.0.receiver)" }),
        problem:
          "\(rate / 10).\(rate % 10)% of the TCP data segments were sent again (\(retransmitted) of \(segments))",
        cause: between.first.map { Self.place($0, facts) }
          ?? "packets are lost or come very late on the way ← a full queue or policer, a bad link, or a receiver that drops or acknowledges late",
        evidence: between.prefix(2).map {
          facts.evidence(
            $0.frame, "\(Self.place($0, facts)): \($0.nearText) there is \($0.farText) here")
        } + facts.evidence(top, filter: "tcp.analysis.retransmission"),
        fix: [.advice("find the hop: ip -s link; ethtool -S IFACE | grep -E 'drop|err'; tc -s qdisc")],
        verify: ["nstat -az TcpRetransSegs TcpOutSegs  # the first must grow slower than 1% of the second"])
    ]
  }

  /// Between which two captures, and which way.
  private static func place(_ segment: ConnectionPoints.Segment, _ facts: borrowing CaptureAnalyzer) -> String {
    func name(_ file: Int) -> String {
      file < facts.summaries.count ? facts.summaries[file].file : "capture \(file + 1)"
    }
    let ways = [(segment.lostToServer, "towards the server"), (segment.lostToClient, "towards the client")]
      .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    return
      "\(plural(segment.lost, "packet")) of \(plural(segment.connections, "connection")) lost between \(name(segment.near)) and "
      + "\(name(segment.far)) (\(ways))"
  }
}

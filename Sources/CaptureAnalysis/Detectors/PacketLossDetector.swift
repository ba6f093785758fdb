import Findings
import Wire

/// Retransmissions where no better cause was found: who, of which kind, how many.
struct PacketLossDetector: Detector {
  private struct Pair: MixHashable {
    var sender: IPAddress
    var receiver: IPAddress
  }
  private var tally = Tally<Pair>()
  private var dead = Tally<Pair>()
  private var retransmitted = 0
  private var segments = 0

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP else { return }
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
    let lost = Int(fast) + Int(timeouts)
    guard lost > 0 else { return }
    // A segment sent again and again because it is too large is a black hole's, not loss.
    if trouble.pointee.worstCount >= 2, trouble.pointee.worstLength > half.pointee.largestAcked { return }
    if trouble.pointee.worstCount >= 4, fallsSilent(c, half.pointee, other.pointee, sender, receiver) { return }
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

  /// The last data of a connection that worked, repeated until the end, while nothing at all comes back.
  private mutating func fallsSilent(
    _ c: ConversationView, _ half: TCPHalf, _ other: TCPHalf, _ sender: IPAddress, _ receiver: IPAddress
  ) -> Bool {
    let silence = c.record.lastTime &- other.lastAckTime
    guard half.largestAcked > 0, other.lastAck != 0, !before(half.health.worstSequence, other.lastAck),
      silence > 2_000_000_000, other.resets == 0
    else { return false }
    dead.add(
      Pair(sender: sender, receiver: receiver), client: c.client, amount: silence,
      example: .init(
        frames: [half.health.worstFirst, half.health.worstLast],
        text:
          "\(c.endpoints): \(half.health.worstLength) bytes from \(sender) sent \(half.health.worstCount + 1) times, "
          + "nothing from \(receiver) in the last \(seconds(silence))", filter: c.filter))
    return true
  }

  private func silences(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    dead.top(3).map { pair, entry in
      Finding(
        id: "packet-loss", severity: .warning, confidence: .likely,
        subject: .init(kind: "Path", name: "\(pair.sender) → \(pair.receiver)"),
        problem:
          "\(plural(entry.count, "connection")) from \(pair.sender) to \(pair.receiver) worked and went dead: data is "
          + "repeated, nothing comes back",
        cause:
          "established connections are cut without a word ← a rule or policy that came since, a conntrack entry that is "
          + "gone, a route that changed, or a host that died",
        evidence: facts.evidence([(pair, entry)]),
        fix: [
          .advice(
            "on both nodes: conntrack -L -s \(pair.sender) -d \(pair.receiver); nft list ruleset | grep -w drop; "
              + "ip route get \(pair.receiver)")
        ],
        verify: [
          "kubepath capture --live any --filter \("host \(pair.receiver)")  # beside it: do the repeated segments arrive?"
        ])
    }
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    // A handful in a long capture is how TCP finds its rate.
    let silent = silences(facts)
    guard retransmitted >= 3, retransmitted * 100 >= segments else { return silent }
    let rate = retransmitted * 1000 / max(1, segments)
    let top = tally.top(3)
    return silent + [
      Finding(
        id: "packet-loss", severity: .warning, confidence: .likely,
        subject: .init(kind: "Path", name: top.first.map { "\($0.0.sender) → \($0.0.receiver)" }),
        problem:
          "\(rate / 10).\(rate % 10)% of the TCP data segments were sent again (\(retransmitted) of \(segments))",
        cause:
          "packets are lost or come very late on the way ← a full queue or policer, a bad link, or a receiver that drops or acknowledges late",
        evidence: facts.evidence(top, filter: "tcp.analysis.retransmission"),
        fix: [.advice("find the hop: ip -s link; ethtool -S IFACE | grep -E 'drop|err'; tc -s qdisc")],
        verify: ["nstat -az TcpRetransSegs TcpOutSegs  # the first must grow slower than 1% of the second"])
    ]
  }
}

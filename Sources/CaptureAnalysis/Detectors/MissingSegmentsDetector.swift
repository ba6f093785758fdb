import Findings
import Wire

/// A black hole seen from behind it: full-size segments never appear, while what is sent before and after them does. The
/// hole in the sequence stays, the receiver acknowledges nothing past it. Loss looks the same for a moment, so the hole
/// must outlive the retransmissions, and no full-size segment may have come from there in any conversation.
struct MissingSegmentsDetector: Detector {
  private struct Pair: MixHashable {
    var sender: IPAddress
    var receiver: IPAddress
    var tunnelled: Bool
  }

  /// By then a lost segment was sent again several times (RFC 6298: not before 200 ms on Linux, 1 s elsewhere).
  static let patience: Int64 = 1_000_000_000
  /// Where the handshake is not in the capture, about what the overlays of an Ethernet leave.
  static let usualSegment: UInt16 = 1300

  private var tally = Tally<Pair>()
  private var largest: [Pair: (passed: Int, segment: Int)] = [:]
  /// Pairs of which some connection stood still for long while its server still spoke: no chance loss lasts so long, and
  /// full segments of other connections may have gone another way (ECMP).
  private var lasting: Set<Pair> = []
  private static let lastingAfter: Int64 = 3_000_000_000

  mutating func examine(_ c: ConversationView) {
    if c.clientPointer.pointee.trouble.pointee.hole.exists {
      side(c, half: c.clientHalf, other: c.server, sender: c.client, receiver: c.target.address)
    }
    if c.serverPointer.pointee.trouble.pointee.hole.exists {
      side(c, half: c.server, other: c.clientHalf, sender: c.target.address, receiver: c.client)
    }
  }

  private mutating func side(
    _ c: ConversationView, half: TCPHalf, other: TCPHalf, sender: IPAddress, receiver: IPAddress
  ) {
    let announced = [half.maximumSegment, other.maximumSegment].filter { $0 > 0 }.min()
    let segment = Int(announced ?? Self.usualSegment)
    let hole = half.health
    let full = segment * 9 / 10
    // Acknowledged up to the hole and no further.
    guard segment >= 1200, hole.worstCount < 2, other.lastAck != 0, other.lastAck == half.highestAckable,
      hole.holeStart == half.highestAckable, Int(hole.holeLength) >= full, Int(half.largestPayload) < full,
      c.hasBareAcknowledgments
    else { return }
    // Found by the number in a bare acknowledgment, it is older: from when nobody said anything new any more.
    let since = min(hole.holeTime, max(half.lastData, other.lastData))
    let until = half.resets > 0 || other.resets > 0 ? c.record.lastTime : c.now
    guard until &- since >= Self.patience else { return }
    let pair = Pair(sender: sender, receiver: receiver, tunnelled: c.isTunnelled)
    guard largest.count < 2048 || largest[pair] != nil else { return }
    if hole.holeTime &- other.lastData >= Self.lastingAfter, other.lastData > 0 { lasting.insert(pair) }
    let known = largest[pair] ?? (0, 0)
    largest[pair] = (max(known.passed, Int(half.largestPayload)), max(known.segment, segment))
    tally.add(
      pair, client: c.client, amount: Int64(hole.holeLength),
      example: .init(
        frames: [hole.hole],
        text: "\(c.endpoints): \(hole.holeLength) bytes from \(sender) are missing before this frame and never come; "
          + (half.largestPayload > 0
            ? "the largest segment that came: \(half.largestPayload) bytes" : "no segment with a payload came")
          + (announced.map { ", up to \($0) may be sent" } ?? ""),
        filter: c.filter))
  }

  /// Full segments came from there in other conversations: not their size stopped these.
  private func refuted(_ facts: borrowing CaptureAnalyzer) -> Set<Pair> {
    guard !largest.isEmpty else { return [] }
    var refuted: Set<Pair> = []
    facts.visitAll {
      let c = facts.view($0)
      guard c.isTCP else { return }
      for (sender, receiver, half) in [
        (c.client, c.target.address, c.clientPointer), (c.target.address, c.client, c.serverPointer),
      ] {
        let pair = Pair(sender: sender, receiver: receiver, tunnelled: c.isTunnelled)
        let came = Int(half.pointee.largestPayload)
        if let known = largest[pair], came >= known.segment * 9 / 10 { refuted.insert(pair) }
      }
    }
    return refuted
  }

  func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let refuted = refuted(facts)
    return tally.top(3).compactMap { pair, entry in
      let isPartly = refuted.contains(pair)
      guard !isPartly || lasting.contains(pair) else { return nil }
      let known = largest[pair] ?? (0, 0)
      let packet = known.segment + (pair.receiver.version == .v4 ? 40 : 60)
      return Finding(
        id: pair.tunnelled ? "overlay-mtu" : "pmtu-black-hole", severity: .error, confidence: .possible,
        subject: .init(kind: "Path", name: "\(pair.sender) → \(pair.receiver)"),
        problem: "large packets from \(pair.sender) never arrive at \(pair.receiver)"
          + (isPartly ? " in some connections, in others they do: " : ", ")
          + (known.passed > 0 ? "small ones do" : "empty ones do") + " (\(plural(entry.count, "conversation")))",
        cause: isPartly
          ? "one of several paths (ECMP, a bond, one of the nodes behind the address) takes less than the others and says nothing ← "
            + "a wrong MTU on one link or node"
          : pair.tunnelled
            ? "an inner packet and its outer header do not fit a link on the way ← the inner interfaces' MTU is larger than "
              + "that link's minus the encapsulation; or all of them were lost: this capture stands behind the fault"
            : "a link on the way is smaller than the packets, and \(pair.sender) does not hear of it ← a rule or firewall drops "
              + "ICMP errors, or a tunnel says nothing; or all of them were lost: this capture stands behind the fault",
        evidence: facts.evidence([(pair, entry)]),
        fix: [
          .advice("be sure: capture on \(pair.sender) too, where the same large segment is sent again and again"),
          pair.tunnelled
            ? .advice(
              "set the MTU of Pod and tunnel interfaces to the smallest link's between the nodes minus the overhead")
            : .command(
              "sysctl -w net.ipv4.tcp_mtu_probing=1", why: "on \(pair.sender), until the link is found"),
        ],
        verify: [
          """
          ping -M do -s \(packet - (pair.receiver.version == .v4 ? 28 : 48)) \(pair.receiver)  \
          # on \(pair.sender); must not be silent: an answer, or "message too long"
          """
        ], reference: "RFC 2923")
    }
  }
}

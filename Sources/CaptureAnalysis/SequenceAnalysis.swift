import Wire

/// a < b in sequence space (RFC 9293 3.4).
@inline(__always) func before(_ a: UInt32, _ b: UInt32) -> Bool { Int32(bitPattern: a &- b) < 0 }

/// One segment as the analysis sees it.
struct Segment {
  var sequence: UInt32
  var acknowledgment: UInt32
  var flags: TCPHeader.Flags
  var window: UInt32
  var length: UInt32
  var time: Int64

  /// `bytes` from the header on. Of the first piece of a datagram (`isPartial`) the length is not known.
  @inline(__always) init(_ header: TCPHeader, _ bytes: PacketBytes, isPartial: Bool, time: Int64) {
    sequence = header.sequence
    flags = header.flags
    // Without the flag the field says nothing, whatever stands in it.
    acknowledgment = flags.rawValue & 16 != 0 ? header.acknowledgment : 0
    window = UInt32(header.window)
    length = isPartial ? 0 : UInt32(truncatingIfNeeded: max(0, bytes.wireCount &- header.headerLength))
    self.time = time
  }

  /// By number: for a set of another module's options an array is made each time.
  @inline(__always) var occupies: Bool { length > 0 || flags.rawValue & 3 != 0 }
  /// Neither the begin nor the end of a connection: ACK without SYN, FIN and RST.
  @inline(__always) var isCommon: Bool { flags.rawValue & 23 == 16 }
}

enum SequenceAnalysis {
  /// What most segments are: data or an acknowledgment that is new, in order, with nothing amiss. Updates both halves as
  /// `examine` would, which then finds no event; false when it must look closer.
  @inline(__always) static func isPlain(
    _ s: Segment, forward: UnsafeMutablePointer<TCPHalf>, reverse: UnsafeMutablePointer<TCPHalf>
  ) -> Bool {
    let next = forward.pointee.nextSequence
    guard s.isCommon, s.sequence == next, next != 0, s.window != 0, s.length != 1,
      reverse.pointee.hasBase,
      reverse.pointee.highestAckable == 0 || !before(reverse.pointee.highestAckable, s.acknowledgment)
    else { return false }
    let end = next &+ s.length
    let isNewAck = s.acknowledgment != forward.pointee.lastAck
    let hasData = s.length > 0
    // Acknowledged already: sent again. Nothing new at all: a repeated acknowledgment.
    guard hasData ? reverse.pointee.lastAck == 0 || before(reverse.pointee.lastAck, end) : isNewAck else {
      return false
    }
    // Which of these change is not for branches to predict.
    let ackable = forward.pointee.highestAckable
    forward.pointee.nextSequence = end
    forward.pointee.nextSequenceTime = hasData ? s.time : forward.pointee.nextSequenceTime
    forward.pointee.highestAckable = ackable == 0 || ackable == next ? end : ackable
    forward.pointee.duplicateAcks = isNewAck ? 0 : forward.pointee.duplicateAcks
    remember(s, [], forward)
    return true
  }

  @inline(__always) private static func remember(
    _ s: Segment, _ events: TCPEvents, _ forward: UnsafeMutablePointer<TCPHalf>
  ) {
    forward.pointee.window = s.window
    forward.pointee.lastAck = s.flags.rawValue & 16 != 0 ? s.acknowledgment : forward.pointee.lastAck
    forward.pointee.lastAckTime = s.time
    forward.pointee.lastEvents = events
    forward.pointee.lastSequence = s.sequence
    forward.pointee.lastLength = s.length
  }

  /// Classifies a segment after Wireshark's rules (`tcp.analysis.*`, version 4.0), so that figures can be compared, and
  /// updates both halves. `forward` is the sender's half.
  @inline(never) static func examine(
    _ s: Segment, forward: UnsafeMutablePointer<TCPHalf>, reverse: UnsafeMutablePointer<TCPHalf>, firstRoundTrip: Int64
  ) -> TCPEvents {
    var events: TCPEvents = []
    let control = s.flags.rawValue & 7 != 0
    let hasAck = s.flags.rawValue & 16 != 0
    if !forward.pointee.hasBase {
      forward.pointee.baseSequence = s.flags.rawValue & 2 != 0 ? s.sequence : s.sequence &- 1
      forward.pointee.hasBase = true
    }
    if !reverse.pointee.hasBase, hasAck {
      reverse.pointee.baseSequence = s.acknowledgment &- 1
      reverse.pointee.hasBase = true
    }
    let next = forward.pointee.nextSequence
    let sameAsLast =
      s.length == 0 && !control && s.window == forward.pointee.window && s.sequence == next
      && s.acknowledgment == forward.pointee.lastAck
    var settled = false
    if s.length == 1, s.sequence == next, reverse.pointee.window == 0 {
      events.insert(.zeroWindowProbe)
      settled = true
    } else {
      if s.window == 0, !control { events.insert(.zeroWindow) }
      if next != 0, before(next, s.sequence), s.flags.rawValue & 4 == 0 { events.insert(.lostSegment) }
      if s.length <= 1, s.sequence == next &- 1, !control { events.insert(.keepAlive) }
      if s.length == 0, s.window != 0, s.window != forward.pointee.window, s.sequence == next,
        s.acknowledgment == forward.pointee.lastAck, !control
      {
        events.insert(.windowUpdate)
      }
      if sameAsLast, s.window != 0, reverse.pointee.lastEvents.contains(.keepAlive) {
        events.insert(.keepAliveAck)
        settled = true
      } else if s.window == 0, s.length == 0, !control, s.window == forward.pointee.window, s.sequence == next,
        s.acknowledgment == forward.pointee.lastAck || s.acknowledgment == forward.pointee.lastAck &+ 1,
        reverse.pointee.lastEvents.contains(.zeroWindowProbe)
      {
        events.insert(.zeroWindowProbeAck)
        settled = true
      }
      if !settled, sameAsLast, s.window != 0 {
        if forward.pointee.duplicateAcks < .max - 1 { forward.pointee.duplicateAcks += 1 }
        events.insert(.duplicateAck)
      }
    }
    if s.acknowledgment != forward.pointee.lastAck { forward.pointee.duplicateAcks = 0 }
    if hasAck, reverse.pointee.highestAckable != 0, before(reverse.pointee.highestAckable, s.acknowledgment) {
      if s.acknowledgment == reverse.pointee.nextSequence &+ 1, s.sequence == next,
        reverse.pointee.lastEvents.contains(.zeroWindowProbe)
      {
        events.insert(.windowUpdate)
      } else {
        if reverse.pointee.highestAckable != reverse.pointee.nextSequence {
          reverse.pointee.highestAckable = reverse.pointee.nextSequence
          events.insert(.ackedLost)
        } else if reverse.pointee.duplicateAcks == 0 {
          // Nothing came from there since it was said last: once is enough, until an acknowledgment shows that it goes on.
          events.insert(.ackedLost)
          reverse.pointee.duplicateAcks = .max
        }
      }
    }
    if s.occupies, !events.contains(.keepAlive) {
      var notAdvanced = next != 0 && before(s.sequence, next)
      if s.length > 1, next &- 1 == s.sequence { notAdvanced = false }
      let end = s.sequence &+ s.length
      if s.length > 0, reverse.pointee.lastAck != 0, !before(reverse.pointee.lastAck, end) {
        events.insert(.spurious)
      } else if notAdvanced {
        // Time that goes backwards counts as long ago, as in Wireshark.
        let threshold = UInt64(bitPattern: firstRoundTrip == 0 ? 3_000_000 : firstRoundTrip)
        let span: UInt32 = s.flags.rawValue & 3 != 0 ? 1 : 0
        // Not those that stand for a loss that was said.
        if reverse.pointee.duplicateAcks &+ 1 > 2, reverse.pointee.lastAck == s.sequence,
          UInt64(bitPattern: s.time &- reverse.pointee.lastAckTime) < 20_000_000
        {
          events.insert(.fast)
        } else if UInt64(bitPattern: s.time &- forward.pointee.nextSequenceTime) < threshold, next != end &+ span {
          events.insert(.outOfOrder)
        } else {
          events.insert(.retransmission)
        }
      }
    }
    let end = s.sequence &+ s.length &+ (s.flags.rawValue & 3 != 0 ? 1 : 0)
    if !events.contains(.zeroWindowProbe) {
      if forward.pointee.nextSequence == 0 || before(forward.pointee.nextSequence, end) {
        forward.pointee.nextSequence = end
        forward.pointee.nextSequenceTime = s.time
      }
      if forward.pointee.highestAckable == 0 || s.sequence == forward.pointee.highestAckable {
        forward.pointee.highestAckable = forward.pointee.nextSequence
      }
    }
    remember(s, events, forward)
    return events
  }
}

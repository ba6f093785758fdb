import Wire

/// What the sequence analysis finds amiss, kept for the detectors.
extension CaptureAnalyzer {
  @inline(never) mutating func note(
    _ events: TCPEvents, duplicate: Bool, _ s: Segment, _ forward: UnsafeMutablePointer<TCPHalf>,
    _ c: UnsafeMutablePointer<Conversation>, _ direction: Int
  ) {
    if events.contains(.lostSegment) {
      counts.tcpLostSegments &+= 1
      let trouble = troubles.own(&forward.pointee.trouble)
      let start = forward.pointee.highestAckable
      if !trouble.pointee.hole.exists || trouble.pointee.holeStart != start {
        trouble.pointee.hole = frame
        trouble.pointee.holeTime = now
        trouble.pointee.holeStart = start
        trouble.pointee.holeLength = s.sequence &- start
      }
    }
    if events.contains(.ackedLost), !duplicate { counts.tcpAckedUnseen &+= 1 }
    if events.contains(.duplicateAck) { counts.tcpDuplicateAcks &+= 1 }
    if events.contains(.zeroWindow) {
      counts.tcpZeroWindows &+= 1
      // Behind a FIN nobody waits for room any more.
      if !duplicate, !c.pointee.phase.contains(.fin) { closedWindow(forward) }
    }
    if events.contains(.outOfOrder) {
      counts.tcpOutOfOrder &+= 1
      if !duplicate { troubles.own(&forward.pointee.trouble).pointee.outOfOrder &+= 1 }
    }
    guard !events.isDisjoint(with: .anyRetransmission) else { return }
    notes.insert(.retransmission)
    if events.contains(.fast) { counts.tcpFastRetransmissions &+= 1 }
    if events.contains(.spurious) { counts.tcpSpuriousRetransmissions &+= 1 }
    if !duplicate, s.length > 0, !isResized(c, direction) { retransmitted(events, s, forward) }
  }

  /// A router said a moment ago that it was too large: it is sent again in smaller pieces, not because it was lost.
  private func isResized(_ c: UnsafeMutablePointer<Conversation>, _ direction: Int) -> Bool {
    guard c.pointee.phase.contains(.announced) else { return false }
    let remarks = c.pointee.remarks
    return remarks.pointee.announcedMTU[direction] != 0 && now &- remarks.pointee.announcedTime < 1_000_000_000
  }

  private mutating func closedWindow(_ forward: UnsafeMutablePointer<TCPHalf>) {
    let trouble = troubles.own(&forward.pointee.trouble)
    trouble.pointee.zeroWindows &+= 1
    if !trouble.pointee.firstZeroWindow.exists { trouble.pointee.firstZeroWindow = frame }
    if !forward.pointee.isZeroWindow {
      forward.pointee.isZeroWindow = true
      trouble.pointee.zeroWindowSince = now
    }
  }

  private mutating func retransmitted(
    _ events: TCPEvents, _ s: Segment, _ forward: UnsafeMutablePointer<TCPHalf>
  ) {
    let trouble = troubles.own(&forward.pointee.trouble)
    trouble.pointee.retransmissions &+= 1
    if events.contains(.fast) {
      trouble.pointee.fast &+= 1
    } else if events.contains(.spurious) {
      trouble.pointee.spurious &+= 1
    } else {
      trouble.pointee.timeouts &+= 1
    }
    if !trouble.pointee.firstRetransmission.exists { trouble.pointee.firstRetransmission = frame }
    // Cut into smaller pieces: its acknowledgment will not say that the large one arrived.
    if s.length < forward.pointee.watchedLength,
      s.sequence == forward.pointee.watchedEnd &- forward.pointee.watchedLength
    {
      forward.pointee.watchedLength = 0
    }
    guard !events.contains(.spurious) else { return }
    if forward.pointee.stuckCount > 0, trouble.pointee.stuckSequence == s.sequence {
      forward.pointee.stuckCount &+= 1
      trouble.pointee.stuckLength = max(trouble.pointee.stuckLength, s.length)
    } else {
      closeRun(forward)
      forward.pointee.stuckCount = 1
      trouble.pointee.stuckSequence = s.sequence
      trouble.pointee.stuckLength = s.length
      trouble.pointee.stuckFirst = frame
      trouble.pointee.stuckSince = now
    }
    trouble.pointee.stuckLast = frame
  }

  /// Ends a run of retransmissions of one segment, keeping the worst. A half with a run has a record of its own.
  @inline(never) func closeRun(_ half: UnsafeMutablePointer<TCPHalf>) {
    let trouble = half.pointee.trouble
    if half.pointee.stuckCount > trouble.pointee.worstCount {
      trouble.pointee.worstCount = half.pointee.stuckCount
      trouble.pointee.worstSequence = trouble.pointee.stuckSequence
      trouble.pointee.worstLength = trouble.pointee.stuckLength
      trouble.pointee.worstFirst = trouble.pointee.stuckFirst
      trouble.pointee.worstSince = trouble.pointee.stuckSince
      trouble.pointee.worstLast = trouble.pointee.stuckLast
    }
    half.pointee.stuckCount = 0
  }
}

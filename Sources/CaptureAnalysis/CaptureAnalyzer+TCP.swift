import Wire

extension CaptureAnalyzer {
  /// A TCP header somewhere in a frame; those of straight frames do not come here.
  @inline(never) mutating func tcp(_ bytes: PacketBytes, _ layer: NetworkLayer) {
    guard let header = TCPHeader(bytes) else { return tcpCut(bytes) }
    let ends = ends(bytes, layer, header.sourcePort, header.destinationPort)
    tcp(
      header, bytes, ends, ttl: layer.ttl, identification: UInt16(truncatingIfNeeded: layer.identification),
      packetLength: layer.length, isPartial: layer.isPartial
    ) { layer }
  }

  /// `layer` is asked for where a segment is out of the ordinary.
  @inline(__always) mutating func tcp(
    _ header: TCPHeader, _ bytes: PacketBytes, _ ends: UnsafeMutablePointer<PacketEnds>, ttl: UInt8,
    identification: UInt16, packetLength: Int, isPartial: Bool, _ layer: () -> NetworkLayer
  ) {
    counts.tcp &+= 1
    if bytes.isWhole, !isPartial {
      let seed = layer().pseudoHeader(bytes)
      let total = Checksum.total(bytes.base, bytes.wireCount) &+ seed
      if !Checksum.isRight(total) { wrongChecksum(header, total, seed: seed) }
    }
    let s = Segment(header, bytes, isPartial: isPartial, time: now)
    let index = find(ends)
    guard s.isCommon, index >= 0, !mayDuplicate else { return unpredicted(bytes, layer(), ends, index) }
    // Header prediction: nearly all segments carry on where their conversation stands.
    let c = conversations.records.pointer(index)
    let direction = ends.pointee.direction
    let (forward, reverse) = halves.pair(Int(c.pointee.tcp) &* 2, first: direction)
    let acknowledgedBefore = forward.pointee.lastAck
    guard forward.pointee.lastTTL == ttl, !c.pointee.phase.contains(.announced),
      SequenceAnalysis.isPlain(s, forward: forward, reverse: reverse)
    else { return unpredicted(bytes, layer(), ends, index) }
    forward.pointee.lastIdentification = identification
    touched = c
    tally(c, direction, packetLength: packetLength, ttl: ttl)
    if !c.pointee.phase.contains(.roundTrip) {
      measureRoundTrip(c)
      c.pointee.lifetime = lifetime(c)
    }
    acknowledge(s, c, direction, forward: forward, reverse: reverse, isNew: s.acknowledgment != acknowledgedBefore)
    if s.length > 0 {
      data(s, c, direction, forward: forward, [])
      content(header, bytes, s, c, direction, forward: forward, [], layer)
    }
  }

  @inline(never) private mutating func wrongChecksum(_ header: TCPHeader, _ total: UInt64, seed: UInt64) {
    counts.badTCPChecksums &+= 1
    if header.checksum == UInt16(bigEndian: Checksum.fold(seed)) {
      offloaded(header.checksum, UInt16(bigEndian: Checksum.fold(total)))
    } else {
      unfinished()
    }
  }

  /// Handshakes and ends, new conversations, copies, and what needs the whole sequence analysis.
  @inline(never) private mutating func unpredicted(
    _ bytes: PacketBytes, _ layer: NetworkLayer, _ ends: UnsafeMutablePointer<PacketEnds>, _ known: Int
  ) {
    guard let header = TCPHeader(bytes) else { return }
    let s = Segment(header, bytes, isPartial: layer.isPartial, time: now)
    let isSyn = s.flags.contains(.syn)
    let hasAck = s.flags.contains(.ack)
    if isSyn { if hasAck { counts.tcpSynAck &+= 1 } else { counts.tcpSyn &+= 1 } }
    if s.flags.contains(.rst) { counts.tcpRst &+= 1 }
    let direction = ends.pointee.direction
    var index = known
    if index < 0 {
      index = create(ends, isTCP: true)
      if isSyn, hasAck {
        conversations.records.pointer(index).pointee.initiator = UInt8(truncatingIfNeeded: 1 &- direction)
      }
      if !isSyn, header.sourcePort < header.destinationPort, header.sourcePort < 32_768 {
        // Caught in the middle: the lower port is the server's.
        conversations.records.pointer(index).pointee.initiator = UInt8(truncatingIfNeeded: 1 &- direction)
      }
    } else if isSyn, !hasAck {
      index = restart(index, ends, sequence: s.sequence)
    }
    let c = conversations.records.pointer(index)
    let (forward, reverse) = halves.pair(Int(c.pointee.tcp) &* 2, first: direction)
    // On a bridge, or on an interface that packets leave as they came, a routed segment shows twice, on a mirror port every
    // one; nobody sends data again so soon.
    let isRoutedCopy =
      forward.pointee.lastSequence == s.sequence && forward.pointee.lastLength == s.length
      && (forward.pointee.lastTTL != layer.ttl || s.length > 0 || isSyn) && forward.pointee.lastAck == s.acknowledgment
      && forward.pointee.window == s.window && now &- forward.pointee.lastAckTime < 1_000_000
      && now >= forward.pointee.lastAckTime
    let isMirrored = isMirrored(s, layer, forward)
    forward.pointee.lastTTL = layer.ttl
    if !isMirrored { forward.pointee.lastIdentification = UInt16(truncatingIfNeeded: layer.identification) }
    let duplicate = touch(
      c, direction: direction, packetLength: layer.length, ttl: layer.ttl, isCopy: isRoutedCopy || isMirrored,
      signature: UInt64(s.sequence) << 32 ^ UInt64(s.acknowledgment) << 9 ^ UInt64(layer.identification) << 20
        ^ UInt64(s.flags.rawValue) << 8 ^ UInt64(s.window) ^ UInt64(layer.length) << 40)

    let acknowledgedBefore = forward.pointee.lastAck
    let saved = isMirrored ? (forward.pointee, reverse.pointee) : nil
    let events = SequenceAnalysis.examine(
      s, forward: forward, reverse: reverse, firstRoundTrip: c.pointee.firstRoundTrip)
    if events.rawValue != 0 { note(events, duplicate: duplicate, s, forward, c, direction) }
    if let saved {
      // A copy that comes late changes nothing of where the connection stands.
      let (trouble, otherTrouble) = (forward.pointee.trouble, reverse.pointee.trouble)
      (forward.pointee, reverse.pointee) = saved
      forward.pointee.trouble = trouble
      reverse.pointee.trouble = otherTrouble
      return
    }
    if s.flags.rawValue & 7 != 0 {
      control(header, s, c, forward: forward, reverse: reverse, duplicate: duplicate)
    } else if hasAck, !c.pointee.phase.contains(.roundTrip) {
      measureRoundTrip(c)
    }
    if hasAck, !isSyn, c.pointee.phase.isDisjoint(with: .synAck), direction != Int(c.pointee.initiator) {
      shared.pointer(Int(c.pointee.tcp)).pointee.seen.insert(.challenged)
    }
    if hasAck, !duplicate {
      acknowledge(s, c, direction, forward: forward, reverse: reverse, isNew: s.acknowledgment != acknowledgedBefore)
    }
    if s.length > 0 {
      if !duplicate { data(s, c, direction, forward: forward, events) }
      content(header, bytes, s, c, direction, forward: forward, events) { layer }
    }
    c.pointee.lifetime = lifetime(c)
  }

  /// What Linux sends again it numbers anew (`ip_select_ident`), the copy of a mirror port has its original's number: one of
  /// the last few. No retransmission after a timeout comes so soon.
  private func isMirrored(_ s: Segment, _ layer: NetworkLayer, _ forward: UnsafeMutablePointer<TCPHalf>) -> Bool {
    let identification = UInt16(truncatingIfNeeded: layer.identification)
    let distance = forward.pointee.lastIdentification &- identification
    guard layer.version == 4, identification != 0, forward.pointee.lastIdentification != 0, distance < 256,
      UInt64(bitPattern: now &- forward.pointee.lastAckTime) < 150_000_000, s.flags.rawValue & 4 == 0
    else { return false }
    // Some give all their packets one number.
    if distance == 0,
      s.sequence != forward.pointee.lastSequence || s.length != forward.pointee.lastLength
        || s.acknowledgment != forward.pointee.lastAck || s.window != forward.pointee.window
    {
      return false
    }
    if s.occupies { return forward.pointee.nextSequence != 0 && before(s.sequence, forward.pointee.nextSequence) }
    return !before(forward.pointee.lastAck, s.acknowledgment)
  }

  /// From the SYN to the first segment that acknowledges without SYN.
  @inline(__always) private mutating func measureRoundTrip(_ c: UnsafeMutablePointer<Conversation>) {
    guard c.pointee.phase.contains(.syn) else { return }
    let both = shared.pointer(Int(c.pointee.tcp))
    guard both.pointee.lastSynTime != 0, now != both.pointee.lastSynTime else { return }
    c.pointee.firstRoundTrip = now &- both.pointee.lastSynTime
    c.pointee.phase.insert(.roundTrip)
  }

  /// What the payload tells where its protocol is known: TLS, and DNS over TCP.
  @inline(__always) private mutating func content(
    _ header: TCPHeader, _ bytes: PacketBytes, _ s: Segment, _ c: UnsafeMutablePointer<Conversation>,
    _ direction: Int, forward: UnsafeMutablePointer<TCPHalf>, _ events: TCPEvents, _ layer: () -> NetworkLayer
  ) {
    let payload = bytes.dropping(min(header.headerLength, bytes.count))
    guard payload.count > 0 else { return }
    let sourcePort = header.sourcePort
    let destinationPort = header.destinationPort
    if forward.pointee.tls.state == .unknown { firstWords(payload, c, direction) }
    if forward.pointee.tls.state == .other, sourcePort == 443 || destinationPort == 443,
      TLSStream.looksLikeRecord(payload)
    {
      // The port says TLS: what came before was cut off or a tunnel's preamble.
      forward.pointee.tls = TLSStream()
    }
    if forward.pointee.tls.state != .other {
      tls(payload, sequence: s.sequence &+ (s.flags.contains(.syn) ? 1 : 0), c, direction, forward: forward)
    }
    if sourcePort == 53 || destinationPort == 53, events.isDisjoint(with: .anyRetransmission) {
      domainStream(payload, layer(), forward, sourcePort, destinationPort)
    }
  }

  /// What an acknowledgment says of the other side's segments.
  @inline(__always) private mutating func acknowledge(
    _ s: Segment, _ c: UnsafeMutablePointer<Conversation>, _ direction: Int, forward: UnsafeMutablePointer<TCPHalf>,
    reverse: UnsafeMutablePointer<TCPHalf>, isNew: Bool
  ) {
    if reverse.pointee.watchedLength != 0, !before(s.acknowledgment, reverse.pointee.watchedEnd) {
      reverse.pointee.largestAcked = max(reverse.pointee.largestAcked, reverse.pointee.watchedLength)
      reverse.pointee.watchedLength = 0
    }
    if reverse.pointee.stuckCount > 0, before(reverse.pointee.health.stuckSequence, s.acknowledgment) {
      closeRun(reverse)
    }
    if s.window != 0, forward.pointee.isZeroWindow {
      let trouble = forward.pointee.trouble
      forward.pointee.isZeroWindow = false
      trouble.pointee.longestZeroWindow = max(
        trouble.pointee.longestZeroWindow, now &- trouble.pointee.zeroWindowSince)
      trouble.pointee.zeroWindowSince = 0
    }
    if s.length == 0, isNew, c.pointee.lastDataDirection == c.pointee.initiator, direction != Int(c.pointee.initiator) {
      c.pointee.requestAcked = now
    }
  }

  /// A header cut short, or one that claims less than 20 bytes: flags count when they are there.
  @inline(never) mutating func tcpCut(_ bytes: PacketBytes) {
    counts.tcp &+= 1
    undecoded()
  }

  @inline(__always) private func lifetime(_ c: UnsafeMutablePointer<Conversation>) -> ConntrackLifetime {
    let phase = c.pointee.phase
    if phase.contains(.reset) { return .tcpClose }
    if phase.contains(.fin) { return .tcpTimeWait }
    if phase.contains(.syn) {
      if !phase.contains(.synAck) { return .tcpSynSent }
      if !phase.contains(.roundTrip) { return .tcpSynReceived }
    }
    return .tcpEstablished
  }

  /// A SYN on a known 5-tuple: a repetition, or a new connection with an old port.
  @inline(never) private mutating func restart(
    _ index: Int, _ ends: UnsafeMutablePointer<PacketEnds>, sequence: UInt32
  ) -> Int {
    let c = conversations.records.pointer(index)
    let tcp = Int(c.pointee.tcp)
    guard tcp >= 0 else { return index }
    let forward = halves.pointer(tcp * 2 + ends.pointee.direction)
    guard forward.pointee.hasBase else { return index }
    // A client that resets an answer it did not expect sends its SYN again all the same.
    let isOver = !c.pointee.phase.isDisjoint(with: [.reset, .fin])
    let isDialling = forward.pointee.syns > 0 && forward.pointee.segments == 0 && forward.pointee.lastAck == 0
    if sequence == forward.pointee.baseSequence, !isOver || isDialling && !c.pointee.phase.contains(.fin) {
      forward.pointee.nextSequence = forward.pointee.highestAckable
      return index
    }
    let gap = Float(now - c.pointee.lastTime) / 1e9
    let reuses = c.pointee.remarks.pointee.reuses &+ 1
    // A copy of the SYN on another interface must not count as a reuse of its own port: same number, same moment.
    c.pointee.phase.insert(.superseded)
    forgetSighted()
    let fresh = create(ends, isTCP: true)
    let remarks = conversations.remarks.own(&conversations.records.pointer(fresh).pointee.remarks)
    remarks.pointee.reuses = reuses
    remarks.pointee.reuseGap = gap
    return fresh
  }

  @inline(never) private mutating func control(
    _ header: TCPHeader, _ s: Segment, _ c: UnsafeMutablePointer<Conversation>, forward: UnsafeMutablePointer<TCPHalf>,
    reverse: UnsafeMutablePointer<TCPHalf>, duplicate: Bool
  ) {
    if s.flags.contains(.rst) {
      c.pointee.phase.insert(.reset)
      if !duplicate {
        forward.pointee.resets &+= 1
        let trouble = troubles.own(&forward.pointee.trouble)
        if !trouble.pointee.firstReset.exists {
          trouble.pointee.firstReset = frame
          trouble.pointee.firstResetTime = now
        }
      }
    }
    if s.flags.contains(.fin) { c.pointee.phase.insert(.fin) }
    guard s.flags.contains(.syn) else { return }
    let both = shared.pointer(Int(c.pointee.tcp))
    let options = header.options
    if options.maximumSegmentSize != 0 { forward.pointee.maximumSegment = options.maximumSegmentSize }
    if s.flags.contains(.ack) {
      if !duplicate {
        forward.pointee.synAcks &+= 1
        if reverse.pointee.lastAck != 0 { both.pointee.seen.insert(.synAckRepeated) }
        if forward.pointee.synAck.exists, options.hasTimestamps, reverse.pointee.hasTimestamp,
          options.timestampEcho != reverse.pointee.timestamp
        {
          both.pointee.seen.insert(.acknowledgmentArrived)
        }
        c.pointee.phase.insert(.synAck)
      }
      if !forward.pointee.synAck.exists {
        forward.pointee.synAck = frame
        forward.pointee.synAckAcknowledges = s.acknowledgment
        if reverse.pointee.syns == 1 { both.pointee.handshake = now &- reverse.pointee.lastSynTime }
      }
    } else {
      both.pointee.lastSynTime = now
      if !duplicate {
        c.pointee.phase.insert(.syn)
        forward.pointee.syns &+= 1
        if forward.pointee.syns == 2 { forward.pointee.secondSyn = frame }
        forward.pointee.lastSynTime = now
        forward.pointee.lastSyn = frame
      }
      if !forward.pointee.firstSyn.exists {
        forward.pointee.firstSyn = frame
        forward.pointee.firstSynTime = now
        forward.pointee.timestamp = options.timestamp
        forward.pointee.hasTimestamp = options.hasTimestamps
        if s.length > 0 { both.pointee.seen.insert(.synData) }
      }
    }
  }

  @inline(__always) private mutating func data(
    _ s: Segment, _ c: UnsafeMutablePointer<Conversation>, _ direction: Int, forward: UnsafeMutablePointer<TCPHalf>,
    _ events: TCPEvents
  ) {
    forward.pointee.segments &+= 1
    if s.length > forward.pointee.largestPayload { forward.pointee.largestPayload = s.length }
    if s.length > forward.pointee.largestAcked, forward.pointee.watchedLength == 0,
      events.isDisjoint(with: .anyRetransmission)
    {
      forward.pointee.watchedLength = s.length
      forward.pointee.watchedEnd = s.sequence &+ s.length
    }
    if direction != Int(c.pointee.initiator), c.pointee.lastDataDirection == c.pointee.initiator {
      let request = halves.pointer(Int(c.pointee.tcp) &* 2 &+ Int(c.pointee.initiator))
      let both = shared.pointer(Int(c.pointee.tcp))
      let delay = now &- request.pointee.lastData
      if delay > both.pointee.slowestResponse {
        both.pointee.slowestResponse = delay
        both.pointee.slowestFrame = frame
        both.pointee.slowestRequest = request.pointee.lastDataFrame
        both.pointee.slowestRequestLength = UInt16(truncatingIfNeeded: min(request.pointee.lastLength, 65_535))
        let acked = c.pointee.requestAcked
        if acked > request.pointee.lastData, acked &- request.pointee.lastData < delay / 2 {
          both.pointee.seen.insert(.slowestWasAcked)
        } else {
          both.pointee.seen.remove(.slowestWasAcked)
        }
      }
      c.pointee.requestAcked = 0
    }
    c.pointee.lastDataDirection = UInt8(truncatingIfNeeded: direction)
    forward.pointee.lastData = now
    forward.pointee.lastDataFrame = frame
  }
}

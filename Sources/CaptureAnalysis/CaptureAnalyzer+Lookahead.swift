import CPrefetch
import CaptureFile
import Wire

/// A conversation's state lies anywhere in many megabytes, and each step to it (table, record, TCP state) needs the one
/// before: three waits for memory a packet. Here the steps are taken for a batch of packets before the first is walked,
/// so that the waits of all overlap; the walk need not look for these conversations again.
extension CaptureAnalyzer {
  /// Frames asked of a reader at once. More would push each other's lines out of the nearest cache.
  static var batch: Int { 32 }

  /// Walks one frame.
  public mutating func consume(_ f: Frame) {
    withUnsafeTemporaryAllocation(of: Frame.self, capacity: 1) { one in
      one.initialize(repeating: f)
      consume(one)
    }
  }

  /// Walks at most `batch` frames, whose bytes are all good at the same time.
  mutating func consume(_ frames: UnsafeMutableBufferPointer<Frame>) {
    var wire = 0
    var captured = 0
    var snapped = 0
    for frame in frames {
      wire &+= frame.bytes.wireCount
      captured &+= frame.bytes.count
      if frame.bytes.count < frame.bytes.wireCount { snapped &+= 1 }
    }
    hasCreated = false
    for index in 0..<frames.count {
      let ends = lookahead + index
      ends.pointee.transport = nil
      scout(frames[index], ends)
      if ends.pointee.transport != nil { prefetch_line(conversations.slot(ends.pointee.hash)) }
    }
    counts.packets &+= frames.count
    counts.bytes &+= wire
    counts.capturedBytes &+= captured
    counts.snapped &+= snapped
    for index in 0..<frames.count {
      let ends = lookahead + index
      ends.pointee.record =
        ends.pointee.transport == nil ? ConversationTable.unknown : conversations.guess(ends.pointee.hash)
      if ends.pointee.isDNS { prefetchDomain(frames[index].bytes, ends) }
      if ends.pointee.record >= 0 {
        prefetch_line(conversations.records.pointer(ends.pointee.record))
      }
    }
    for index in 0..<frames.count where lookahead[index].record >= 0 {
      let ends = lookahead + index
      let c = conversations.records.pointer(ends.pointee.record)
      guard
        c.pointee.matches(addresses: ends.pointee.addresses, rest: ends.pointee.rest, proto: ends.pointee.proto)
      else {
        // Another key with the same tag.
        ends.pointee.record = ConversationTable.unknown
        continue
      }
      let tcp = Int(c.pointee.tcp)
      guard tcp >= 0 else { continue }
      let (forward, reverse) = halves.pair(tcp &* 2, first: ends.pointee.direction)
      prefetch_line(forward)
      prefetch_line(reverse)
      // More than a header and its usual options: there is a payload.
      let frame = frames[index].bytes
      if frame.base + frame.wireCount - ends.pointee.transport.unsafelyUnwrapped > 40 {
        prefetch_line(UnsafeRawPointer(forward) + 64)
      }
    }
    for index in 0..<frames.count {
      sighted = lookahead + index
      walk(frames.baseAddress.unsafelyUnwrapped + index)
    }
  }

  @inline(__always) private func prefetchDomain(_ frame: PacketBytes, _ ends: UnsafeMutablePointer<PacketEnds>) {
    let message = ends.pointee.transport.unsafelyUnwrapped + UDPHeader.length
    guard frame.base + frame.count - message >= 2 else { return }
    let addresses = ends.pointee.addresses
    let ports = ends.pointee.rest
    prefetch_line(
      dns.line(
        dns.place(
          addresses >> 32 ^ addresses & 0xFFFF_FFFF, UInt16(truncatingIfNeeded: ports ^ ports >> 16),
          identifier: UInt16(bigEndian: message.loadUnaligned(as: UInt16.self)))))
  }

  /// Shows all conversations of the table, the lines of the next ones on their way meanwhile.
  @inline(__always) func visitAll(_ visit: (UnsafeMutablePointer<Conversation>) -> Void) {
    for index in 0..<conversations.records.count {
      prefetchNeighbours(index)
      visit(conversations.records.pointer(index))
    }
  }

  /// The same for those that look at little more than the keys: only the first line of each record comes ahead.
  @inline(__always) func visitKeys(_ visit: (UnsafeMutablePointer<Conversation>) -> Void) {
    let count = conversations.records.count
    for index in 0..<count {
      if index &+ 16 < count { prefetch_line(conversations.records.pointer(index &+ 16)) }
      visit(conversations.records.pointer(index))
    }
  }

  /// Asks for what a walk over all conversations comes to after this one.
  @inline(__always) func prefetchNeighbours(_ index: Int) {
    let count = conversations.records.count
    if index &+ 8 < count {
      let record = UnsafeRawPointer(conversations.records.pointer(index &+ 8))
      for line in 0..<2 { prefetch_line(record + line * 64) }
    }
    guard index &+ 4 < count else { return }
    let tcp = Int(conversations.records.pointer(index &+ 4).pointee.tcp)
    guard tcp >= 0 else { return }
    for half in tcp &* 2...tcp &* 2 &+ 1 {
      let base = UnsafeRawPointer(halves.pointer(half))
      for line in 0..<3 { prefetch_line(base + line * 64) }
    }
    prefetch_line(UnsafeRawPointer(shared.pointer(tcp)))
  }
}

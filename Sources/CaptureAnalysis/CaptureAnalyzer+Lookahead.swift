import CPrefetch
import CaptureFile
import Wire

/// A conversation's state lies anywhere in many megabytes, and each step to it (table, record, TCP state) needs the one
/// before: three waits for memory a packet. Here the steps are taken for a batch of packets before the first is walked,
/// so that the waits of all overlap. Nothing depends on it: a wrong guess costs time only.
extension CaptureAnalyzer {
  /// Frames asked of a reader at once. More would push each other's lines out of the nearest cache.
  static var batch: Int { 32 }

  /// Walks frames whose bytes are all good at the same time.
  mutating func consume(_ frames: UnsafeMutableBufferPointer<Frame>) {
    for index in 0..<frames.count {
      let hash = scout(frames[index])
      lookahead[index] = hash
      if hash != 0 { prefetch_line(conversations.slot(hash)) }
    }
    for index in 0..<frames.count where lookahead[index] != 0 {
      // From here on the record's index, one more than it is; 0: nothing known of it.
      let record = conversations.guess(lookahead[index]) &+ 1
      lookahead[index] = UInt64(truncatingIfNeeded: record)
      if record > 0 {
        let base = UnsafeRawPointer(conversations.records.pointer(record &- 1))
        prefetch_line(base)
        prefetch_line(base + 64)
      }
    }
    for index in 0..<frames.count where lookahead[index] != 0 {
      let tcp = Int(conversations.records.pointer(Int(truncatingIfNeeded: lookahead[index]) &- 1).pointee.tcp)
      guard tcp >= 0 else { continue }
      let (half, other) = halves.pair(tcp &* 2, first: 0)
      prefetch_line(half)
      prefetch_line(UnsafeRawPointer(half) + 64)
      prefetch_line(other)
      prefetch_line(UnsafeRawPointer(other) + 64)
    }
    for index in 0..<frames.count {
      expected = Int(truncatingIfNeeded: lookahead[index]) &- 1
      consume(frames[index])
    }
    expected = -1
  }

  /// Shows all conversations of the table, the lines of the next ones on their way meanwhile.
  @inline(__always) func visitAll(_ visit: (UnsafeMutablePointer<Conversation>) -> Void) {
    for index in 0..<conversations.records.count {
      prefetchNeighbours(index)
      visit(conversations.records.pointer(index))
    }
  }

  /// Asks for what a walk over all conversations comes to after this one.
  @inline(__always) func prefetchNeighbours(_ index: Int) {
    let count = conversations.records.count
    if index &+ 8 < count {
      let record = UnsafeRawPointer(conversations.records.pointer(index &+ 8))
      for line in 0..<3 { prefetch_line(record + line * 64) }
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

  /// The hash of the innermost conversation of the most frequent packets (IPv4 in Ethernet, plain or in VXLAN); 0: others.
  @inline(__always) private func scout(_ frame: Frame) -> UInt64 {
    guard frame.linkType == .ethernet, let transport = Self.transport(frame.bytes) else { return 0 }
    let bytes = frame.bytes
    if transport == 17, vxlanPorts[bytes.u16(36)], bytes.count >= 50 + 42 {
      let inner = bytes.dropping(50)
      guard let transport = Self.transport(inner) else { return 0 }
      return hash(inner, transport, scope: Self.scope(.vxlan, bytes.u32(46) >> 8, inside: Outer()))
    }
    return hash(bytes, transport, scope: 0)
  }

  /// TCP or UDP directly behind an IPv4 header without options that is no fragment.
  @inline(__always) private static func transport(_ bytes: PacketBytes) -> UInt8? {
    guard bytes.count >= 42, bytes.u32(12) >> 8 == 0x08_0045, bytes.u16(20) & 0x3FFF == 0 else { return nil }
    let number = bytes.u8(23)
    return number == 6 || number == 17 ? number : nil
  }

  @inline(__always) private func hash(_ bytes: PacketBytes, _ transport: UInt8, scope: UInt32) -> UInt64 {
    let (key, _) = ConversationKey.make(
      Bits128(bytes.u32(26)), bytes.u16(34), Bits128(bytes.u32(30)), bytes.u16(36), proto: transport, version: 4,
      scope: scope)
    return max(1, conversations.hash(key))
  }
}

/// Bytes of one layer of a packet. `count` bytes were captured; the layer had `wireCount` on the wire (more, when the
/// capture was snapped). Loads are big-endian and unchecked: a header view checks its length once, when it is made.
@frozen public struct PacketBytes {
  public let base: UnsafeRawPointer
  public let count: Int
  public let wireCount: Int

  @inlinable public init(base: UnsafeRawPointer, count: Int, wireCount: Int) {
    self.base = base
    self.count = count
    self.wireCount = wireCount
  }

  @inlinable public init(_ buffer: UnsafeRawBufferPointer) {
    self.init(
      base: buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 16)!, count: buffer.count, wireCount: buffer.count)
  }

  @inlinable public func u8(_ at: Int) -> UInt8 { base.load(fromByteOffset: at, as: UInt8.self) }
  @inlinable public func u16(_ at: Int) -> UInt16 {
    UInt16(bigEndian: base.loadUnaligned(fromByteOffset: at, as: UInt16.self))
  }
  @inlinable public func u32(_ at: Int) -> UInt32 {
    UInt32(bigEndian: base.loadUnaligned(fromByteOffset: at, as: UInt32.self))
  }
  @inlinable public func u64(_ at: Int) -> UInt64 {
    UInt64(bigEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
  }
  /// 48 bits: a hardware address.
  @inlinable public func u48(_ at: Int) -> UInt64 { UInt64(u32(at)) << 16 | UInt64(u16(at + 4)) }
  @inlinable public func bits128(_ at: Int) -> Bits128 { Bits128(high: u64(at), low: u64(at + 8)) }

  /// What follows the first `length` bytes; `length <= count`.
  @inlinable public func dropping(_ length: Int) -> PacketBytes {
    PacketBytes(base: base + length, count: count &- length, wireCount: wireCount &- length)
  }

  /// The first `length` bytes of the layer, as the header above says, cutting link-layer padding.
  @inlinable public func limited(to length: Int) -> PacketBytes {
    length >= wireCount ? self : PacketBytes(base: base, count: min(count, length), wireCount: length)
  }

  /// Whether everything that was on the wire was captured.
  @inlinable public var isWhole: Bool { count >= wireCount }

  @inlinable public var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}

/// An IPv4 header with its options (RFC 791). After `init` every accessor stays inside the captured bytes.
public struct IPv4Header {
  public static let minimumLength = 20
  @usableFromInline let bytes: PacketBytes
  public let headerLength: Int

  /// Nil when version is not 4, the header length is below 20, or less than the header was captured.
  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.minimumLength else { return nil }
    let first = bytes.u8(0)
    let length = Int(first & 15) &* 4
    guard first >> 4 == 4, length >= Self.minimumLength, length <= bytes.count else { return nil }
    self.bytes = bytes
    self.headerLength = length
  }

  /// A header of which is known that it is one and has no options; 20 bytes were captured.
  @inlinable public init(withoutOptions bytes: PacketBytes) {
    self.bytes = bytes
    self.headerLength = Self.minimumLength
  }

  @inlinable public var totalLength: Int { Int(bytes.u16(2)) }
  @inlinable public var identification: UInt16 { bytes.u16(4) }
  @inlinable public var dontFragment: Bool { bytes.u8(6) & 0x40 != 0 }
  @inlinable public var moreFragments: Bool { bytes.u8(6) & 0x20 != 0 }
  /// In bytes.
  @inlinable public var fragmentOffset: Int { Int(bytes.u16(6) & 0x1FFF) &* 8 }
  @inlinable public var isFragment: Bool { bytes.u16(6) & 0x3FFF != 0 }
  @inlinable public var timeToLive: UInt8 { bytes.u8(8) }
  @inlinable public var proto: IPProtocol { IPProtocol(rawValue: bytes.u8(9)) }
  @inlinable public var checksum: UInt16 { bytes.u16(10) }
  /// The source before the destination.
  @inlinable public var addresses: UInt64 { bytes.u64(12) }
  @inlinable public var source: UInt32 { bytes.u32(12) }
  @inlinable public var destination: UInt32 { bytes.u32(16) }

  /// The header's sum with its checksum is all ones when it is right.
  @inlinable @inline(__always) public var isChecksumValid: Bool {
    guard headerLength == Self.minimumLength else { return Checksum.isRight(Checksum.total(bytes.base, headerLength)) }
    let low = bytes.base.loadUnaligned(as: UInt64.self)
    let high = bytes.base.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let sum =
      (low & 0xFFFF_FFFF) &+ (low >> 32) &+ (high & 0xFFFF_FFFF) &+ (high >> 32)
      &+ UInt64(bytes.base.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
    return Checksum.isRight(sum)
  }
}

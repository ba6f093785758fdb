/// The fixed IPv6 header, 40 bytes (RFC 8200).
public struct IPv6Header {
  public static let length = 40
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length, bytes.u8(0) >> 4 == 6 else { return nil }
    self.bytes = bytes
  }

  @inlinable public var payloadLength: Int { Int(bytes.u16(4)) }
  @inlinable public var nextHeader: UInt8 { bytes.u8(6) }
  @inlinable public var hopLimit: UInt8 { bytes.u8(7) }
  @inlinable public var source: Bits128 { bytes.bits128(8) }
  @inlinable public var destination: Bits128 { bytes.bits128(24) }
}

/// The fragment extension header, 8 bytes.
public struct IPv6FragmentHeader {
  public static let length = 8
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable public var nextHeader: UInt8 { bytes.u8(0) }
  /// In bytes.
  @inlinable public var offset: Int { Int(bytes.u16(2) & 0xFFF8) }
  @inlinable public var moreFragments: Bool { bytes.u8(3) & 1 != 0 }
  @inlinable public var identification: UInt32 { bytes.u32(4) }
  /// A whole packet that carries a fragment header all the same (RFC 6946).
  @inlinable public var isAtomic: Bool { offset == 0 && !moreFragments }
}

/// An ARP message for Ethernet and IPv4, 28 bytes (RFC 826).
public struct ARPHeader {
  public static let length = 28
  @usableFromInline let bytes: PacketBytes

  /// Nil for other hardware or protocol address sizes.
  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length, bytes.u16(2) == 0x0800, bytes.u8(4) == 6, bytes.u8(5) == 4 else { return nil }
    self.bytes = bytes
  }

  /// 1 request, 2 reply.
  @inlinable public var operation: UInt16 { bytes.u16(6) }
  @inlinable public var senderHardware: UInt64 { bytes.u48(8) }
  @inlinable public var senderAddress: UInt32 { bytes.u32(14) }
  @inlinable public var targetAddress: UInt32 { bytes.u32(24) }
}

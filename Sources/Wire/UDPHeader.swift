/// A UDP header, 8 bytes (RFC 768).
public struct UDPHeader {
  public static let length = 8
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable public var sourcePort: UInt16 { bytes.u16(0) }
  @inlinable public var destinationPort: UInt16 { bytes.u16(2) }
  /// Header and data; 0 in an IPv6 jumbogram.
  @inlinable public var datagramLength: Int { Int(bytes.u16(4)) }
  /// 0: the sender did not compute one (RFC 768; over IPv6 for tunnels only, RFC 6935).
  @inlinable public var checksum: UInt16 { bytes.u16(6) }
}

/// The common eight bytes of ICMP (RFC 792) and ICMPv6 (RFC 4443) messages.
public struct ICMPHeader {
  public static let length = 8
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= 4 else { return nil }
    self.bytes = bytes
  }

  @inlinable public var type: UInt8 { bytes.u8(0) }
  @inlinable public var code: UInt8 { bytes.u8(1) }
  /// Echo identifier; 0 when it was not captured.
  @inlinable public var identifier: UInt16 { bytes.count >= 6 ? bytes.u16(4) : 0 }
  /// Next-hop MTU of ICMP type 3 code 4 (RFC 1191); 0 from routers that do not say.
  @inlinable public var nextHopMTU: Int { bytes.count >= 8 ? Int(bytes.u16(6)) : 0 }
  /// MTU of ICMPv6 type 2.
  @inlinable public var mtu: Int { bytes.count >= 8 ? Int(bytes.u32(4)) : 0 }

  /// Whether an ICMP message of this type quotes the packet that caused it.
  @inlinable public static func isError(type: UInt8, version: IPVersion) -> Bool {
    version == .v6 ? type < 128 : type == 3 || type == 4 || type == 5 || type == 11 || type == 12
  }
}

/// A Geneve header with options (RFC 8926).
public struct GeneveHeader {
  public static let port: UInt16 = 6081
  @usableFromInline let bytes: PacketBytes
  /// 8 bytes and the options.
  public let headerLength: Int

  /// Nil when the version is not 0 or less than the header was captured.
  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= 8, bytes.u8(0) >> 6 == 0 else { return nil }
    let length = 8 &+ Int(bytes.u8(0) & 0x3F) &* 4
    guard bytes.count >= length else { return nil }
    self.bytes = bytes
    self.headerLength = length
  }

  /// Reserved bits are zero and the protocol is one that is carried: Ethernet, IPv4, IPv6, MPLS, PPP of none.
  @inlinable public var isPlausible: Bool {
    guard bytes.u8(1) & 0x3F == 0, bytes.u8(7) == 0 else { return false }
    switch etherType {
    case .transparentEthernet, .ipv4, .ipv6, .arp, .mpls: return true
    default: return false
    }
  }

  @inlinable public var etherType: EtherType { EtherType(rawValue: bytes.u16(2)) }
  @inlinable public var identifier: UInt32 { bytes.u32(4) >> 8 }
}

/// A VXLAN header, 8 bytes (RFC 7348), also the generic protocol extension (VXLAN-GPE).
public struct VXLANHeader {
  public static let length = 8
  public static let standardPort: UInt16 = 4789
  /// Linux's default, which flannel and Cilium use.
  public static let linuxPort: UInt16 = 8472
  public static let gpePort: UInt16 = 4790
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable public var flags: UInt8 { bytes.u8(0) }
  @inlinable public var hasIdentifier: Bool { flags & 0x08 != 0 }
  @inlinable public var identifier: UInt32 { bytes.u32(4) >> 8 }
  /// What follows in VXLAN-GPE: 1 IPv4, 2 IPv6, 3 Ethernet.
  @inlinable public var nextProtocol: UInt8 { bytes.u8(3) }

  /// The identifier flag, no bit that must be zero, and room for an inner Ethernet header. A DNS answer that happens to
  /// go to port 8472 does not pass. Group policy (0x80, 0x40 and the policy id) is let through.
  @inlinable public var isPlausible: Bool {
    flags & 0x37 == 0 && hasIdentifier && bytes.u8(7) == 0 && bytes.wireCount >= Self.length + EthernetHeader.length
      && (flags & 0x80 != 0 || bytes.u16(2) == 0)
  }
}

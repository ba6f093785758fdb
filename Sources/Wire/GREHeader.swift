/// A GRE header (RFC 2784, 2890; version 1 of PPTP, RFC 2637).
public struct GREHeader {
  @usableFromInline let bytes: PacketBytes
  public let headerLength: Int

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= 4 else { return nil }
    let flags = bytes.u16(0)
    var length = 4
    if flags & 0xC000 != 0 { length &+= 4 }
    if flags & 0x2000 != 0 { length &+= 4 }
    if flags & 0x1000 != 0 { length &+= 4 }
    if flags & 7 == 1, flags & 0x0080 != 0 { length &+= 4 }
    // Routing entries (RFC 1701) are long gone; a packet that says it has them is not walked further.
    guard flags & 0x4000 == 0, flags & 7 <= 1, length <= bytes.count else { return nil }
    self.bytes = bytes
    self.headerLength = length
  }

  @inlinable public var etherType: EtherType { EtherType(rawValue: bytes.u16(2)) }
  /// The key, or 0.
  @inlinable public var key: UInt32 {
    let flags = bytes.u16(0)
    return flags & 0x2000 == 0 ? 0 : bytes.u32(flags & 0xC000 != 0 ? 8 : 4)
  }
}

/// An Ethernet II header, 14 bytes; a value below 1536 in the type field is a length (IEEE 802.3 with LLC).
public struct EthernetHeader {
  public static let length = 14
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable public var destination: UInt64 { bytes.u48(0) }
  @inlinable public var source: UInt64 { bytes.u48(6) }
  @inlinable public var etherType: EtherType { EtherType(rawValue: bytes.u16(12)) }
}

/// The type field of Ethernet, SLL, GRE, Geneve.
public struct EtherType: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt16
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  @inlinable public static var ipv4: EtherType { EtherType(rawValue: 0x0800) }
  @inlinable public static var arp: EtherType { EtherType(rawValue: 0x0806) }
  @inlinable public static var transparentEthernet: EtherType { EtherType(rawValue: 0x6558) }
  @inlinable public static var vlan: EtherType { EtherType(rawValue: 0x8100) }
  @inlinable public static var ipv6: EtherType { EtherType(rawValue: 0x86DD) }
  @inlinable public static var ppp: EtherType { EtherType(rawValue: 0x880B) }
  @inlinable public static var mpls: EtherType { EtherType(rawValue: 0x8847) }
  @inlinable public static var mplsMulticast: EtherType { EtherType(rawValue: 0x8848) }
  @inlinable public static var pppoeSession: EtherType { EtherType(rawValue: 0x8864) }
  @inlinable public static var serviceVLAN: EtherType { EtherType(rawValue: 0x88A8) }
  @inlinable public static var oldServiceVLAN: EtherType { EtherType(rawValue: 0x9100) }
  @inlinable public static var fabricPath: EtherType { EtherType(rawValue: 0x8903) }
  @inlinable public static var ers: EtherType { EtherType(rawValue: 0x88BE) }

  @inlinable public var isVLAN: Bool { self == .vlan || self == .serviceVLAN || self == .oldServiceVLAN }
}

/// One 802.1Q tag behind its type field: 2 bytes of control information, then the type of what follows.
public struct VLANTag {
  public static let length = 4
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable public var identifier: UInt16 { bytes.u16(0) & 0xFFF }
  @inlinable public var etherType: EtherType { EtherType(rawValue: bytes.u16(2)) }
}

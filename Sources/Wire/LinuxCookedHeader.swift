/// The pseudo link header of a capture on `any`: 16 bytes (LINKTYPE_LINUX_SLL).
public struct LinuxCookedHeader {
  public static let length = 16
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  /// 0 to us, 1 broadcast, 2 multicast, 3 to somebody else, 4 sent by us.
  @inlinable public var packetType: UInt16 { bytes.u16(0) }
  @inlinable public var hardwareType: UInt16 { bytes.u16(2) }
  @inlinable public var etherType: EtherType { EtherType(rawValue: bytes.u16(14)) }
  @inlinable public var source: UInt64 { bytes.u48(6) }
}

/// Version 2 with the interface index: 20 bytes (LINKTYPE_LINUX_SLL2).
public struct LinuxCookedHeader2 {
  public static let length = 20
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable public var etherType: EtherType { EtherType(rawValue: bytes.u16(0)) }
  @inlinable public var interfaceIndex: UInt32 { bytes.u32(4) }
  @inlinable public var hardwareType: UInt16 { bytes.u16(8) }
  @inlinable public var packetType: UInt8 { bytes.u8(10) }
  @inlinable public var source: UInt64 { bytes.u48(12) }
}

/// A DNS message's header, 12 bytes (RFC 1035).
public struct DNSHeader {
  public static let length = 12
  @usableFromInline let bytes: PacketBytes

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable public var identifier: UInt16 { bytes.u16(0) }
  @inlinable public var isResponse: Bool { bytes.u8(2) & 0x80 != 0 }
  @inlinable public var isTruncated: Bool { bytes.u8(2) & 0x02 != 0 }
  @inlinable public var opcode: UInt8 { bytes.u8(2) >> 3 & 15 }
  /// 0 no error, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
  @inlinable public var responseCode: UInt8 { bytes.u8(3) & 15 }
  @inlinable public var questions: Int { Int(bytes.u16(4)) }

  /// Where the first question's name ends (after its last byte); nil when it does not fit. A name may end in a
  /// compression pointer, which is not followed.
  @inlinable public var firstNameEnd: Int? {
    guard questions > 0 else { return nil }
    var at = Self.length
    while at < bytes.count {
      let length = Int(bytes.u8(at))
      if length == 0 { return at &+ 1 }
      if length >= 0xC0 { return at &+ 2 <= bytes.count ? at &+ 2 : nil }
      guard length < 64, at &- Self.length < 255 else { return nil }
      at &+= length &+ 1
    }
    return nil
  }
}

/// A TCP header (RFC 9293), at least its 20 fixed bytes; options as far as they were captured.
public struct TCPHeader {
  public static let minimumLength = 20
  @usableFromInline let bytes: PacketBytes
  /// With options, as the header says; at least 20, maybe more than was captured.
  public let headerLength: Int

  @inlinable public init?(_ bytes: PacketBytes) {
    guard bytes.count >= Self.minimumLength else { return nil }
    let length = Int(bytes.u8(12) >> 4) &* 4
    guard length >= Self.minimumLength else { return nil }
    self.bytes = bytes
    self.headerLength = length
  }

  public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    @inlinable public static var fin: Flags { Flags(rawValue: 1) }
    @inlinable public static var syn: Flags { Flags(rawValue: 2) }
    @inlinable public static var rst: Flags { Flags(rawValue: 4) }
    @inlinable public static var psh: Flags { Flags(rawValue: 8) }
    @inlinable public static var ack: Flags { Flags(rawValue: 16) }
  }

  @inlinable public var sourcePort: UInt16 { bytes.u16(0) }
  @inlinable public var destinationPort: UInt16 { bytes.u16(2) }
  @inlinable public var sequence: UInt32 { bytes.u32(4) }
  @inlinable public var acknowledgment: UInt32 { bytes.u32(8) }
  @inlinable public var flags: Flags { Flags(rawValue: bytes.u8(13)) }
  @inlinable public var window: UInt16 { bytes.u16(14) }
  @inlinable public var checksum: UInt16 { bytes.u16(16) }

  /// The options that the analysis needs; absent ones are zero.
  public struct Options: Sendable {
    public var maximumSegmentSize: UInt16 = 0
    /// Shift + 1; 0 when absent.
    public var windowScalePlusOne: UInt8 = 0
    public var hasTimestamps = false
    public var timestamp: UInt32 = 0
    public var timestampEcho: UInt32 = 0

    @inlinable public init() {}
  }

  /// Walks the options; stops at the first that does not fit.
  @inlinable public var options: Options {
    var result = Options()
    let end = min(headerLength, bytes.count)
    var at = Self.minimumLength
    while at < end {
      let kind = bytes.u8(at)
      if kind == 0 { break }
      if kind == 1 {
        at &+= 1
        continue
      }
      guard at &+ 1 < end else { break }
      let length = Int(bytes.u8(at &+ 1))
      guard length >= 2, at &+ length <= end else { break }
      switch (kind, length) {
      case (2, 4): result.maximumSegmentSize = bytes.u16(at &+ 2)
      case (3, 3): result.windowScalePlusOne = min(bytes.u8(at &+ 2), 14) &+ 1
      case (8, 10):
        result.hasTimestamps = true
        result.timestamp = bytes.u32(at &+ 2)
        result.timestampEcho = bytes.u32(at &+ 6)
      default: break
      }
      at &+= length
    }
    return result
  }
}

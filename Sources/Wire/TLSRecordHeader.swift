/// A TLS record header, 5 bytes (RFC 8446 5.1).
public struct TLSRecordHeader {
  public static let length = 5
  public let contentType: UInt8
  public let version: UInt16
  public let payloadLength: Int

  public static let changeCipherSpec: UInt8 = 20
  public static let alert: UInt8 = 21
  public static let handshake: UInt8 = 22
  public static let applicationData: UInt8 = 23

  @inlinable public init(_ packed: UInt64) {
    contentType = UInt8(truncatingIfNeeded: packed >> 32)
    version = UInt16(truncatingIfNeeded: packed >> 16)
    payloadLength = Int(packed & 0xFFFF)
  }

  /// A known type, SSL 3.0 ... TLS 1.3, and a length within the limit (2^14 + 2048).
  @inlinable public var isPlausible: Bool {
    contentType >= 20 && contentType <= 24 && version >> 8 == 3 && version & 0xFF <= 4 && payloadLength <= 18432
      && payloadLength > 0
  }
}

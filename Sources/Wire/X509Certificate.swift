/// The dates of an X.509 certificate in DER (RFC 5280 4.1.2.5), read from as many of its bytes as there are.
public struct X509Certificate {
  /// Seconds since 1970.
  public let notBefore: Int64
  public let notAfter: Int64
  /// The DNS names that it is for (RFC 5280 4.2.1.6), raw bytes, at most `maximumNames`; nil where the bytes end before them or it
  /// has none.
  public let names: [[UInt8]]?
  public static let maximumNames = 64

  /// Nil when the bytes are no certificate or end before its dates.
  public init?(_ bytes: PacketBytes) {
    var reader = DERReader(bytes)
    // Certificate, TBSCertificate, then version (optional), serial number, signature algorithm, issuer, validity.
    guard reader.enter(0x30), reader.enter(0x30) else { return nil }
    if reader.next == 0xA0 { guard reader.skip(0xA0) else { return nil } }
    guard reader.skip(0x02), reader.skip(0x30), reader.skip(0x30), reader.enter(0x30), let from = reader.time(),
      let until = reader.time()
    else { return nil }
    notBefore = from
    notAfter = until
    names = Self.names(&reader)
  }

  /// Behind the validity: subject, public key, two identifiers that are rare, then the extensions.
  private static func names(_ reader: inout DERReader) -> [[UInt8]]? {
    guard reader.skip(0x30), reader.skip(0x30) else { return nil }
    _ = reader.skip(0x81)
    _ = reader.skip(0x82)
    guard reader.enter(0xA3), reader.enter(0x30) else { return nil }
    // subjectAltName, 2.5.29.17.
    let wanted: [UInt8] = [0x55, 0x1D, 0x11]
    while let extent = reader.value(0x30) {
      var item = DERReader(extent)
      guard let identifier = item.value(0x06), identifier.buffer.elementsEqual(wanted) else { continue }
      _ = item.skip(0x01)
      guard let content = item.value(0x04) else { return nil }
      var list = DERReader(content)
      guard list.enter(0x30) else { return nil }
      var names: [[UInt8]] = []
      while let tag = list.next, names.count < maximumNames {
        guard let name = list.value(tag) else { break }
        if tag == 0x82 { names.append(Array(name.buffer)) }
      }
      return names.isEmpty ? nil : names
    }
    return nil
  }
}

/// Walks DER values front to back.
private struct DERReader {
  private let bytes: PacketBytes
  private var at = 0

  init(_ bytes: PacketBytes) { self.bytes = bytes }

  var next: UInt8? { at < bytes.count ? bytes.u8(at) : nil }

  /// Reads a tag and a length; false when it is another tag.
  private mutating func header(_ tag: UInt8) -> Int? {
    guard at + 2 <= bytes.count, bytes.u8(at) == tag else { return nil }
    let first = Int(bytes.u8(at + 1))
    at += 2
    guard first >= 0x80 else { return first }
    let size = first & 0x7F
    guard size >= 1, size <= 3, at + size <= bytes.count else { return nil }
    var length = 0
    for _ in 0..<size {
      length = length << 8 | Int(bytes.u8(at))
      at += 1
    }
    return length
  }

  /// The whole content of a value; nil where it is another tag or ends behind the bytes.
  mutating func value(_ tag: UInt8) -> PacketBytes? {
    guard let length = header(tag), at + length <= bytes.count else { return nil }
    defer { at += length }
    return bytes.dropping(at).limited(to: length)
  }

  mutating func enter(_ tag: UInt8) -> Bool { header(tag) != nil }

  mutating func skip(_ tag: UInt8) -> Bool {
    guard let length = header(tag), at + length <= bytes.count else { return false }
    at += length
    return true
  }

  /// UTCTime `YYMMDDHHMMSSZ` or GeneralizedTime `YYYYMMDDHHMMSSZ`.
  mutating func time() -> Int64? {
    let short = next == 0x17
    guard let length = header(short ? 0x17 : 0x18), at + length <= bytes.count, length == (short ? 13 : 15) else {
      return nil
    }
    var digits: [Int] = []
    for offset in 0..<length - 1 {
      let digit = Int(bytes.u8(at + offset)) - 48
      guard (0...9).contains(digit) else { return nil }
      digits.append(digit)
    }
    at += length
    var year = digits[0] * 10 + digits[1]
    if short {
      year += year < 50 ? 2000 : 1900
      digits.removeFirst(2)
    } else {
      year = year * 100 + digits[2] * 10 + digits[3]
      digits.removeFirst(4)
    }
    let parts = stride(from: 0, to: 10, by: 2).map { digits[$0] * 10 + digits[$0 + 1] }
    guard (1...12).contains(parts[0]), (1...31).contains(parts[1]), parts[2] < 24, parts[3] < 60, parts[4] <= 60 else {
      return nil
    }
    let seconds = Int64(parts[2]) * 3600 + Int64(parts[3]) * 60 + Int64(parts[4])
    let date = CalendarDate(year: year, month: parts[0], day: parts[1])
    return Int64(date.daysSince1970) * 86_400 + seconds
  }
}

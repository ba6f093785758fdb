import Wire

/// A server certificate out of its dates by the capture's clock; all in seconds since 1970.
struct StaleCertificate {
  var notBefore: Int64
  var notAfter: Int64
  var seen: Int64
  var frame: FrameReference

  var isExpired: Bool { seen > notAfter }
  var isStale: Bool { isExpired || seen < notBefore }
}

/// The first certificate among the handshake messages of a record (RFC 5246 7.4.2); TLS 1.3 encrypts it.
enum ServerCertificate {
  /// `record` starts with a handshake type. Nil when there is no certificate or the bytes end before its dates.
  static func dates(_ record: PacketBytes) -> X509Certificate? {
    var at = 0
    while at + 4 <= record.count {
      let length = Int(record.u8(at + 1)) << 16 | Int(record.u16(at + 2))
      // Behind the type: lengths of the message, of the list and of the certificate, three bytes each.
      if record.u8(at) == 11 { return record.count > at + 10 ? X509Certificate(record.dropping(at + 10)) : nil }
      at += 4 + length
    }
    return nil
  }
}

/// A certificate that is for other names than the one that the client asked for (RFC 6125).
struct MisnamedCertificate {
  /// In the analyzer's names.
  var asked: Int32
  /// Those of the certificate, the first few, safe to print.
  var names: String
  var frame: FrameReference

  static let maximum = 1024
  private static let shown = 4

  /// Nil where one of the names fits, or there are none to compare with.
  init?(asked: Int32, name: [UInt8], certificate: X509Certificate, frame: FrameReference) {
    guard !name.isEmpty, let names = certificate.names, !names.contains(where: { Self.fits($0, name) }) else {
      return nil
    }
    self.asked = asked
    self.frame = frame
    self.names =
      names.prefix(Self.shown).map { printable($0) }.joined(separator: ", ")
      + (names.count > Self.shown ? " and \(names.count - Self.shown) more" : "")
  }

  /// Whether a name of a certificate, whose first label may be `*`, is that of a host.
  private static func fits(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
    let (pattern, name) = (pattern.map(lower), name.map(lower))
    guard pattern.starts(with: [UInt8(ascii: "*"), UInt8(ascii: ".")]) else { return pattern == name }
    guard let dot = name.firstIndex(of: UInt8(ascii: ".")), dot > 0 else { return false }
    return name[dot...].elementsEqual(pattern.dropFirst())
  }

  private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}

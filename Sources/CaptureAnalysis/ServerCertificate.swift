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

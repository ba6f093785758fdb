import Wire

/// What the first bytes of HTTP/1 look like (RFC 9112), and HTTP/2 where it is spoken in the clear (RFC 9113 3.4).
enum HTTPText {
  private static let methods: [StaticString] = [
    "GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "PRI * HTTP/2.0",
  ]
  /// Of an error page that says the port speaks TLS: what nginx, Go and Envoy write fits in the first few hundred bytes.
  private static let searched = 512

  static func isRequest(_ payload: PacketBytes) -> Bool { methods.contains { begins(payload, with: $0) } }

  /// An answer of status 400 that names HTTPS: "The plain HTTP request was sent to HTTPS port" (nginx), "Client sent an HTTP
  /// request to an HTTPS server" (Go).
  static func asksForTLS(_ payload: PacketBytes) -> Bool {
    guard begins(payload, with: "HTTP/1."), payload.count >= 12, payload.u8(9) == UInt8(ascii: "4") else {
      return false
    }
    let word: StaticString = "HTTPS"
    let end = min(payload.count, searched) - word.utf8CodeUnitCount
    guard end > 12 else { return false }
    return (12...end).contains { begins(payload.dropping($0), with: word) }
  }

  private static func begins(_ payload: PacketBytes, with word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard payload.count >= count else { return false }
    return (0..<count).allSatisfy { payload.u8($0) == word.utf8Start[$0] }
  }
}

import Input
import Snapshot
import Wire

extension TextBuffer {
  /// Text from an input, control characters escaped.
  mutating func printable(_ text: String) {
    var copy = text
    let clean = copy.withUTF8 { utf8 in
      guard utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return false }
      raw(UnsafeRawBufferPointer(utf8))
      return true
    }
    // Beyond ASCII there are more control characters than can be told byte by byte.
    if !clean { raw(visible(text)) }
  }

  mutating func address(_ value: IPAddress) {
    guard value.version == .v4 else { return raw(value.description) }
    let bits = value.v4
    octet(UInt8(truncatingIfNeeded: bits >> 24))
    byte(UInt8(ascii: "."))
    octet(UInt8(truncatingIfNeeded: bits >> 16))
    byte(UInt8(ascii: "."))
    octet(UInt8(truncatingIfNeeded: bits >> 8))
    byte(UInt8(ascii: "."))
    octet(UInt8(truncatingIfNeeded: bits))
  }

  @inline(__always) private mutating func octet(_ value: UInt8) {
    if value >= 100 { byte(0x30 &+ value / 100) }
    if value >= 10 { byte(0x30 &+ value / 10 % 10) }
    byte(0x30 &+ value % 10)
  }

  /// `address:port`, IPv6 in brackets.
  mutating func socket(_ address: IPAddress, _ port: UInt16) {
    if address.version == .v6 { byte(UInt8(ascii: "[")) }
    self.address(address)
    if address.version == .v6 { byte(UInt8(ascii: "]")) }
    byte(UInt8(ascii: ":"))
    decimal(UInt64(port))
  }

  /// A JSON string; `divideForJSON` says what is escaped.
  mutating func quoted(_ text: String) {
    var copy = text
    copy.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
  }

  /// The same; bytes that are no UTF-8 must be replaced before.
  mutating func quoted(_ text: UnsafeRawBufferPointer) {
    byte(UInt8(ascii: "\""))
    divideForJSON(text) { plain, code in
      raw(plain)
      if let code { appendJSONEscape(code) { byte($0) } }
    }
    byte(UInt8(ascii: "\""))
  }
}

private func visible(_ text: String) -> String { printable(text, limit: 400) }

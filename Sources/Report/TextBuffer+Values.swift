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

  /// A JSON string. Valid UTF-8 stays, control characters are escaped.
  mutating func quoted(_ text: String) {
    var copy = text
    copy.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
  }

  /// The same; bytes that are no UTF-8 must be replaced before.
  mutating func quoted(_ text: UnsafeRawBufferPointer) {
    byte(UInt8(ascii: "\""))
    var clean = 0
    for (index, character) in text.enumerated() {
      // U+0080 to U+009F, two bytes: terminals obey some of them.
      let isSecond = character >= 0x80 && character < 0xA0 && index > 0 && text[index - 1] == 0xC2
      guard isSecond || character < 0x20 || character == 0x22 || character == 0x5C || character == 0x7F else {
        continue
      }
      raw(UnsafeRawBufferPointer(rebasing: text[clean..<(isSecond ? index - 1 : index)]))
      clean = index + 1
      escape(character)
    }
    raw(UnsafeRawBufferPointer(rebasing: text[clean...]))
    byte(UInt8(ascii: "\""))
  }

  private mutating func escape(_ character: UInt8) {
    byte(0x5C)
    switch character {
    case 0x22, 0x5C: byte(character)
    case 0x0A: byte(UInt8(ascii: "n"))
    case 0x09: byte(UInt8(ascii: "t"))
    default:
      literal("u00")
      for digit in [character >> 4, character & 15] { byte(digit < 10 ? 0x30 + digit : 0x57 + digit) }
    }
  }
}

private func visible(_ text: String) -> String { printable(text, limit: 400) }

import CScan

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// A word of a rule: bytes of the dump, quotes taken off. Escapes inside quotes (`\"`, `\\`) are still in it;
/// `unescaped` removes them.
struct Token {
  var start: UnsafePointer<UInt8>
  var count: Int
  var quoted = false

  @inline(__always) subscript(_ index: Int) -> UInt8 { start[index] }

  @inline(__always) var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

  @inline(__always) func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    let other = text.utf8Start
    var index = 0
    while index < count {
      if start[index] != other[index] { return false }
      index += 1
    }
    return true
  }

  func hasPrefix(_ text: StaticString) -> Bool {
    guard count >= text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount where start[index] != text.utf8Start[index] { return false }
    return true
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  var unescaped: String {
    guard quoted, bytes.contains(UInt8(ascii: "\\")) else { return text }
    var out: [UInt8] = []
    var index = 0
    while index < count {
      if start[index] == UInt8(ascii: "\\"), index + 1 < count { index += 1 }
      out.append(start[index])
      index += 1
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// `-x`, `--long` or `!`, which cannot be a value unless quoted.
  @inline(__always) var isOption: Bool {
    !quoted && count > 0
      && ((start[0] == UInt8(ascii: "-") && count > 1 && !(start[1] >= 48 && start[1] <= 57))
        || (start[0] == UInt8(ascii: "!") && count == 1))
  }

  func firstIndex(of byte: UInt8, from: Int = 0) -> Int? {
    var index = from
    while index < count {
      if start[index] == byte { return index }
      index += 1
    }
    return nil
  }

  @inline(__always) func part(_ from: Int, _ to: Int) -> Token { Token(start: start + from, count: to - from) }

  /// Parts between a separator; an empty token has one empty part.
  func split(_ separator: UInt8) -> [Token] {
    var parts: [Token] = []
    var from = 0
    while let at = firstIndex(of: separator, from: from) {
      parts.append(part(from, at))
      from = at + 1
    }
    parts.append(part(from, count))
    return parts
  }

  /// A decimal number that fills the token.
  @inline(__always) var decimal: UInt64? {
    guard count > 0, count < 20 else { return nil }
    var value: UInt64 = 0
    var index = 0
    while index < count {
      let digit = UInt64(start[index]) &- 48
      if digit > 9 { return nil }
      value = value &* 10 &+ digit
      index += 1
    }
    return value
  }

  /// Decimal, 0x hexadecimal or 0 octal, as strtoul base 0 reads it, at most 32 bits.
  @inline(__always) var number: UInt32? {
    if count > 2, start[0] == 48, start[1] | 0x20 == UInt8(ascii: "x") {
      guard count <= 18 else { return nil }
      var value: UInt64 = 0
      for index in 2..<count {
        switch start[index] {
        case 48...57: value = value << 4 | UInt64(start[index] - 48)
        case 65...70: value = value << 4 | UInt64(start[index] - 55)
        case 97...102: value = value << 4 | UInt64(start[index] - 87)
        default: return nil
        }
      }
      return value <= UInt64(UInt32.max) ? UInt32(value) : nil
    }
    if count > 1, start[0] == 48 { return UInt32(part(1, count).text, radix: 8) }
    guard let value = decimal, value <= UInt64(UInt32.max) else { return nil }
    return UInt32(value)
  }
}

/// Splits a line into tokens as iptables-restore does: blanks separate, double or single quotes group, a backslash
/// inside quotes keeps the next byte.
struct Tokenizer {
  var at: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>
  /// A quoted text reached the end without its closing quote.
  var isOpen = false

  init(at: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
    self.at = at
    self.end = end
  }

  @inline(__always) mutating func next() -> Token? {
    while at < end, at.pointee == 0x20 || at.pointee == 0x09 || at.pointee == 0x0D { at += 1 }
    guard at < end else { return nil }
    let quote = at.pointee
    if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      let start = at + 1
      at = start
      at = scan_quote(start, end, quote)
      while at < end, at.pointee != quote { at = scan_quote(min(at + 2, end), end, quote) }
      let token = Token(start: start, count: at - start, quoted: true)
      if at < end { at += 1 } else { isOpen = true }
      return token
    }
    let start = at
    at = scan_blank(start, end)
    if at == start { at += 1 }  // another control character: a token of its own
    return Token(start: start, count: at - start)
  }

  /// Goes past these bytes if they come next.
  @inline(__always) mutating func skip(_ phrase: StaticString) -> Bool {
    let count = phrase.utf8CodeUnitCount
    guard end - at > count, memcmp(at, phrase.utf8Start, count) == 0 else { return false }
    at += count
    return true
  }

  /// The next token if it is not an option.
  @inline(__always) mutating func value() -> Token? {
    let saved = at
    guard let token = next() else { return nil }
    if token.isOption {
      at = saved
      return nil
    }
    return token
  }
}

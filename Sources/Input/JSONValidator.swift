/// Finds where a JSON text breaks the grammar (RFC 8259), and where one ends among several. Constant memory but a bit a
/// level of nesting.
public enum JSONValidator {
  public struct Problem: Sendable {
    public var offset: Int
    public var message: String
  }

  public static let maximumDepth = 1024

  /// Nil: one well-formed text and nothing behind it.
  public static func firstProblem(in bytes: UnsafeRawBufferPointer, range: Range<Int>) -> Problem? {
    var scanner = Scanner(bytes: bytes, at: range.lowerBound, end: range.upperBound)
    if let problem = scanner.value() { return problem }
    scanner.skipSpace()
    return scanner.at < scanner.end ? scanner.expected("the end of the JSON text") : nil
  }

  /// The range of the JSON object or array that starts at or behind `start` (only white space before it), by its
  /// braces alone; nil where none starts there or it does not end.
  public static func extent(in bytes: UnsafeRawBufferPointer, from start: Int, end: Int) -> Range<Int>? {
    var at = start
    while at < end, isSpace(bytes[at]) { at += 1 }
    guard at < end, bytes[at] == UInt8(ascii: "{") || bytes[at] == UInt8(ascii: "[") else { return nil }
    let first = at
    var depth = 0
    while at < end {
      switch bytes[at] {
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 { return first..<at + 1 }
      case UInt8(ascii: "\""):
        at += 1
        while at < end, bytes[at] != UInt8(ascii: "\"") { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
      default: break
      }
      at += 1
    }
    return nil
  }

  @inline(__always) static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  private struct Scanner {
    let bytes: UnsafeRawBufferPointer
    var at: Int
    let end: Int
    /// Where each open container begins.
    var open: [Int] = []

    init(bytes: UnsafeRawBufferPointer, at: Int, end: Int) {
      self.bytes = bytes
      self.at = at
      self.end = end
    }

    mutating func skipSpace() {
      while at < end, JSONValidator.isSpace(bytes[at]) { at += 1 }
    }

    func expected(_ what: String) -> Problem {
      var found = "the end of the input"
      if at < end {
        let byte = bytes[at]
        found =
          byte > 0x20 && byte < 0x7F
          ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x\(String(byte, radix: 16, uppercase: true))"
      }
      var message = "malformed JSON: expected \(what), found \(found)"
      if at >= end, let innermost = open.last {
        var line = 1
        for byte in bytes[..<innermost] where byte == 10 { line += 1 }
        let kind = bytes[innermost] == UInt8(ascii: "{") ? "object" : "array"
        message += "; the \(kind) of line \(line) is not closed (truncated?)"
      }
      return Problem(offset: min(at, max(end - 1, 0)), message: message)
    }

    /// Reads one value without recursion.
    mutating func value() -> Problem? {
      while true {
        skipSpace()
        guard at < end else { return expected("a value") }
        switch bytes[at] {
        case UInt8(ascii: "{"):
          if let problem = enter() { return problem }
          skipSpace()
          if at < end, bytes[at] == UInt8(ascii: "}") { break }
          if let problem = key() { return problem }
          continue
        case UInt8(ascii: "["):
          if let problem = enter() { return problem }
          skipSpace()
          if at < end, bytes[at] == UInt8(ascii: "]") { break }
          continue
        case UInt8(ascii: "\""):
          if let problem = string() { return problem }
        case UInt8(ascii: "t"): if let problem = word("true") { return problem }
        case UInt8(ascii: "f"): if let problem = word("false") { return problem }
        case UInt8(ascii: "n"): if let problem = word("null") { return problem }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
          if let problem = number() { return problem }
        default: return expected("a value")
        }
        // Behind a value: close what ends here, or go on to the next member.
        var more = false
        while !more {
          guard let container = open.last else { return nil }
          skipSpace()
          let object = bytes[container] == UInt8(ascii: "{")
          guard at < end else { return expected(object ? "',' or '}'" : "',' or ']'") }
          switch bytes[at] {
          case UInt8(ascii: ","):
            at += 1
            if object, let problem = key() { return problem }
            more = true
          case UInt8(ascii: "}") where object, UInt8(ascii: "]") where !object:
            at += 1
            open.removeLast()
          default: return expected(object ? "',' or '}'" : "',' or ']'")
          }
        }
      }
    }

    mutating func enter() -> Problem? {
      guard open.count < JSONValidator.maximumDepth else {
        return Problem(offset: at, message: "JSON is nested deeper than \(JSONValidator.maximumDepth) levels")
      }
      open.append(at)
      at += 1
      return nil
    }

    mutating func key() -> Problem? {
      skipSpace()
      guard at < end, bytes[at] == UInt8(ascii: "\"") else { return expected("a member name in quotes") }
      if let problem = string() { return problem }
      skipSpace()
      guard at < end, bytes[at] == UInt8(ascii: ":") else { return expected("':'") }
      at += 1
      return nil
    }

    mutating func string() -> Problem? {
      let start = at
      at += 1
      while at < end, bytes[at] != UInt8(ascii: "\"") {
        if bytes[at] < 0x20 { return expected("the closing quote of a string") }
        if bytes[at] == UInt8(ascii: "\\") {
          at += 1
          guard at < end else { break }
          switch bytes[at] {
          case UInt8(ascii: "u"):
            guard at + 4 < end, bytes[at + 1...at + 4].allSatisfy({ isHex($0) }) else {
              return expected("four hexadecimal digits after \\u")
            }
            at += 4
          case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            break
          default: return expected("an escape sequence")
          }
        }
        at += 1
      }
      guard at < end else { return expected("the closing quote of a string") }
      at += 1
      let content = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
      if String(validating: content, as: UTF8.self) == nil {
        return Problem(offset: start, message: "malformed JSON: this string is not UTF-8")
      }
      return nil
    }

    func isHex(_ byte: UInt8) -> Bool {
      (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    mutating func word(_ word: StaticString) -> Problem? {
      for index in 0..<word.utf8CodeUnitCount {
        guard at < end, bytes[at] == word.utf8Start[index] else { return expected("'\(word)'") }
        at += 1
      }
      return nil
    }

    mutating func digits() -> Problem? {
      guard at < end, (48...57).contains(bytes[at]) else { return expected("a digit") }
      while at < end, (48...57).contains(bytes[at]) { at += 1 }
      return nil
    }

    mutating func number() -> Problem? {
      let start = at
      if bytes[at] == UInt8(ascii: "-") { at += 1 }
      let zero = at < end && bytes[at] == 48
      let first = at
      if let problem = digits() { return problem }
      if zero, at - first > 1 {
        return Problem(offset: first, message: "malformed JSON: a number may not begin with 0")
      }
      var whole = true
      if at < end, bytes[at] == UInt8(ascii: ".") {
        whole = false
        at += 1
        if let problem = digits() { return problem }
      }
      if at < end, bytes[at] | 0x20 == UInt8(ascii: "e") {
        whole = false
        at += 1
        if at < end, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
        if let problem = digits() { return problem }
      }
      if whole, at - first > 19, UInt64(String(decoding: bytes[first..<at], as: UTF8.self)) == nil {
        return Problem(offset: start, message: "this number does not fit in 64 bits")
      }
      return nil
    }
  }
}

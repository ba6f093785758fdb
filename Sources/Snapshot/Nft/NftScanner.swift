import CScan
import Ruleset

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Cuts nft's text into tokens, one at a time, over the file's bytes. Words take every byte that has no meaning of its
/// own: `10.0.0.0/8`, `80-90`, `[fd00::1]:80` and `lo*` are one word each; what is in them is up to the type wanted
/// there.
struct NftScanner {
  enum Kind: UInt8 { case word, string, punctuation, newline, end }

  let base: UnsafePointer<UInt8>
  private(set) var at: Int
  private(set) var end: Int
  /// Of `at`, from 1.
  private(set) var line: Int

  /// The current token: its bytes (without the quotes of a string), and where it stands.
  private(set) var kind = Kind.newline
  private(set) var start: Int
  private(set) var stop: Int
  /// End of the token before, quotes included.
  private(set) var lastStop: Int
  /// Of the current token, if it is punctuation; two-byte operators are `Operator`.
  private(set) var mark: UInt8 = 0
  private var tokenEnd: Int

  /// Where reading goes on behind a variable's value.
  private var outer: [(at: Int, end: Int, line: Int)] = []
  var isInVariable: Bool { !outer.isEmpty }

  enum Operator {
    static let equal: UInt8 = 0x80
    static let notEqual: UInt8 = 0x81
    static let lessOrEqual: UInt8 = 0x82
    static let greaterOrEqual: UInt8 = 0x83
    static let shiftLeft: UInt8 = 0x84
    static let shiftRight: UInt8 = 0x85
  }

  private enum Class {
    static let word: UInt8 = 0
    static let blank: UInt8 = 1
    static let newline: UInt8 = 2
    static let comment: UInt8 = 3
    static let quote: UInt8 = 4
    static let punctuation: UInt8 = 5
    static let compare: UInt8 = 6
    static let backslash: UInt8 = 7
  }

  /// The class of each byte. Never freed: one table for the process, read without counting references.
  nonisolated(unsafe) private static let classes: UnsafePointer<UInt8> = {
    let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    table.initialize(repeating: Class.word, count: 256)
    for byte in 0..<0x20 { table[byte] = Class.blank }
    table[0x20] = Class.blank
    table[10] = Class.newline
    table[Int(UInt8(ascii: "#"))] = Class.comment
    table[Int(UInt8(ascii: "\""))] = Class.quote
    table[Int(UInt8(ascii: "\\"))] = Class.backslash
    for byte in "{}(),;@$&|^".utf8 { table[Int(byte)] = Class.punctuation }
    for byte in "=!<>".utf8 { table[Int(byte)] = Class.compare }
    return UnsafePointer(table)
  }()
  private let classes: UnsafePointer<UInt8>

  init(_ base: UnsafePointer<UInt8>, _ range: Range<Int>, line: Int) {
    self.base = base
    at = range.lowerBound
    end = range.upperBound
    start = at
    stop = at
    lastStop = at
    tokenEnd = at
    self.line = line
    classes = Self.classes
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + start, count: stop - start) }

  func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes(range), as: UTF8.self) }

  mutating func advance() {
    lastStop = tokenEnd
    while true {
      guard at < end else {
        if let (resumeAt, resumeEnd, resumeLine) = outer.popLast() {
          at = resumeAt
          end = resumeEnd
          line = resumeLine
          lastStop = at
          continue
        }
        kind = .end
        start = at
        stop = at
        tokenEnd = at
        return
      }
      let byte = base[at]
      switch classes[Int(byte)] {
      case Class.blank: at += 1
      case Class.word:
        start = at
        at = scan_nft_word(base + at + 1, base + end) - base
        kind = .word
        stop = at
        tokenEnd = at
        return
      case Class.newline:
        start = at
        at += 1
        stop = at
        tokenEnd = start
        line += 1
        kind = .newline
        return
      case Class.comment:
        if let stop = xtablesName {
          start = at
          at = stop
          kind = .word
          self.stop = at
          tokenEnd = at
          return
        }
        while at < end, base[at] != 10 { at += 1 }
      case Class.quote:
        start = at + 1
        at += 1
        while at < end, base[at] != UInt8(ascii: "\""), base[at] != 10 { at += 1 }
        stop = at
        if at < end, base[at] == UInt8(ascii: "\"") { at += 1 }
        tokenEnd = at
        kind = .string
        return
      case Class.backslash:
        // At the end of a line it joins the next one.
        var next = at + 1
        while next < end, base[next] == 13 || base[next] == 32 || base[next] == 9 { next += 1 }
        if next < end, base[next] == 10 {
          at = next + 1
          line += 1
          continue
        }
        start = at
        at = scan_nft_word(base + at + 1, base + end) - base
        kind = .word
        stop = at
        tokenEnd = at
        return
      case Class.compare:
        start = at
        mark = byte
        at += 1
        if at < end {
          switch (byte, base[at]) {
          case (UInt8(ascii: "="), UInt8(ascii: "=")): mark = Operator.equal
          case (UInt8(ascii: "!"), UInt8(ascii: "=")): mark = Operator.notEqual
          case (UInt8(ascii: "<"), UInt8(ascii: "=")): mark = Operator.lessOrEqual
          case (UInt8(ascii: ">"), UInt8(ascii: "=")): mark = Operator.greaterOrEqual
          case (UInt8(ascii: "<"), UInt8(ascii: "<")): mark = Operator.shiftLeft
          case (UInt8(ascii: ">"), UInt8(ascii: ">")): mark = Operator.shiftRight
          default: break
          }
          if mark >= 0x80 { at += 1 }
        }
        kind = .punctuation
        stop = at
        tokenEnd = at
        return
      default:
        start = at
        at += 1
        mark = byte
        kind = .punctuation
        stop = at
        tokenEnd = at
        return
      }
    }
  }

  /// Where the name ends of `# xt_tcp`, which nft up to 1.0.2 prints in the place of a match or target of iptables-nft.
  private var xtablesName: Int? {
    guard end - at > 5, memcmp(base + at, "# xt_", 5) == 0 else { return nil }
    return scan_nft_word(base + at + 5, base + end) - base
  }

  /// The name behind `# xt_`, if that is the current token.
  var xtables: String? {
    guard kind == .word, stop - start > 5, base[start] == UInt8(ascii: "#") else { return nil }
    return text(start + 5..<stop)
  }

  @inline(__always) func isMark(_ byte: UInt8) -> Bool { kind == .punctuation && mark == byte }
  @inline(__always) func isMark(_ scalar: Unicode.Scalar) -> Bool { isMark(UInt8(ascii: scalar)) }

  /// A word of one byte, as `.` and `:` between blanks are.
  @inline(__always) func isByte(_ scalar: Unicode.Scalar) -> Bool {
    kind == .word && stop - start == 1 && base[start] == UInt8(ascii: scalar)
  }

  /// Cuts the current word behind `count` bytes; the rest is read next.
  mutating func split(after count: Int) {
    stop = start + count
    tokenEnd = stop
    at = stop
  }

  /// Reads a part of the file in place of what comes next (a variable's value).
  mutating func enter(_ range: Range<Int>, line: Int) -> Bool {
    guard outer.count < 64 else { return false }
    outer.append((at, end, self.line))
    at = range.lowerBound
    end = range.upperBound
    self.line = line
    return true
  }

  /// Skips bytes up to `offset`, which must be on the same line.
  mutating func jump(to offset: Int) { at = offset }

  /// The token as it is quoted in messages.
  var description: String {
    switch kind {
    case .end: "the end of the file"
    case .newline: "the end of the line"
    default: "'\(text(start..<min(stop, start + 40)))'"
    }
  }
}

import Snapshot

/// Splits what somebody would type into a shell into the words of each command. Only what needs no shell is taken:
/// quotes, escapes, `;` and `&&`.
enum ShellWords {
  static func commands(_ text: String) throws(Trial.Failure) -> [[String]] {
    var reader = Reader(text)
    try reader.read()
    guard !reader.commands.isEmpty else { throw Trial.Failure("'\(printable(text))' holds no command.") }
    return reader.commands
  }

  private struct Reader {
    let bytes: [UInt8]
    var at = 0
    var word: [UInt8] = []
    /// A word was begun; it may be empty, in quotes.
    var inWord = false
    var words: [String] = []
    var commands: [[String]] = []

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func read() throws(Trial.Failure) {
      while at < bytes.count {
        let byte = bytes[at]
        at += 1
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"): endWord()
        case UInt8(ascii: "\n"), UInt8(ascii: ";"): endCommand()
        case UInt8(ascii: "&"):
          guard at < bytes.count, bytes[at] == byte else { throw Self.beyond("&") }
          at += 1
          endCommand()
        case UInt8(ascii: "#") where !inWord:
          while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
        case UInt8(ascii: "'"): try quoted()
        case UInt8(ascii: "\""): try doubleQuoted()
        case UInt8(ascii: "\\"):
          guard at < bytes.count else { throw Trial.Failure("The command ends in a backslash.") }
          if bytes[at] != UInt8(ascii: "\n") { add(bytes[at]) }
          at += 1
        case UInt8(ascii: "$") where at < bytes.count && bytes[at] == UInt8(ascii: "'"):
          at += 1
          try escaped()
        case UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "<"), UInt8(ascii: ">"),
          UInt8(ascii: "("), UInt8(ascii: ")"):
          throw Self.beyond(String(UnicodeScalar(byte)))
        default: add(byte)
        }
      }
      endCommand()
    }

    private static func beyond(_ sign: String) -> Trial.Failure {
      Trial.Failure(
        "'\(sign)' needs a shell: give plain commands, joined by ';' or '&&', and put it in quotes if it is meant.")
    }

    private mutating func add(_ byte: UInt8) {
      word.append(byte)
      inWord = true
    }

    private mutating func endWord() {
      if inWord { words.append(String(decoding: word, as: UTF8.self)) }
      word = []
      inWord = false
    }

    private mutating func endCommand() {
      endWord()
      if !words.isEmpty { commands.append(words) }
      words = []
    }

    private mutating func quoted() throws(Trial.Failure) {
      inWord = true
      while at < bytes.count, bytes[at] != UInt8(ascii: "'") {
        word.append(bytes[at])
        at += 1
      }
      try close("'")
    }

    private mutating func doubleQuoted() throws(Trial.Failure) {
      inWord = true
      while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
        if bytes[at] == UInt8(ascii: "\\"), at + 1 < bytes.count, "\"\\$`".utf8.contains(bytes[at + 1]) {
          at += 1
        } else if bytes[at] == UInt8(ascii: "$") || bytes[at] == UInt8(ascii: "`") {
          throw Self.beyond(String(UnicodeScalar(bytes[at])))
        }
        word.append(bytes[at])
        at += 1
      }
      try close("\"")
    }

    /// `$'…'`
    private mutating func escaped() throws(Trial.Failure) {
      inWord = true
      while at < bytes.count, bytes[at] != UInt8(ascii: "'") {
        var byte = bytes[at]
        at += 1
        if byte == UInt8(ascii: "\\"), at < bytes.count {
          byte = bytes[at]
          at += 1
          switch byte {
          case UInt8(ascii: "n"): byte = 10
          case UInt8(ascii: "t"): byte = 9
          case UInt8(ascii: "x"):
            let digits = bytes[at...].prefix(2).prefix { Character(UnicodeScalar($0)).isHexDigit }
            byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? UInt8(ascii: "x")
            at += digits.count
          default: break
          }
        }
        word.append(byte)
      }
      try close("'")
    }

    private mutating func close(_ quote: String) throws(Trial.Failure) {
      guard at < bytes.count else { throw Trial.Failure("The command lacks a closing \(quote).") }
      at += 1
    }
  }
}

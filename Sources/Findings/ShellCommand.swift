/// A whole command that can be pasted into a shell. What a literal spells stands as it is; what is interpolated is one
/// word, or a part of one, and quoted: names come from dumps and objects that anybody may have written.
///
///     let command: ShellCommand = "kubectl -n \(namespace) describe service \(name)"
public struct ShellCommand: Sendable, Hashable, ExpressibleByStringInterpolation, CustomStringConvertible {
  public let text: String

  public init(stringLiteral text: String) { self.text = text }
  public init(stringInterpolation words: StringInterpolation) { text = words.text }
  public init(words: some Sequence<String>) { text = words.map(Self.quoted).joined(separator: " ") }
  private init(text: String) { self.text = text }

  public var description: String { text }

  public static func + (a: ShellCommand, b: ShellCommand) -> ShellCommand { ShellCommand(text: a.text + b.text) }

  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    public init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }
    public mutating func appendLiteral(_ literal: String) { text += literal }
    public mutating func appendInterpolation(_ word: some CustomStringConvertible) {
      text += ShellCommand.quoted(word.description)
    }
    /// A part of a command, quoted already.
    public mutating func appendInterpolation(_ part: ShellCommand) { text += part.text }
  }
}

extension ShellCommand {
  /// The word as a shell reads it back. Plain words stay as they are, others stand in single quotes; what does not print
  /// in ASCII (it could move the cursor or turn the direction of writing) is spelled as bytes in `$'…'`, which bash, zsh,
  /// ksh and busybox read.
  public static func quoted(_ word: String) -> String {
    if word.isEmpty { return "''" }
    if word.utf8.allSatisfy(isPlain) { return word }
    guard word.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return spelled(word) }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: "-_./:,=@%+".utf8.contains(byte)
    }
  }

  private static func spelled(_ word: String) -> String {
    let digits = Array("0123456789abcdef".unicodeScalars)
    var out = "$'"
    for byte in word.utf8 {
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: "\\"): out += "\\" + String(UnicodeScalar(byte))
      case 0x20..<0x7F: out.unicodeScalars.append(UnicodeScalar(byte))
      default:
        out += "\\x"
        out.unicodeScalars.append(digits[Int(byte >> 4)])
        out.unicodeScalars.append(digits[Int(byte & 15)])
      }
    }
    return out + "'"
  }
}

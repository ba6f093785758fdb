/// The one place where text is made safe to show: what a terminal or a reader would obey instead of showing it, control
/// characters, escapes and marks that turn the direction of text, is spelled out. Names in inputs belong to strangers.
public enum VisibleText {
  public enum Form: Sendable {
    /// `\u{1b}`; `ownEscape` becomes the terminal's escape.
    case text
    /// `\u202e`, as JSON and YAML spell it inside strings, the only place where such characters can stand.
    case json
  }

  /// Stands for the terminal's escape in text that is still to be written: one of the private characters, drawn anew for each
  /// process, so that no name in an input can hold it on purpose.
  public static let ownEscape = Unicode.Scalar(UInt32.random(in: 0xF0000...0xFFFFD))!

  /// A text of an input with all of that spelled out, at most `limit` characters of it.
  public static func string(_ text: String, limit: Int = .max) -> String {
    let isCut = limit < .max && text.utf8.count > limit && text.unicodeScalars.count > limit
    guard isCut || text.utf8.contains(where: { isSuspicious($0) }) || text.utf8.contains(10) || text.utf8.contains(9)
    else { return text }
    var out = ""
    for scalar in text.unicodeScalars.prefix(limit) {
      if isObeyed(scalar) || scalar.value == 9 || scalar.value == 10 {
        out += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        out.unicodeScalars.append(scalar)
      }
    }
    return isCut ? out + "…" : out
  }

  /// The bytes of an output as they may be written.
  public static func bytes(_ output: some Collection<UInt8>, as form: Form) -> [UInt8] {
    let all = Array(output)
    guard all.contains(where: isSuspicious) else { return all }
    var out: [UInt8] = []
    out.reserveCapacity(all.count + 64)
    for scalar in String(decoding: all, as: UTF8.self).unicodeScalars {
      if scalar == ownEscape, form == .text {
        out.append(0x1B)
      } else if isObeyed(scalar) {
        let hex = String(scalar.value, radix: 16)
        switch form {
        case .text: out += "\\u{\(hex)}".utf8
        case .json where scalar.value > 0xFFFF:
          // JSON has 16 bits an escape: a pair of surrogates.
          for unit in String(scalar).utf16 { out += "\\u\(String(unit, radix: 16))".utf8 }
        case .json: out += ("\\u" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex).utf8
        }
      } else {
        out += String(scalar).utf8
      }
    }
    return out
  }

  /// Bytes that begin or are such a character; most outputs have none.
  private static func isSuspicious(_ byte: UInt8) -> Bool {
    byte < 0x20 && byte != 10 && byte != 9 || byte == 0x7F || byte >= 0xC2
  }

  /// What is not shown as itself.
  public static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 9, 10: false
    case 0..<0x20, 0x7F..<0xA0: true
    // A hyphen that is not shown, and marks and spaces without a width, among them the marks of direction.
    case 0xAD, 0x34F, 0x61C, 0x115F...0x1160, 0x17B4...0x17B5, 0x180B...0x180F, 0x200B...0x200F, 0x2028...0x202E,
      0x2060...0x206F, 0x3164, 0xFEFF, 0xFFA0, 0xFFF0...0xFFFB:
      true
    // Private use, tags.
    case 0xE000..<0xF900, 0xE0000...0x10FFFF: true
    default: false
    }
  }
}

import Input

/// The one place where output is made safe to show: what a terminal or a reader would obey instead of showing it, control
/// characters, escapes and marks that turn the direction of text, is spelled out. Names in inputs belong to strangers.
public enum VisibleText {
  public enum Form: Sendable {
    /// `\u{1b}`; a `Style`'s own colours become the terminal's.
    case text
    /// `\u202e`, as JSON and YAML spell it inside strings, the only place where such characters can stand.
    case json
  }

  /// The bytes of an output as they may be written.
  public static func bytes(_ output: some Collection<UInt8>, as form: Form) -> [UInt8] {
    let all = Array(output)
    guard all.contains(where: isSuspicious) else { return all }
    var out: [UInt8] = []
    out.reserveCapacity(all.count + 64)
    for scalar in String(decoding: all, as: UTF8.self).unicodeScalars {
      if scalar == Style.mark, form == .text {
        out.append(0x1B)
      } else if isObeyed(scalar) {
        let hex = String(scalar.value, radix: 16)
        switch form {
        case .text: out += "\\u{\(hex)}".utf8
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
    byte < 0x20 && byte != 10 && byte != 9 || byte == 0x7F || byte == 0xC2 || byte == 0xE2 || byte == 0xEF
      || byte >= 0xF0
  }

  private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 9, 10: false
    case 0..<0x20, 0x7F..<0xA0: true
    // Marks of direction and isolation, line and paragraph separators, the byte order mark.
    case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0x061C, 0xFEFF, 0xFFF9...0xFFFB: true
    default: scalar == Style.mark
    }
  }
}

import Input
import Report
import Snapshot
import Testing

@Suite struct VisibleTextTests {
  @Test func whatATerminalObeysIsSpelledOut() {
    let hostile = "e\u{1B}]0;pwned\u{7}\u{1B}[31m\u{202E}txt\u{9B}2J\u{2066}\r\u{85}\u{FEFF}"
    let text = String(decoding: VisibleText.bytes(hostile.utf8, as: .text), as: UTF8.self)
    #expect(text == #"e\u{1b}]0;pwned\u{7}\u{1b}[31m\u{202e}txt\u{9b}2J\u{2066}\u{d}\u{85}\u{feff}"#)
    let json = String(decoding: VisibleText.bytes("\"a\u{202E}b\u{7F}\"".utf8, as: .json), as: UTF8.self)
    #expect(json == #""a\u202eb\u007f""#)
    // What people write stays.
    let plain = "→ “déjà” … 日本 👍\n\tx"
    #expect(VisibleText.bytes(plain.utf8, as: .text) == Array(plain.utf8))
  }

  /// Our own colours reach the terminal; a stranger's escape beside them does not.
  @Test func coloursAreOurs() {
    let text = Style(coloured: true).bad("x\u{1B}[2Jy")
    let written = String(decoding: VisibleText.bytes(text.utf8, as: .text), as: UTF8.self)
    #expect(written == "\u{1B}[1;38;5;166mx\\u{1b}[2Jy\u{1B}[0m")
    #expect(Style(coloured: false).bad("x") == "x")
  }

  /// Whichever way a name takes to an output, the same characters of it are spelled out.
  @Test func oneFunctionDecides() {
    for value in (UInt32(0)...0x3100).compactMap({ Unicode.Scalar($0) }) {
      let text = "a\(value)b"
      let isHidden = VisibleText.isObeyed(value) || value == "\n" || value == "\t"
      #expect((printable(text) != text) == isHidden, "U+\(String(value.value, radix: 16))")
      #expect((escaped(text) != text) == isHidden)
    }
    #expect(printable("x\u{E0041}\u{F0000}") == #"x\u{e0041}\u{f0000}"#)
    #expect(printable("abcdef", limit: 3) == "abc…")
  }
}

import Input
import Testing

@testable import Report

/// Comments and names are anybody's: what a terminal or a parser would obey is escaped in JSON and YAML.
@Suite struct EscapingTests {
  @Test(arguments: [
    ("a\u{1B}[2J", #""a\u001b[2J""#), ("\u{9B}2J", #""\u009b2J""#), ("x\u{85}y\u{80}", #""x\u0085y\u0080""#),
    ("\u{A0}é\u{C2}→", "\"\u{A0}é\u{C2}→\""), ("\"\\\n", #""\"\\\n""#),
    ("a\u{202E}b\u{2066}", #""a\u202eb\u2066""#), ("\u{61C}\u{2028}", #""\u061c\u2028""#),
    ("“\u{2010}\u{2070}”", "\"“\u{2010}\u{2070}”\""),
  ]) func strings(_ text: String, _ escaped: String) {
    var writer = JSONWriter()
    writer.string(text)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == escaped)
    var buffer = TextBuffer(capacity: 64)
    buffer.quoted(text)
    #expect(String(decoding: buffer.bytes, as: UTF8.self) == escaped)
  }
}

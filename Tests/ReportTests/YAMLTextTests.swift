import Input
import Report
import Testing

/// YAML that is printed is read back as the JSON that it was made of.
@Suite struct YAMLTextTests {
  @Test(arguments: [
    "plain", "", " ", "a: b", "- a", "#", "a #b", "yes", "~", "null", "1e3", "0x10", "2026-11-21", "'", "\"", "\\",
    "\t",
    "line\nbreak", "\u{0}", "\u{1B}[2J", "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}",
    "a\u{FFFE}b", "\u{10FFFF}", "\u{1F600}", "&a", "*a", "!a", "%a", "@a", "`a", "{a", "[a", "|", ">", "?", "ümlaut",
  ]) func textComesBack(_ text: String) throws {
    let scalars = text.unicodeScalars.map { scalar in
      scalar.value < 0x20 || "\"\\".unicodeScalars.contains(scalar)
        ? "\\u" + String(repeating: "0", count: 4 - String(scalar.value, radix: 16).utf8.count)
          + String(scalar.value, radix: 16)
        : String(scalar)
    }.joined()
    let json = "{\"\(scalars)\":[\"\(scalars)\",{\"k\":\"\(scalars)\"}],\"n\":1}"
    let yaml = try YAMLText.from(json: Array(json.utf8))
    let documents = try YAMLToJSON.documents(of: SourceFile(name: "y", contents: yaml))
    #expect(documents.count == 1)
    func strings(_ file: SourceFile) throws -> [String] {
      var found: [String] = []
      try JSONDocument(file).withRoot { root in
        for (name, member) in root.members {
          found.append(name.string)
          for element in member.elements {
            if let text = element.text { found.append(text.string) }
            for (_, inner) in element.members { found.append(inner.text?.string ?? "?") }
          }
        }
      }
      return found
    }
    #expect(
      try strings(documents[0]) == strings(SourceFile(name: "j", text: json)),
      "\(String(decoding: yaml, as: UTF8.self))")
  }
}

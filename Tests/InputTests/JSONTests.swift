import Testing

@testable import Input

@Suite struct JSONTests {
  static func problem(_ text: String) -> String? {
    do {
      _ = try JSONDocument(SourceFile(name: "a.json", text: text))
      return nil
    } catch {
      return error.description
    }
  }

  @Test func walksEveryKind() throws {
    let file = SourceFile(
      name: "a.json",
      text: #"{"a": [1, -2, 18446744073709551615, 1.5, "x\ny", true, false, null, {}, []], "b": {"c": "d"}}"#)
    let document = try JSONDocument(file)
    document.withRoot { root in
      #expect(root.kind == .object)
      #expect(root.members.map { $0.name.string } == ["a", "b"])
      let values = Array(root["a"]!.elements)
      #expect(
        values.map(\.kind) == [
          .number, .number, .number, .number, .string, .bool, .bool, .null, .object, .array,
        ])
      #expect(values[0].int == 1)
      #expect(values[1].int == -2)
      #expect(values[2].int == nil)
      #expect(values[3].double == 1.5)
      #expect(values[3].int == nil)
      #expect(values[4].string == "x\ny")
      #expect(values[5].bool == true)
      #expect(values[6].bool == false)
      #expect(values[8].count == 0)
      #expect(Array(values[9].elements).isEmpty)
      #expect(root["b"]?["c"]?.text.map { $0 == "d" } == true)
      #expect(root["b"]?["x"] == nil)
      #expect(root["a"]?[4]?.string == "x\ny")
      #expect(root["a"]?[10] == nil)
      #expect(Array(values[0].members.map { $0.name.string }).isEmpty)
      switch root["b"]!.members.first(where: { _ in true })!.name {
      case "c": break
      default: Issue.record("a literal must match its member name")
      }
    }
  }

  @Test func parsesARangeAndSkipsAByteOrderMark() throws {
    let file = SourceFile(name: "a", text: "noise [7] noise")
    #expect(try JSONDocument(file, range: 6..<9).withRoot { $0[0]?.int } == 7)
    let marked = SourceFile(name: "a", text: "\u{FEFF}[8]")
    #expect(try JSONDocument(marked).withRoot { $0[0]?.int } == 8)
  }

  @Test(arguments: [
    (#"{"a": 1,"# + "\n\n", "a.json:2: malformed JSON: expected a member name in quotes, found the end of the input"),
    ("[1,\n2 3]", "a.json:2: malformed JSON: expected ',' or ']', found '3'"),
    ("{\"a\"\n\n 1}", "a.json:3: malformed JSON: expected ':', found '1'"),
    ("", "a.json:1: malformed JSON: expected a value, found the end of the input"),
    ("[1]\n[2]", "a.json:2: malformed JSON: expected the end of the JSON text, found '['"),
    ("[\n01]", "a.json:2: malformed JSON: a number may not begin with 0"),
    ("[\n\"a\u{1}\"]", "a.json:2: malformed JSON: expected the closing quote of a string, found byte 0x1"),
    ("[tru]", "a.json:1: malformed JSON: expected 'true', found ']'"),
    ("[\n123456789012345678901]", "a.json:2: this number does not fit in 64 bits"),
    ("{\"a\": \"\\q\"}", "a.json:1: malformed JSON: expected an escape sequence, found 'q'"),
  ]) func namesTheLineOfAnError(_ text: String, _ message: String) {
    #expect(Self.problem(text)?.hasPrefix(message) == true, "\(Self.problem(text) ?? "parsed")")
  }

  @Test func boundsNesting() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(Self.problem(deep)?.contains("nested deeper") == true)
    #expect(Self.problem(String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)) == nil)
  }

  @Test func invalidUTF8() {
    let file = SourceFile(name: "a.json", contents: Array("[\n\"".utf8) + [0xFF, 0x22, 0x5D])
    #expect(throws: Diagnostic(.error, file: "a.json", .line(2), "malformed JSON: this string is not UTF-8")) {
      try JSONDocument(file)
    }
  }

  @Test func extentOfOneTextAmongOthers() {
    let file = SourceFile(name: "a", text: " {\"a\": \"}\\\"\"} [2]")
    let first = JSONValidator.extent(in: file.bytes, from: 0, end: file.bytes.count)
    #expect(first == 1..<13)
    #expect(JSONValidator.extent(in: file.bytes, from: 13, end: file.bytes.count) == 14..<17)
    #expect(JSONValidator.extent(in: file.bytes, from: 2, end: file.bytes.count) == nil)
  }

  /// simdjson and the validator must agree on what is JSON, else an error has no line.
  @Test func validatorAgreesWithTheParser() {
    var random = SplitMix(state: 7)
    let seed = Array(#"{"a":[1,-2.5e3,"xA",true,null,{"b":{}}],"c":"é"}"#.utf8)
    for _ in 0..<20_000 {
      var bytes = seed
      for _ in 0...Int(random.next() % 3) {
        let at = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: at)
        default: bytes.insert(seed[Int(random.next() % UInt64(seed.count))], at: at)
        }
      }
      let file = SourceFile(name: "f", contents: bytes)
      let parsed = (try? JSONDocument(file)) != nil
      let valid = JSONValidator.firstProblem(in: file.bytes, range: 0..<bytes.count) == nil
      #expect(parsed == valid, "\(String(decoding: bytes, as: UTF8.self))")
    }
  }
}

/// A small seeded generator: tests must repeat.
struct SplitMix {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

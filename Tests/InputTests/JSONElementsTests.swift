import Testing

@testable import Input

/// A list that is parsed in runs must give the same elements as the text parsed as a whole, wherever the runs end.
@Suite struct JSONElementsTests {
  static let elements = [
    #"{"rule": {"expr": [{"a": [1, 2]}, {"b": {}}], "comment": "}], [{,"}}"#, #""a \"quoted\", \\""#, "17", "[]", "{}",
    #"{"long": "\#(String(repeating: "x, [", count: 40))"}"#, #""\\\\""#, "null", #"{"é": "ü\n"}"#,
  ]

  static func strings(_ text: String, runLength: Int) -> [String]? {
    var found: [String] = []
    let file = SourceFile(name: "list", text: text)
    let isWhole = JSONElements.visit("list", in: file, range: 0..<file.bytes.count, runLength: runLength) { value in
      found.append(describe(value))
    }
    return isWhole ? found : nil
  }

  static func describe(_ value: JSONValue) -> String {
    switch value.kind {
    case .object: "{" + value.members.map { "\($0.name.string): \(describe($0.value))" }.joined(separator: ";") + "}"
    case .array: "[" + value.elements.map(describe).joined(separator: ";") + "]"
    case .string: "'\(value.string!)'"
    case .number: "\(value.int!)"
    case .bool, .null: "null"
    }
  }

  @Test(arguments: [1, 7, 63, 64, 65, 100, 1 << 17])
  func runsEndAnywhere(_ runLength: Int) throws {
    // Each rotation puts other bytes on the 64-byte blocks that the scan looks at.
    for shift in 0..<64 {
      let many = Array(repeating: Self.elements, count: 3).joined()
      let text =
        "{\"list\":" + String(repeating: " ", count: shift) + "[" + many.joined(separator: ",\n ") + "\n]\n}"
      let whole = try JSONDocument(SourceFile(name: "list", text: text)).withRoot {
        $0["list"]!.elements.map(Self.describe)
      }
      #expect(Self.strings(text, runLength: runLength) == whole)
    }
  }

  @Test func anEmptyListHasNoElements() { #expect(Self.strings(#" { "list" : [ ] } "#, runLength: 10) == []) }

  @Test(arguments: [
    "", "{", #"{"list": ["#, #"{"list": [1"#, #"{"list": [1]"#, #"{"list": [1]]"#, #"{"list": [1}}"#,
    #"{"list": [1,]}"#,
    #"{"list": [,1]}"#, #"{"list": [1,,2]}"#, #"{"list": [1 2]}"#, #"{"list": [1]}}"#, #"{"list": [1]} x"#,
    #"{"list": ["a]}"#, #"{"list": [{"a": 1]]}"#, #"{"other": [1]}"#, #"{"list": 1}"#, #"{" list": [1]}"#, "[1, 2]",
    #"{"list": [1], "more": 2}"#,
  ])
  func anythingElseIsRefused(_ text: String) {
    for runLength in [1, 100] { #expect(Self.strings(text, runLength: runLength) == nil, "\(text)") }
  }
}

import Testing

@testable import Input

@Suite struct YAMLTests {
  static func json(_ text: String) throws -> [String] {
    try YAMLToJSON.documents(of: SourceFile(name: "a.yaml", text: text)).map {
      $0.text(0..<$0.bytes.count).filter { $0 != "\n" }
    }
  }

  @Test func documentsOfAStream() throws {
    let text = """
      # a comment
      kind: Service
      spec: {ports: [{port: 80, name: "80"}], clusterIP: None}
      ---
      - 1.5
      - yes
      - ~
      - '5'
      - |
        two
        lines
      - 2026-11-21
      - 0x10
      - -7
      - true
      ---
      """
    #expect(
      try Self.json(text) == [
        #"{"kind":"Service","spec":{"ports":[{"port":80,"name":"80"}],"clusterIP":"None"}}"#,
        #"[1.5,"yes",null,"5","two\nlines\n","2026-11-21",16,-7,true]"#,
      ])
  }

  @Test func aliases() throws {
    #expect(try Self.json("a: &x {b: 1}\nc: *x\n") == [#"{"a":{"b":1},"c":{"b":1}}"#])
    var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1..<12 {
      let one = "*a\(level - 1)"
      bomb += "a\(level): &a\(level) [\(Array(repeating: one, count: 9).joined(separator: ", "))]\n"
    }
    #expect(throws: Diagnostic.self) { try Self.json(bomb) }
  }

  @Test func errorsHaveALine() {
    #expect(throws: Diagnostic.self) { try Self.json("a:\n  - b\n c: [\n") }
    do {
      _ = try Self.json("a: 1\nb: [1, 2\nc: 3\n")
      Issue.record("malformed YAML must throw")
    } catch {
      #expect("\(error)".hasPrefix("a.yaml:3: malformed YAML: "), "\(error)")
    }
    #expect(throws: Diagnostic.self) { try Self.json(String(repeating: "[", count: 5000)) }
  }

  @Test func everyDocumentIsJSON() throws {
    let file = SourceFile(
      name: "a.yaml", text: "a: \"\\u0001\\t\\\"\\\\\"\n? b\n: é\nc: 00012\nd: 1_000\ne: .5\nf: 1e999\n")
    for text in try YAMLToJSON.documents(of: file) { _ = try JSONDocument(text) }
  }

  /// Aliases of aliases end with a message that says so, not with one about a missing anchor.
  @Test func laughsAreBounded() {
    let lines = (0..<20).map {
      "a\($0 + 1): &a\($0 + 1) [" + Array(repeating: "*a\($0)", count: 10).joined(separator: ",") + "]"
    }
    let text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + lines.joined(separator: "\n")
    let error = #expect(throws: Diagnostic.self) { _ = try YAMLToJSON.documents(of: SourceFile(name: "f", text: text)) }
    #expect(error?.message.contains("aliases expand to more than") == true)
  }
}

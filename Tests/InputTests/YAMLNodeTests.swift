import Testing

@testable import Input

/// Lines are what the tree is for, and a hostile file must not make it large.
@Suite struct YAMLNodeTests {
  static func documents(_ text: String) throws -> [YAMLNode] {
    try YAMLNode.documents(of: SourceFile(name: "a.yaml", text: text))
  }

  @Test func nodesKeepTheirLines() throws {
    let root = try Self.documents("# c\na: 1\nb:\n- x\n- {k: ~}\n")[0]
    guard case .mapping(let members) = root.content, case .sequence(let list) = members[1].value.content,
      case .mapping(let inner) = list[1].content, case .null = inner[0].value.content
    else {
      Issue.record("another shape: \(root)")
      return
    }
    #expect(members.map(\.line) == [2, 3])
    #expect(list.map(\.line) == [4, 5])
  }

  @Test func aliasesAreCopiedWithinBounds() throws {
    #expect(try Self.documents("a: &x [1, 2]\nb: *x\n").count == 1)
    var bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for level in 1...12 {
      bomb += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    #expect(throws: Diagnostic.self) { try Self.documents(bomb) }
  }

  @Test func depthIsBounded() {
    #expect(throws: Diagnostic.self) { try Self.documents(String(repeating: "[", count: 5000)) }
  }
}

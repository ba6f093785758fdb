import Input

/// Reads an expectations file: YAML or JSON, a list of entries, or a mapping whose `expectations` is that list. What is
/// wrong is a diagnostic with its line; such an entry is left out and the rest kept.
public enum AssertionReader {
  public static func read(_ file: SourceFile, _ diagnostics: inout Diagnostics) -> [Assertion] {
    let documents: [YAMLNode]
    do {
      documents = try YAMLNode.documents(of: file)
    } catch {
      diagnostics.add(error)
      return []
    }
    var reader = Reader(file: file.name, diagnostics: diagnostics)
    let found = documents.flatMap { reader.list($0) }
    if found.isEmpty, reader.diagnostics.worst != .error {
      reader.fail(1, "holds no expectation; expected a list of entries with from, to and result")
    }
    diagnostics = reader.diagnostics
    return found
  }

  private struct Reader {
    let file: String
    var diagnostics: Diagnostics

    mutating func fail(_ line: Int, _ message: String) {
      diagnostics.add(Diagnostic(.error, file: file, .line(line), escaped(message)))
    }

    mutating func list(_ node: YAMLNode) -> [Assertion] {
      switch node.content {
      case .null: return []
      case .sequence(let items): return items.compactMap { assertion($0) }
      case .mapping(let members):
        var found: [Assertion] = []
        for member in members {
          guard member.key == "expectations" else {
            fail(member.line, "unknown key “\(member.key)”; expected expectations")
            continue
          }
          guard case .sequence(let items) = member.value.content else {
            fail(member.value.line, "expectations: expected a list")
            continue
          }
          found += items.compactMap { assertion($0) }
        }
        return found
      case .scalar: fail(node.line, "expected a list of expectations")
      }
      return []
    }

    /// Nil: something in it is wrong, and said.
    private mutating func assertion(_ node: YAMLNode) -> Assertion? {
      guard case .mapping(let members) = node.content else {
        fail(node.line, "expected an entry with from, to and result")
        return nil
      }
      var assertion = Assertion(line: members.first?.line ?? node.line)
      var result: Assertion.Result?
      var isWhole = true
      for member in members {
        let value = member.value
        var taken = true
        switch member.key {
        case "name": taken = word(value, "name") { assertion.name = $0.text }
        case "from": taken = words(value, "from") { assertion.sources = $0 }
        case "to": taken = words(value, "to") { assertion.destinations = $0 }
        case "endpoints": taken = words(value, "endpoints") { assertion.endpoints = $0 }
        case "node": taken = word(value, "node") { assertion.node = $0.text }
        case "interface": taken = word(value, "interface") { assertion.interface = $0.text }
        case "protocol": taken = word(value, "protocol") { assertion.ipProtocol = $0.text }
        case "result": taken = choice(value, "result") { result = $0 }
        case "source": taken = choice(value, "source") { assertion.sourceAddress = $0 }
        default:
          fail(
            member.line,
            "unknown key “\(member.key)”; expected name, from, to, result, source, endpoints, node, interface or protocol"
          )
          taken = false
        }
        isWhole = isWhole && taken
      }
      guard isWhole else { return nil }
      guard let result, !assertion.sources.isEmpty, !assertion.destinations.isEmpty else {
        let missing = assertion.sources.isEmpty ? "from" : assertion.destinations.isEmpty ? "to" : "result"
        fail(assertion.line, "the entry has no “\(missing)”")
        return nil
      }
      assertion.result = result
      if result != .allow, assertion.endpoints != nil || assertion.sourceAddress != nil {
        fail(assertion.line, "source and endpoints are of connections that arrive; the result is \(result.rawValue)")
        return nil
      }
      return assertion
    }

    private mutating func word(_ node: YAMLNode, _ key: String, _ take: (Assertion.Text) -> Void) -> Bool {
      guard case .scalar(let text) = node.content, !text.isEmpty else {
        fail(node.line, "\(key): expected a word")
        return false
      }
      take(Assertion.Text(text: text, line: node.line))
      return true
    }

    /// One word, or a list of at least one.
    private mutating func words(_ node: YAMLNode, _ key: String, _ take: ([Assertion.Text]) -> Void) -> Bool {
      guard case .sequence(let items) = node.content else { return word(node, key) { take([$0]) } }
      var list: [Assertion.Text] = []
      for item in items {
        guard word(item, key, { list.append($0) }) else { return false }
      }
      guard !list.isEmpty else {
        fail(node.line, "\(key): the list is empty")
        return false
      }
      take(list)
      return true
    }

    private mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
      _ node: YAMLNode, _ key: String, _ take: (Choice) -> Void
    ) -> Bool {
      guard case .scalar(let text) = node.content, let choice = Choice(rawValue: text) else {
        fail(node.line, "\(key): expected \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        return false
      }
      take(choice)
      return true
    }
  }
}

import Findings

/// One cause at many places is one finding with many occurrences: the same fault on several nodes, or of several Services
/// that the same thing on a node brings down.
enum OneCause {
  private struct Key: Hashable {
    var id: String
    var severity: Finding.Severity
    var kind: String
    /// Of findings about one object alone.
    var object: Finding.Subject?
    var cause: String
    /// Of Services: what is to be done is the same, so it is not about the one Service.
    var fix: [Fix]
  }

  static func join(_ findings: [Finding]) -> [Finding] {
    var joined: [Finding] = []
    var places: [Key: Int] = [:]
    for finding in findings {
      guard let node = finding.subject.node, !node.isEmpty else {
        joined.append(finding)
        continue
      }
      var own = finding
      if own.occurrences.isEmpty {
        own.occurrences = [Finding.Occurrence(node: node, service: own.subject.serviceName)]
      }
      let key = key(own, node)
      if let at = places[key] {
        joined[at].add(own)
      } else {
        places[key] = joined.count
        joined.append(own)
      }
    }
    return joined.map(settled)
  }

  private static func key(_ finding: Finding, _ node: String) -> Key {
    let cause = finding.cause.renamed(node, placeholder)
    guard finding.subject.kind == "Service" else {
      var object = finding.subject
      object.node = nil
      if object.name == node { object.name = nil }
      return Key(
        id: finding.id, severity: finding.severity, kind: finding.subject.kind, object: object, cause: cause, fix: [])
    }
    // How many endpoints a Service has, and which, is no cause.
    return Key(
      id: finding.id, severity: finding.severity, kind: finding.subject.kind, object: nil, cause: cause.withoutNumbers,
      fix: finding.fix.map { .advice($0.text.renamed(node, placeholder)) })
  }

  /// Stands in no name of a node.
  private static let placeholder = "\u{0}"
  private static let namesShown = 3

  /// A finding at several places speaks of all of them.
  private static func settled(_ finding: Finding) -> Finding {
    var finding = finding
    let nodes = finding.nodes
    let services = finding.services
    let isWide = nodes.count > 1 || services.count > 1 && finding.subject.kind == "Service"
    guard isWide, let node = finding.subject.node else { return finding }
    var places: [String] = []
    if services.count > 1, finding.subject.kind == "Service" {
      places.append("\(services.count) Services (\(list(services)))")
      finding.subject = Finding.Subject(kind: finding.subject.kind, node: node)
    }
    if nodes.count > 1 {
      places.append("\(nodes.count) nodes (\(list(nodes)))")
      if finding.subject.name == node { finding.subject.name = nil }
      finding.subject.node = nil
    }
    finding.problem = "\(places.joined(separator: " on ")): e.g. \(finding.problem)"
    return finding
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(namesShown).joined(separator: ", ") + (names.count > namesShown ? ", …" : "")
  }
}

extension Finding {
  /// Where it occurs, each once.
  public var nodes: [String] { Self.once(occurrences.compactMap(\.node)) }
  public var services: [String] { Self.once(occurrences.compactMap(\.service)) }

  private static func once(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  /// Lines of evidence of the other places.
  private static let evidenceLimit = 6

  fileprivate mutating func add(_ other: Finding) {
    var known = Set(occurrences)
    occurrences += other.occurrences.filter { known.insert($0).inserted }
    if confidence != other.confidence { confidence = .likely }
    guard evidence.count < Self.evidenceLimit else { return }
    evidence += other.evidence.prefix(1).filter { !evidence.contains($0) }
  }
}

extension Finding.Subject {
  /// `NAMESPACE/NAME:PORT`
  var serviceName: String? {
    guard kind == "Service", let namespace, let name else { return nil }
    return "\(namespace)/\(name)" + (port.map { ":\($0)" } ?? "")
  }
}

extension String {
  /// A name replaced where it stands alone: `a` not in `at`, `node-1` not in `node-10`.
  func renamed(_ name: String, _ other: String) -> String {
    func isPart(_ character: Character?) -> Bool {
      character.map { $0.isLetter || $0.isNumber || $0 == "-" } ?? false
    }
    var out = ""
    var rest = self[...]
    while !name.isEmpty, let range = rest.firstRange(of: name) {
      let alone = !isPart(rest[..<range.lowerBound].last ?? out.last) && !isPart(rest[range.upperBound...].first)
      out += rest[..<range.lowerBound] + (alone ? other : String(rest[range]))
      rest = rest[range.upperBound...]
    }
    return out + rest
  }

  /// Numbers and addresses alike.
  fileprivate var withoutNumbers: String {
    var out = ""
    for character in self {
      if character.isNumber {
        if out.last != "#" { out.append("#") }
      } else if out.last == "#", character == "." || character == ":" {
        continue
      } else {
        out.append(character)
      }
    }
    return out
  }
}

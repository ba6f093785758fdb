import Findings

/// Findings that are one fault seen at several places: what users see stays an error and gets the causes behind it, with
/// their evidence and fixes; the causes stay listed as information.
enum CauseChain {
  /// From what users see to what is behind it.
  private static let causes: [String: [String]] = [
    "dns-service": ["no-endpoints", "pod-not-ready", "selector-mismatch", "target-port-mismatch"],
    "apiserver-unreachable": ["no-endpoints"],
    "no-endpoints": ["pod-not-ready", "selector-mismatch", "target-port-mismatch"],
  ]

  private struct Key: Hashable {
    var id: String
    var namespace: String?
    var name: String?
  }

  static func link(_ findings: inout [Finding]) {
    var index: [Key: Int] = [:]
    for (at, finding) in findings.enumerated() where finding.severity == .error {
      let key = Key(id: finding.id, namespace: finding.subject.namespace, name: finding.subject.name)
      if finding.subject.kind == "Service", index[key] == nil { index[key] = at }
    }
    var isCause: Set<Key> = []
    for at in findings.indices {
      let subject = findings[at].subject
      guard findings[at].severity == .error, subject.kind == "Service", let ids = causes[findings[at].id] else {
        continue
      }
      for id in ids {
        let key = Key(id: id, namespace: subject.namespace, name: subject.name)
        guard let found = index[key] else { continue }
        isCause.insert(key)
        // One link further than the chain: the objects' own words. What is between says nothing new.
        if id != "no-endpoints" { findings[at].extend(by: findings[found]) }
      }
    }
    for at in findings.indices where findings[at].severity == .error && findings[at].subject.kind == "Service" {
      let key = Key(id: findings[at].id, namespace: findings[at].subject.namespace, name: findings[at].subject.name)
      if isCause.contains(key) { findings[at].severity = .info }
    }
  }
}

extension Finding {
  fileprivate mutating func extend(by deeper: Finding) {
    // “…, all ImagePullBackOff ← ImagePullBackOff: image x”: the word once.
    let parts = deeper.cause.split(separator: ":", maxSplits: 1)
    if parts.count == 2, cause.hasSuffix(String(parts[0])) {
      cause += ":" + parts[1]
    } else if !cause.hasSuffix(deeper.cause) {
      cause += " ← " + deeper.cause
    }
    evidence += deeper.evidence.filter { !evidence.contains($0) }
    fix = deeper.fix + fix.filter { !deeper.fix.contains($0) }
    verify = verify + deeper.verify.filter { !verify.contains($0) }
  }
}

import Ruleset

/// The Service that matched rules speak of, by the comments and chain names that kube-proxy writes. A label for people:
/// nothing is decided by it.
public enum ServiceLabel {
  /// `namespace/name:port` (or `namespace/name`) of the first rule or chain on the way that names one.
  public static func of(_ steps: [Step], in ruleset: Ruleset) -> String? {
    for step in steps {
      if let name = ofChain(ruleset.names[ruleset[step.chain].name]) { return name }
      guard let rule = step.rule else { continue }
      switch step.verdict {
      case .jump(let chain), .goto(let chain):
        if let name = ofChain(ruleset.names[ruleset[chain].name]) { return name }
      default: break
      }
      if let name = comment(ruleset.sourceText(of: ruleset[rule])) { return name }
    }
    return nil
  }

  /// The name in a comment such as `ns/name:port cluster IP`, `ns/name has no endpoints` or `ns/name:port -> 10.0.0.1:80`.
  public static func comment(_ ruleText: String) -> String? {
    guard let start = ruleText.range(of: "--comment ") ?? ruleText.range(of: " comment ") else { return nil }
    var rest = ruleText[start.upperBound...]
    if rest.first == "\"" { rest = rest.dropFirst() }
    let text = rest.prefix { $0 != "\"" }
    return serviceName(text)
  }

  static func serviceName(_ text: Substring) -> String? {
    let word = text.prefix { $0 != " " }
    let parts = word.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, isLabel(parts[0]) else { return nil }
    let tail = parts[1].split(separator: ":", omittingEmptySubsequences: false)
    guard tail.count <= 2, isLabel(tail[0]), tail.count == 1 || isLabel(tail[1]) else { return nil }
    return String(word)
  }

  private static func isLabel(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.count <= 253
      && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 }
  }

  /// `service-ULMVA6XW-ns1/svc1/tcp/p80` → `ns1/svc1:p80`.
  public static func ofChain(_ name: String) -> String? {
    for prefix in ["service-", "external-", "local-", "firewall-", "endpoint-"] where name.hasPrefix(prefix) {
      let rest = name.dropFirst(prefix.count)
      guard let dash = rest.firstIndex(of: "-") else { return nil }
      let parts = rest[rest.index(after: dash)...].split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count >= 4 else { return nil }
      let port = parts[3].split(separator: "_", omittingEmptySubsequences: false).first.map(String.init) ?? ""
      return "\(parts[0])/\(parts[1])" + (port.isEmpty ? "" : ":\(port)")
    }
    return nil
  }
}

extension String {
  fileprivate func range(of needle: String) -> Range<String.Index>? {
    let n = Array(needle.utf8)
    let h = utf8
    var start = h.startIndex
    while start != h.endIndex {
      if h[start...].starts(with: n) { return start..<h.index(start, offsetBy: n.count) }
      start = h.index(after: start)
    }
    return nil
  }
}

import Ruleset

/// The Service that matched rules speak of, by the comments and chain names that kube-proxy writes. A label for people:
/// nothing is decided by it.
public enum ServiceLabel {
  /// `namespace/name:port` (or `namespace/name`) of the first rule or chain on the way that names one. Of many traces
  /// ask a `ServiceLabels`.
  public static func of(_ steps: StepPath, in ruleset: Ruleset) -> String? {
    for step in steps {
      if let name = ofChain(ruleset.name(of: step.chain)) { return name }
      guard let rule = step.rule else { continue }
      switch step.verdict {
      case .jump(let chain), .goto(let chain): if let name = ofChain(ruleset.name(of: chain)) { return name }
      default: break
      }
      if let name = comment(ruleset.sourceBytes(of: ruleset[rule])) { return name }
    }
    return nil
  }

  /// The name in a comment such as `ns/name:port cluster IP`, `ns/name has no endpoints` or `ns/name:port -> 10.0.0.1:80`.
  public static func comment(_ ruleText: String) -> String? {
    var copy = ruleText
    return copy.withUTF8 { comment(UnsafeRawBufferPointer($0)) }
  }

  static func comment(_ rule: UnsafeRawBufferPointer) -> String? {
    guard let start = end(of: "--comment ", in: rule) ?? end(of: " comment ", in: rule) else { return nil }
    var text = rule[start...]
    if text.first == UInt8(ascii: "\"") { text = text.dropFirst() }
    let word = text.prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: " ") }
    guard let slash = word.firstIndex(of: UInt8(ascii: "/")), isLabel(word[..<slash]) else { return nil }
    var name = word[(slash + 1)...]
    if let colon = name.firstIndex(of: UInt8(ascii: ":")) {
      guard isLabel(name[(colon + 1)...]) else { return nil }
      name = name[..<colon]
    }
    return isLabel(name) ? String(decoding: word, as: UTF8.self) : nil
  }

  /// Where a needle ends in a text; nil: it is not in it.
  private static func end(of needle: StaticString, in text: UnsafeRawBufferPointer) -> Int? {
    let length = needle.utf8CodeUnitCount
    var at = 0
    while at + length <= text.count {
      var same = 0
      while same < length, text[at + same] == needle.utf8Start[same] { same += 1 }
      if same == length { return at + length }
      at += 1
    }
    return nil
  }

  private static func isLabel(_ text: Slice<UnsafeRawBufferPointer>) -> Bool {
    !text.isEmpty && text.count <= 253
      && text.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 }
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

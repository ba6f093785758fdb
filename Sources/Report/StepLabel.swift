import PacketPath
import Ruleset
import Snapshot

/// A step by its place: `nat KUBE-SEP-A rule 2 (iptables-save.txt:31)`.
enum StepLabel {
  static func text(_ step: Step, _ ruleset: Ruleset) -> String {
    guard let rule = step.rule else { return "\(chain(step, ruleset)) policy" }
    let file = file(ruleset[rule], ruleset)
    return "\(chain(step, ruleset)) rule \(step.position)" + (file.isEmpty ? "" : " (\(file))")
  }

  static func chain(_ step: Step, _ ruleset: Ruleset) -> String {
    let chain = ruleset[step.chain]
    return "\(printable(ruleset[chain.table].name)) \(printable(ruleset.names[chain.name]))"
  }

  /// `iptables-save.txt:31`; empty: rules from the running kernel stand in no file.
  static func file(_ rule: Rule, _ ruleset: Ruleset) -> String {
    guard ruleset.files.indices.contains(Int(rule.file)), rule.line > 0 else { return "" }
    let name = ruleset.files[Int(rule.file)].name
    return "\(printable(name.split(separator: "/").last.map(String.init) ?? name)):\(rule.line)"
  }
}

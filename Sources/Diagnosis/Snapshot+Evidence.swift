import Findings
import PacketPath
import Ruleset
import Snapshot

extension Snapshot {
  /// The line of a rule, or of the policy that ended a chain.
  func evidence(of step: Step) -> [Finding.Evidence] {
    if let rule = step.rule { return evidence(of: rule) }
    let chain = ruleset[step.chain]
    let table = ruleset[chain.table]
    let file = Int(table.file) < ruleset.files.count ? ruleset.files[Int(table.file)].name : nil
    return [
      Finding.Evidence(
        file: file, line: chain.line > 0 ? Int(chain.line) : nil,
        text: "policy drop of chain \(ruleset.names[chain.name]) in table \(table.name)")
    ]
  }

  func evidence(of id: RuleID) -> [Finding.Evidence] {
    let rule = ruleset[id]
    let file = Int(rule.file) < ruleset.files.count ? ruleset.files[Int(rule.file)].name : nil
    return [Finding.Evidence(file: file, line: Int(rule.line), text: ruleset.text(of: rule).trimmingBlanks)]
  }
}

import Findings

/// Runs checks over a context.
public enum Diagnosis {
  /// Findings, the worst first, then in the order of triage. `only` empty: all.
  public static func run(_ context: CheckContext, only: Set<String> = [], skip: Set<String> = []) -> [Finding] {
    var found: [Finding] = []
    let chosen = Checks.all.filter { (only.isEmpty || only.contains($0.id)) && !skip.contains($0.id) }
    for check in chosen where !(check is any LateCheck.Type) { found += check.run(context) }
    for case let check as any LateCheck.Type in chosen { found += check.run(context, beside: found) }
    CauseChain.link(&found, context)
    found = OneCause.join(found)
    if found.contains(where: { $0.fix.contains { $0.command != nil } }) {
      var trial = context.fixTrial
      trial.vet(&found)
    }
    return Finding.Severity.allCases.reversed().flatMap { severity in found.filter { $0.severity == severity } }
  }
}

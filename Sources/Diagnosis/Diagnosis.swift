import Findings

/// Runs checks over a context.
public enum Diagnosis {
  /// Findings, the worst first, then in the order of triage. `only` empty: all.
  public static func run(_ context: CheckContext, only: Set<String> = [], skip: Set<String> = []) -> [Finding] {
    var found: [Finding] = []
    for check in Checks.all where (only.isEmpty || only.contains(check.id)) && !skip.contains(check.id) {
      found += check.run(context)
    }
    CauseChain.link(&found, context)
    found = OneCause.join(found)
    if found.contains(where: { $0.fix.contains { $0.command != nil } }) {
      var trial = context.fixTrial
      trial.vet(&found)
    }
    return Finding.Severity.allCases.reversed().flatMap { severity in found.filter { $0.severity == severity } }
  }
}

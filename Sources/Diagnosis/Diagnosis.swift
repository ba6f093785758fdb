import Findings

/// Runs checks over a context.
public enum Diagnosis {
  /// Findings, the worst first, then in the order of triage. `only` empty: all.
  public static func run(_ context: CheckContext, only: Set<String> = [], skip: Set<String> = []) -> [Finding] {
    var found: [(offset: Int, finding: Finding)] = []
    for check in Checks.all where (only.isEmpty || only.contains(check.id)) && !skip.contains(check.id) {
      for finding in check.run(context) { found.append((found.count, finding)) }
    }
    return found.sorted {
      $0.finding.severity != $1.finding.severity ? $0.finding.severity > $1.finding.severity : $0.offset < $1.offset
    }
    .map(\.finding)
  }
}

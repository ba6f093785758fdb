import Findings

/// A rule takes Service traffic out of connection tracking, so that it is never translated.
enum NotrackBeforeNAT: Check {
  static let id = "notrack-before-nat"

  static func run(_ context: CheckContext) -> [Finding] {
    context.groups([.ignored, .partlyIgnored]) { observation, _ in observation.reach.untracked }.map { group in
      Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(group.first, group.node),
        problem: "\(context.label(group.first)) does not answer: \(group.places) is not translated",
        cause: "a NOTRACK rule matches before the nat hooks, and NAT needs a tracked connection",
        evidence: group.first.reach.untrackingRule.map { context.evidence($0, group.node) } ?? [],
        fix: [.advice("remove the NOTRACK rule or narrow it")],
        verify: [
          group.traceCommand
        ], reference: "antrea-io/antrea#8034")
    }
  }
}

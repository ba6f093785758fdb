import Findings

/// A rule takes Service traffic out of connection tracking, so that it is never translated.
enum NotrackBeforeNAT: Check {
  static let id = "notrack-before-nat"

  /// NodeLocal DNS Cache leaves its packets untracked and answers them on the node; its comments say whose rules they are.
  private static func isOfDNSCache(_ group: FaultGroup, _ context: CheckContext) -> Bool {
    guard let rule = group.first.reach.untrackingRule else { return false }
    return context.evidence(rule, group.node).contains { $0.text.contains("NodeLocal DNS Cache") }
  }

  private static func cacheCause(_ group: FaultGroup) -> String {
    let address = group.first.frontend.address
    return (group.node.snapshot.addresses ?? []).contains { $0.address == address }
      ? "the rule leaves \(address) to the node-local DNS cache, and nothing listens there"
      : "the rule leaves \(address) to the node-local DNS cache, and no interface of the node holds that address (nodelocaldns is gone)"
  }

  static func run(_ context: CheckContext) -> [Finding] {
    context.groups([.ignored, .partlyIgnored]) { observation, _ in observation.reach.untracked }.map { group in
      let isOfCache = isOfDNSCache(group, context)
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(group.first, group.node),
        problem: "\(context.label(group.first)) does not answer: \(group.places) is not translated",
        cause: "a NOTRACK rule matches before the nat hooks, and NAT needs a tracked connection"
          + (isOfCache ? " ← \(cacheCause(group))" : ""),
        evidence: group.first.reach.untrackingRule.map { context.evidence($0, group.node) } ?? [],
        fix: [
          isOfCache
            ? .advice(
              "restart the node-local DNS cache on \(group.node.name) (DaemonSet kube-system/node-local-dns); where it is not wanted any more, remove its rules"
            ) : .advice("remove the NOTRACK rule or narrow it")
        ],
        verify: [
          group.traceCommand
        ], reference: "antrea-io/antrea#8034")
    }
  }
}

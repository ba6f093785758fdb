import Findings

/// loadBalancerSourceRanges that the rules do not keep.
enum SourceRanges: Check {
  static let id = "source-ranges"

  static func run(_ context: CheckContext) -> [Finding] {
    context.missingRules(id, reference: "kubernetes/kubernetes#109575", explaining: ignored(context)) + refused(context)
  }

  private static func ignored(_ context: CheckContext) -> [Finding] {
    context.groups(.rangesIgnored).map { group in
      Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(group.first, group.node),
        problem:
          "\(context.label(group.first)) serves clients outside its loadBalancerSourceRanges (\(group.first.source))",
        cause: "the rule that drops other sources is missing or is not reached on \(group.node.name)",
        evidence: group.first.reach.firstTranslatingRule.map { context.evidence($0, group.node) } ?? [],
        fix: [group.node.restartKubeProxy],
        verify: [
          group.traceCommand
        ], reference: "kubernetes/kubernetes#109575")
    }
  }

  /// Clients that the ranges name and the rules do not.
  private static func refused(_ context: CheckContext) -> [Finding] {
    context.groups(.rangeRefused) { observation, node in !node.isExplainedBySets(observation) }.map { group in
      let first = group.first
      let sources = Set(group.observations.map(\.source))
      let ranges = context.intent.services[first.service].sourceRanges
        .filter { range in sources.contains { range.contains($0) } }.map(\.description)
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(first, group.node),
        problem:
          "\(context.label(first)) refuses clients that its loadBalancerSourceRanges allow on \(group.node.name): \(ranges.prefix(3).joined(separator: ", "))",
        cause:
          "the rules hold other ranges than the Service ← \(group.node.proxy) is behind, or rules were changed by hand",
        evidence: context.evidence(first.reach.losses.first?.step, group.node),
        fix: [group.node.restartKubeProxy],
        verify: [group.traceCommand],
        reference: "kubernetes/kubernetes#109575")
    }
  }
}

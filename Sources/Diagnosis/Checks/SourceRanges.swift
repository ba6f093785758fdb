import Findings

/// loadBalancerSourceRanges that the rules do not keep.
enum SourceRanges: Check {
  static let id = "source-ranges"

  static func run(_ context: CheckContext) -> [Finding] {
    context.missingRules(id, reference: "kubernetes/kubernetes#109575")
      + context.groups(.rangesIgnored).map { group in
        Finding(
          id: id, severity: .error, confidence: .certain, subject: context.subject(group.first, group.node),
          problem:
            "\(context.label(group.first)) serves clients outside its loadBalancerSourceRanges (\(group.first.source))",
          cause: "the rule that drops other sources is missing or is not reached on \(group.node.name)",
          evidence: group.first.reach.firstTranslatingRule.map { context.evidence($0, group.node) } ?? [],
          fix: [group.node.restartKubeProxy],
          verify: [
            "kubepath trace \(group.first.frontend.address):\(group.first.frontend.port) --from \(group.first.source)"
          ], reference: "kubernetes/kubernetes#109575")
      }
  }
}

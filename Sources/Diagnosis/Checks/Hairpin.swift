import Findings

/// A Pod that reaches itself through its own Service is not masqueraded: it answers itself and the connection hangs.
enum Hairpin: Check {
  static let id = "hairpin"

  static func run(_ context: CheckContext) -> [Finding] {
    traced(context) + missing(context)
  }

  private static func traced(_ context: CheckContext) -> [Finding] {
    let groups = context.groups(.hairpin) { observation, node in
      !node.isExplainedBySets(observation) && !node.lacksMasquerading(observation.frontend.address.version)
        && (node.masqueradeDone > 0 || node.masqueradeWanted == 0 && node.leftMarked == 0)
    }
    let (wide, single) = groups.dividedByCause()
    return wide.map { everywhere($0, context) } + single.map { finding($0, context) }
  }

  private static func everywhere(_ groups: [FaultGroup], _ context: CheckContext) -> Finding {
    let node = groups[0].node
    let first = groups[0].first
    let rules = groups.prefix(3).compactMap(\.first.reach.firstTranslatingRule)
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: node.subject,
      problem:
        "Pods of \(node.name) cannot reach themselves through \(groups.count) Service ports (\(groups.prefix(3).map { context.label($0.first) }.joined(separator: ", ")) …)",
      cause: "the endpoints' own traffic is not masqueraded ← "
        + (node.isIPVS
          ? "no rule of KUBE-POSTROUTING asks set KUBE-LOOP-BACK, or the set is wrong"
          : "the rules that mark it are missing, or name other addresses"),
      evidence: rules.flatMap { context.evidence($0, node) }, fix: [node.restartKubeProxy],
      verify: [
        first.frontend.traceCommand(from: first.source, on: node.name)
      ], reference: "kubernetes/kubernetes#13375")
  }

  private static func finding(_ group: FaultGroup, _ context: CheckContext) -> Finding {
    Finding(
      id: id, severity: .error, confidence: .certain, subject: context.subject(group.first, group.node),
      problem: "\(group.first.source) cannot reach itself through \(context.label(group.first))",
      cause:
        "the endpoint's own traffic is not masqueraded ← the rule that marks it is missing, or names another address",
      evidence: group.first.reach.firstTranslatingRule.map { context.evidence($0, group.node) } ?? [],
      fix: [group.node.restartKubeProxy],
      verify: [
        group.traceCommand
      ], reference: "kubernetes/kubernetes#13375")
  }

  /// Endpoint chains without the rule: of endpoints elsewhere too, which may move here with their chain unchanged.
  private static func missing(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let traced = Set(node.observations.filter { $0.faults.contains(.hairpin) }.map(\.source))
      let missing = node.serviceChains.withoutHairpin.filter { !traced.contains($0.endpoint.address) }
      guard !missing.isEmpty else { return nil }
      return Finding(
        id: id, severity: .warning, confidence: .certain,
        subject: node.subject,
        problem:
          "\(missing.count) endpoint\(missing.count == 1 ? "" : "s") could not reach \(missing.count == 1 ? "itself" : "themselves") through \(node.name), e.g. \(missing[0].endpoint)",
        cause:
          "their chains do not masquerade the endpoint's own packets ← a rule was removed, or names another address than the DNAT behind it",
        evidence: missing.prefix(5).flatMap { context.evidence($0.rule, node) }, fix: [node.restartKubeProxy],
        verify: [node.checkCommand("hairpin")], reference: "kubernetes/kubernetes#13375")
    }
  }
}

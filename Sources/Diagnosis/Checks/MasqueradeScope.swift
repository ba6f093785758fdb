import Findings
import ServiceMap

/// The source address is rewritten where it must be kept, or kept where replies would then miss the node.
enum MasqueradeScope: Check {
  static let id = "masquerade-scope"

  static func run(_ context: CheckContext) -> [Finding] {
    traced(context) + context.missingRules(id)
  }

  private static func traced(_ context: CheckContext) -> [Finding] {
    context.groups([.notMasqueraded, .sourceLost]) { observation, node in
      if observation.faults.contains(.sourceLost) { return true }
      // Nothing at all is rewritten: the node's fault, said once by rules-flushed.
      if node.masqueradeDone == 0 { return false }
      // kube-proxy that detects no local traffic takes every ClusterIP client for a Pod: its choice, not a fault.
      return observation.frontend.kind != .clusterIP || node.clusterMasqueradeDone > 0
    }.map { group in
      let lost = group.first.faults.contains(.sourceLost)
      let label = context.label(group.first)
      let service = context.intent.services[group.first.service]
      // Under policy Local the node's own packets alone are rewritten; they mostly find their way back without it.
      let isMinor =
        lost
        || service.externalPolicyLocal
          && group.observations.allSatisfy { $0.origin == .node && $0.frontend.kind != .clusterIP }
      return Finding(
        id: id, severity: isMinor ? .warning : .error, confidence: .certain,
        subject: context.subject(group.first, group.node),
        problem: lost
          ? "\(label): endpoints do not see the client's address, though externalTrafficPolicy is Local"
          : "\(label): replies bypass \(group.node.name) and the connection hangs (\(group.places))",
        cause: lost
          ? "a rule masquerades traffic that policy Local asks to leave alone"
          : "the source is not masqueraded ← the mark rule is missing, or its address range takes this client for a Pod of this node",
        evidence: group.first.reach.firstTranslatingRule.map { context.evidence($0, group.node) } ?? [],
        fix: [
          "set clusterCIDR or detectLocalMode in kube-proxy's configuration to cover the Pods and nothing else, then restart kube-proxy"
        ],
        verify: [
          "kubepath trace \(group.first.frontend.address):\(group.first.frontend.port) --from \(group.first.source)"
        ], reference: "kubernetes/kubernetes#36835")
    }
  }
}

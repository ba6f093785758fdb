import Findings

/// A Pod that reaches itself through its own Service is not masqueraded: it answers itself and the connection hangs.
enum Hairpin: Check {
  static let id = "hairpin"

  static func run(_ context: CheckContext) -> [Finding] {
    context.groups(.hairpin) { _, node in node.masqueradeDone > 0 || node.masqueradeWanted == 0 && node.leftMarked == 0
    }.map { group in
      Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(group.first, group.node),
        problem: "\(group.first.source) cannot reach itself through \(context.label(group.first))",
        cause:
          "the endpoint's own traffic is not masqueraded ← the rule that marks it is missing, or names another address",
        evidence: group.first.reach.firstTranslatingRule.map { context.evidence($0, group.node) } ?? [],
        fix: [
          "kubectl -n kube-system delete pod -l k8s-app=kube-proxy --field-selector spec.nodeName=\(group.node.name)"
        ],
        verify: [
          "kubepath trace \(group.first.frontend.address):\(group.first.frontend.port) --from \(group.first.source)"
        ], reference: "kubernetes/kubernetes#13375")
    }
  }
}

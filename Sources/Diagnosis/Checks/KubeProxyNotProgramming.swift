import Findings

/// No Service of the cluster is in a node's rules at all.
enum KubeProxyNotProgramming: Check {
  static let id = "kube-proxy-not-programming"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard context.programsNothing(node), !RulesFlushed.hasServiceRules(node) else { return nil }
      let wanted = node.expectedFrom.values.max() ?? 0
      return Finding(
        id: id, severity: .error, confidence: .likely,
        subject: Finding.Subject(kind: "Node", name: node.name, node: node.name),
        problem: "no Service works on \(node.name): none of \(wanted) frontends with endpoints is translated",
        cause:
          "kube-proxy has written no rules here ← it does not run, cannot reach the API, or its rules fail to load",
        evidence: [
          Finding.Evidence(
            text: "\(node.snapshot.ruleset.rules.count) rules in the snapshot, none translates a Service's address")
        ],
        fix: [
          "kubectl -n kube-system logs -l k8s-app=kube-proxy --field-selector spec.nodeName=\(node.name)",
          "kubectl -n kube-system rollout restart daemonset kube-proxy",
        ],
        verify: ["curl -s http://127.0.0.1:10256/healthz"])
    }
  }
}

import Findings

/// The way to an endpoint ends in a chain that enforces NetworkPolicies.
enum NetworkPolicyDrop: Check {
  static let id = "network-policy-drop"

  /// Chains of Calico, kube-router and others; the drop itself is measured, the name says whose it is.
  static func isPolicyChain(_ name: String) -> Bool {
    ["cali-", "KUBE-NWPLCY", "KUBE-POD-FW", "KUBE-ROUTER", "WEAVE-NPC", "CILIUM", "ANTREA", "felix"].contains {
      name.hasPrefix($0)
    }
  }

  static func run(_ context: CheckContext) -> [Finding] {
    Losses.collect(context) { loss, chain in isPolicyChain(chain) }.map { entry in
      Finding(
        id: id, severity: .warning, confidence: .likely,
        subject: Finding.Subject(kind: "Node", name: entry.node.name, node: entry.node.name),
        problem:
          "\(entry.count) Service frontends end in a network policy on \(entry.node.name), e.g. \(entry.example)",
        cause: "chain \(context.chainName(entry.loss.step, entry.node)) drops it"
          + (context.intent.networkPolicies.isEmpty
            ? ""
            : " ← one of the NetworkPolicies \(context.intent.networkPolicies.prefix(3).map { "\($0.namespace)/\($0.name)" }.joined(separator: ", "))"),
        evidence: context.evidence(entry.loss.step, entry.node), fix: ["kubectl get networkpolicies --all-namespaces"],
        verify: ["kubepath check -s \(entry.node.name) --only network-policy-drop"])
    }
  }
}

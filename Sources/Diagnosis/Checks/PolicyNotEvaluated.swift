import Findings

/// Policies of kinds that are not evaluated: what the objects say of them decides nothing here, and that is said.
enum PolicyNotEvaluated: Check {
  static let id = "policy-not-evaluated"

  static func run(_ context: CheckContext) -> [Finding] {
    let policies = context.intent.clusterPolicies
    guard let first = policies.first else { return [] }
    let names = policies.prefix(5).map(\.fullName).joined(separator: ", ") + (policies.count > 5 ? " …" : "")
    return [
      Finding(
        id: id, severity: .info, confidence: .certain,
        subject: Finding.Subject(
          kind: first.kind, namespace: first.namespace.isEmpty ? nil : first.namespace, name: first.name),
        problem:
          "\(policies.count) polic\(policies.count == 1 ? "y was" : "ies were") not considered: \(names); a connection that is called served may be denied by \(policies.count == 1 ? "it" : "them")",
        cause: "they count as far as the network plugin programmed them into the node's rules, and no further",
        evidence: [context.intent.evidence(first.file, first.fullName)],
        fix: [
          .advice("compare with what the network plugin says of them, or look for their drops in the node's rules")
        ],
        verify: ["kubectl get \(first.kind.lowercased()) -o yaml"])
    ]
  }
}

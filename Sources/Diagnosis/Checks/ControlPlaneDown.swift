import Findings

/// A program of the control plane does not run.
enum ControlPlaneDown: Check {
  static let id = "control-plane-down"

  static func run(_ context: CheckContext) -> [Finding] {
    ControlPlane.Component.allCases.compactMap { component in
      guard let fault = context.controlPlane.faults[component] else { return nil }
      let entry = context.endpointCauses.entry(.controlPlane(component))
      let down = context.names(of: entry?.services ?? [])
      let explanation = fault.explanation
      return Finding(
        id: id, severity: .error, confidence: explanation.confidence,
        subject: fault.pod.map {
          Finding.Subject(
            kind: "Pod", namespace: "kube-system", name: context.intent.pods[$0].name,
            node: context.intent.pods[$0].node)
        } ?? Finding.Subject(kind: "Component", namespace: "kube-system", name: component.rawValue),
        problem:
          "\(component.rawValue) is down: \(component.consequence)\(down.isEmpty ? "" : "; without endpoints: \(down)")",
        cause: explanation.cause,
        evidence: explanation.evidence
          + (entry?.explanation.evidence ?? []).filter { !explanation.evidence.contains($0) },
        fix: explanation.fix, verify: explanation.verify)
    }
  }
}

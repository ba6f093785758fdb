import Findings
import Intent

/// Pods do not reach the API server through default/kubernetes: controllers, CNI and DNS fail next.
enum APIServerUnreachable: Check {
  static let id = "apiserver-unreachable"

  static func run(_ context: CheckContext) -> [Finding] {
    guard let index = context.intent.serviceIndex["default/kubernetes"] else { return [] }
    let service = context.intent.services[index]
    var findings: [Finding] = []
    if context.withoutEndpoints.contains(where: { $0.service == index }) {
      findings.append(
        finding(
          service, context, nil, "no API server is announced to the cluster",
          "Service default/kubernetes has no endpoint ← no kube-apiserver runs, or none renews its lease", []))
    }
    let faults: Observation.Faults = [.ignored, .partlyIgnored, .wrongEndpoints, .refused, .lostBehind]
    for group in context.groups(faults) where group.first.service == index {
      let loss = group.first.reach.losses.first
      findings.append(
        finding(
          service, context, group.node,
          "\(group.node.name) does not lead every connection to the API server (\(group.places))",
          loss?.detail
            ?? (loss == nil
              ? "its rules do not translate \(group.first.frontend) to the API server's endpoints"
              : "a rule drops it: chain \(context.chainName(loss?.step, group.node))"),
          context.evidence(loss?.step, group.node)))
    }
    return findings
  }

  private static func finding(
    _ service: Service, _ context: CheckContext, _ node: NodeContext?, _ problem: String, _ cause: String,
    _ evidence: [Finding.Evidence]
  ) -> Finding {
    Finding(
      id: id, severity: .error, confidence: .certain, subject: context.subject(service, node: node?.name),
      problem: problem, cause: cause, evidence: evidence,
      fix: [node?.restartKubeProxy ?? "crictl ps -a --name kube-apiserver  # on the control plane"],
      verify: ["curl -k https://\(service.clusterIPs.first.map { "\($0)" } ?? "10.96.0.1"):443/livez"])
  }
}

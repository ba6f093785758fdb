import Findings
import Intent
import PacketPath

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
    // Pods and nodes must reach it; that the ClusterIP leads nowhere from outside the cluster is no fault.
    for group in context.groups(faults, where: { observation, _ in observation.origin != .outside })
    where group.first.service == index {
      // Where no Service works, findings of the node say so.
      if group.observations.allSatisfy({ context.programsNothing(group.node, from: $0.origin) }) { continue }
      let loss = group.first.reach.losses.first
      findings.append(
        finding(
          service, context, group.node,
          "\(group.node.name) does not lead every connection to the API server (\(group.places))",
          loss?.reason.map { "\($0)" }
            ?? (loss == nil
              ? "its rules do not translate \(group.first.frontend) to the API server's endpoints"
              : "\(loss?.step?.rule == nil ? "the policy of" : "a rule of") chain \(context.chainName(loss?.step, group.node)) \(loss?.verdict == .reject ? "rejects" : "drops") it"),
          loss?.reason == nil ? context.evidence(loss?.step, group.node) : [], fix: fix(group, context),
          occurrences: group.occurrences(context),
          confidence: group.observations.allSatisfy { $0.reach.isUncertain } ? .likely : .certain))
    }
    return findings
  }

  /// kube-proxy mends its own rules. Behind their translation it has done its part, and it does not undo the
  /// filters of other programs.
  private static func fix(_ group: FaultGroup, _ context: CheckContext) -> [Fix] {
    guard let loss = group.first.reach.losses.first else { return [group.node.restartKubeProxy] }
    if loss.reason != nil {
      // No rule: the kernel gives it up, and another check tells how to mend that.
      return [.advice("see where it is lost: \(group.first.frontend.traceCommand(from: group.first.source))")]
    }
    guard let step = loss.step else { return [group.node.restartKubeProxy] }
    let ruleset = group.node.snapshot.ruleset
    if loss.translatedTo == nil, ruleset.isKubeProxys(step.chain) { return [group.node.restartKubeProxy] }
    return Remedy(at: step, group.node.snapshot, context.intent).fixes(
      for: group.observations.flatMap { observation in
        observation.reach.losses.filter { $0.step == step }.map { loss in
          let target = loss.translatedTo ?? EndpointAddress(observation.frontend.address, observation.frontend.port)
          return Remedy.Passage(
            ipProtocol: observation.frontend.ipProtocol, source: observation.source, destination: target.address,
            port: target.port)
        }
      })
  }

  private static func finding(
    _ service: Service, _ context: CheckContext, _ node: NodeContext?, _ problem: String, _ cause: String,
    _ evidence: [Finding.Evidence], fix: [Fix]? = nil, occurrences: [Finding.Occurrence] = [],
    confidence: Finding.Confidence = .certain
  ) -> Finding {
    Finding(
      id: id, severity: .error, confidence: confidence, subject: context.subject(service, node: node?.name),
      problem: problem, cause: cause, evidence: evidence,
      fix: fix ?? [
        node?.restartKubeProxy ?? .advice("start it on the control plane: crictl ps -a --name kube-apiserver")
      ],
      verify: ["curl -k https://\(service.clusterIPs.first.map { "\($0)" } ?? "10.96.0.1"):443/livez"],
      occurrences: occurrences)
  }
}

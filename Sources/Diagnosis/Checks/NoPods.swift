import Findings
import Intent

/// The workload behind a Service has no Pod at all: it is scaled to 0, or it may not make any.
enum NoPods: Check {
  static let id = "no-pods"

  static func run(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    var findings: [Finding] = []
    var told: Set<Int> = []
    for entry in context.endpointCauses.entries {
      if case .refused(let name) = entry.cause {
        let maker = Workload(.deployment, namespace: name.namespace, name: name.name)
        findings.append(finding(maker, entry.explanation, context.names(of: entry.services), .error))
      }
      guard case .workload(let index) = entry.cause else { continue }
      told.insert(index)
      findings.append(finding(intent.workloads[index], entry.explanation, context.names(of: entry.services), .error))
    }
    // Where somebody hands over Events alone.
    if intent.pods.isEmpty, intent.workloads.isEmpty {
      for (name, event) in context.objects.refusals.sorted(by: { $0.value < $1.value }) {
        let maker = Workload(.deployment, namespace: name.namespace, name: name.name)
        let said = intent.events[event]
        findings.append(
          finding(maker, RefusedPods.explanation(maker, said.message, said, intent, isGiven: false), "", .error))
      }
    }
    // Those that are refused Pods and hurt no Service.
    for (index, workload) in intent.workloads.enumerated()
    where !told.contains(index) && workload.owner == nil && workload.wanted > 0 {
      guard workload.current == 0 || workload.complaint?.reason == "FailedCreate", workload.ready < workload.wanted,
        let (words, event) = RefusedPods.words(index, context.objects, intent)
      else { continue }
      findings.append(
        finding(
          workload, RefusedPods.explanation(workload, words, event, intent), "",
          workload.ready == 0 ? .error : .warning))
    }
    return findings
  }

  private static func finding(
    _ workload: Workload, _ explanation: Explanation, _ down: String, _ severity: Finding.Severity
  ) -> Finding {
    Finding(
      id: id, severity: severity, confidence: explanation.confidence,
      subject: Finding.Subject(kind: workload.kind.rawValue, namespace: workload.namespace, name: workload.name),
      problem:
        "\(workload.kind.rawValue) \(workload.fullName) has \(workload.current == 0 ? "no Pod" : "too few Pods")\(down.isEmpty ? "" : ", which takes down \(down)")",
      cause: explanation.cause, evidence: explanation.evidence, fix: explanation.fix, verify: explanation.verify)
  }

  /// How many to have again: what it was scaled down from, as an Event tells; else one, of the cluster's DNS two.
  static func scaledToZero(
    _ workload: Workload, _ said: Finding.Evidence, _ objects: ObjectIndex, _ intent: Cluster
  ) -> Explanation {
    let place: ShellCommand = "kubectl -n \(workload.namespace)"
    let name = workload.kubectlName
    let event = objects.events(of: workload, intent).first {
      $0.reason == "ScalingReplicaSet" && $0.message.contains(" to 0")
    }
    let before =
      event?.message.components(" from ", " ").first.flatMap { Int($0) }
      ?? event.flatMap {
        $0.message.split(separator: " ").last.flatMap { Int($0) }
      }
    let count =
      before.flatMap { $0 > 0 ? $0 : nil }
      ?? (workload.namespace == "kube-system" && workload.name == "coredns" ? 2 : 1)
    return Explanation(
      cause: "\(workload.kind.rawValue) \(workload.fullName) is scaled to 0",
      evidence: [said] + (event.map { [intent.evidence($0)] } ?? []),
      fix: [.command("\(place) scale \(name) --replicas=\(count)")],
      verify: ["\(place) rollout status \(name) --timeout=60s"])
  }
}

import Findings
import Intent

/// Pods match a Service without endpoints, and none is ready: which, and why.
enum PodNotReady: Check {
  static let id = "pod-not-ready"

  static func run(_ context: CheckContext) -> [Finding] {
    var seen: Set<Int> = []
    return context.withoutEndpoints.compactMap { entry in
      guard seen.insert(entry.service).inserted else { return nil }
      let service = context.intent.services[entry.service]
      let pods = context.podsOf(service)
      let unready = pods.filter { !$0.ready || $0.isTerminating }
      guard let first = unready.first, unready.count == pods.count else { return nil }
      let evidence = unready.prefix(5).map {
        Finding.Evidence(
          text:
            "Pod \($0.namespace)/\($0.name) on \($0.node.isEmpty ? "no node" : $0.node): \($0.phase), \($0.isTerminating ? "being deleted" : $0.reason.isEmpty ? "not ready" : $0.reason)"
        )
      }
      if unready.allSatisfy(\.isTerminating) { return deleted(unready, service, evidence, context) }
      let node = context.intent.nodes.first { $0.name == first.node && !$0.ready }
      let cause =
        node.map { "node \($0.name) is NotReady (\($0.reason))" }
        ?? (first.reason.isEmpty ? "the Pods do not pass their readiness probe" : first.reason)
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service),
        problem: "\(pods.count) Pods match Service \(service.fullName), none is ready", cause: cause,
        evidence: evidence,
        fix: [advice(first)],
        verify: ["kubectl -n \(service.namespace) wait --for=condition=Ready pod/\(first.name) --timeout=60s"])
    }
  }

  private static func deleted(
    _ pods: [Pod], _ service: Service, _ evidence: [Finding.Evidence], _ context: CheckContext
  ) -> Finding {
    Finding(
      id: id, severity: .error, confidence: .certain, subject: context.subject(service),
      problem:
        "\(pods.count == 1 ? "the only Pod" : "all \(pods.count) Pods") of Service \(service.fullName) \(pods.count == 1 ? "is" : "are") being deleted",
      cause: "nothing takes their place ← a scale-down to zero, a drain, or a rollout whose new Pods do not come up",
      evidence: evidence,
      fix: [
        .advice(
          "compare wanted and ready replicas: "
            + "\("kubectl -n \(service.namespace) get deployments,statefulsets,daemonsets" as ShellCommand)")
      ],
      verify: [service.slicesCommand])
  }

  private static func advice(_ pod: Pod) -> Fix {
    let describe: ShellCommand = "kubectl -n \(pod.namespace) describe pod \(pod.name)"
    if pod.reason.contains("ImagePull") { return .advice("correct image name, tag or pull secret: \(describe)") }
    if pod.reason.contains("CrashLoop") || pod.reason.contains("Error") {
      let logs: ShellCommand = "kubectl -n \(pod.namespace) logs \(pod.name) --previous"
      return .advice("see why it ends: \(logs)")
    }
    if pod.reason.contains("OOMKilled") {
      return .advice("raise resources.limits.memory of the container in Pod \(pod.namespace)/\(pod.name)")
    }
    return .advice("see what it waits for: \(describe)")
  }
}

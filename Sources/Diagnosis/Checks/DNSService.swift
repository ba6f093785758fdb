import Findings
import Intent

/// The cluster's DNS Service has no endpoint: no name resolves.
enum DNSService: Check {
  static let id = "dns-service"

  /// The Service of the cluster's DNS; nil: the objects have none.
  static func index(_ intent: Cluster) -> Int? { intent.services.firstIndex { $0.isProxied && isDNS($0) } }

  private static func isDNS(_ service: Service) -> Bool {
    service.namespace == "kube-system" && (service.name == "kube-dns" || service.name.contains("coredns"))
  }

  static func run(_ context: CheckContext) -> [Finding] {
    var seen: Set<Int> = []
    return context.withoutEndpoints.compactMap { entry in
      let service = context.intent.services[entry.service]
      guard isDNS(service), seen.insert(entry.service).inserted else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service),
        problem: "no Pod of the cluster resolves names",
        cause: "Service \(service.fullName) has no endpoint ← \(context.whyNoEndpoint(service))",
        fix: ["kubectl -n kube-system rollout restart deployment coredns"],
        verify: ["kubectl -n kube-system get pods -l k8s-app=kube-dns"])
    }
  }
}

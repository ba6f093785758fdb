import Findings
import Intent
import Wire

/// A Service has an address of a family in which it has no endpoint, though it has some in the other.
enum DualStackFamilyMissing: Check {
  static let id = "dual-stack-family-missing"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    for service in context.intent.services where service.isProxied && Set(service.clusterIPs.map(\.version)).count == 2
    {
      for port in service.ports {
        let v4 = EndpointSelection(context.intent, service, port, .v4, node: nil)
        let v6 = EndpointSelection(context.intent, service, port, .v6, node: nil)
        guard v4.cluster.isEmpty != v6.cluster.isEmpty else { continue }
        let missing = v4.cluster.isEmpty ? "IPv4" : "IPv6"
        findings.append(
          Finding(
            id: id, severity: .warning, confidence: .certain, subject: context.subject(service, port),
            problem: "\(service.portName(port)) answers on one address family only: \(missing) clients are refused",
            cause:
              "it has an \(missing) ClusterIP but no \(missing) endpoint ← Pods without an \(missing) address, or no EndpointSlice of that type",
            fix: [.advice("give the Pods addresses of both families, or set ipFamilyPolicy: SingleStack")],
            verify: [
              service.slicesCommand
            ], reference: "kubernetes/kubernetes#97343"))
      }
    }
    return findings
  }
}

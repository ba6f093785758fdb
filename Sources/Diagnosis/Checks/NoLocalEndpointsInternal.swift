import Findings
import Intent

/// internalTrafficPolicy Local without an endpoint on a node: its Pods time out.
enum NoLocalEndpointsInternal: Check {
  static let id = "no-local-endpoints-internal"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    for node in context.nodes where node.node != nil && !node.isIPVS {
      for service in context.intent.services where service.isProxied && service.internalPolicyLocal {
        for port in service.ports {
          let selection = EndpointSelection(
            context.intent, service, port, service.clusterIPs[0].version, node: node.node)
          guard selection.local.isEmpty, !selection.cluster.isEmpty else { continue }
          findings.append(
            Finding(
              id: id, severity: .info, confidence: .certain, subject: context.subject(service, port, node: node.name),
              problem: "ClusterIP of \(service.portName(port)) times out for Pods on \(node.name)",
              cause:
                "internalTrafficPolicy Local, no endpoint on \(node.name) ← \(NoLocalEndpointsExternal.places(context, service, selection))",
              fix: [
                .command(
                  "kubectl -n \(service.namespace) patch service \(service.name) -p '{\"spec\":{\"internalTrafficPolicy\":\"Cluster\"}}'",
                  why: "or run a Pod on every node")
              ],
              verify: ["kubepath trace \("svc/\(service.portName(port))") --from \("POD-ON-\(node.name)")"],
              reference: "kubernetes/kubernetes#121371"))
        }
      }
    }
    return findings
  }
}

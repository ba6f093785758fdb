import Findings
import Intent
import ServiceMap
import Snapshot
import Wire

/// externalTrafficPolicy Local without an endpoint on a node: outside clients of that node time out.
enum NoLocalEndpointsExternal: Check {
  static let id = "no-local-endpoints-external"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    for node in context.nodes where node.node != nil && !node.isIPVS {
      for service in context.intent.services
      where service.isProxied && service.externalPolicyLocal && service.kind != .clusterIP {
        for port in service.ports {
          let selection = EndpointSelection(
            context.intent, service, port, service.clusterIPs[0].version, node: node.node)
          guard selection.local.isEmpty, !selection.cluster.isEmpty else { continue }
          let behindBalancer = service.kind == .loadBalancer && service.healthCheckNodePort != 0
          let place = port.nodePort != 0 ? "NodePort \(port.nodePort)" : "external addresses"
          let stopped = port.nodePort == 0 ? nil : waiting(port, node)
          // Where a load balancer asks for its health, it sends nobody here; a NodePort is dialled by whoever knows it.
          let severity: Finding.Severity =
            stopped != nil ? .error : behindBalancer || service.kind == .loadBalancer ? .info : .warning
          findings.append(
            Finding(
              id: id, severity: severity, confidence: .certain,
              subject: context.subject(service, port, node: node.name),
              problem: "\(place) of \(service.portName(port)) times out for outside clients of \(node.name)",
              cause: "externalTrafficPolicy Local, no endpoint on \(node.name) ← \(places(context, service, selection))"
                + (behindBalancer
                  ? " (the load balancer's health check on port \(service.healthCheckNodePort) keeps clients away)"
                  : ""),
              evidence: [
                context.intent.evidence(service, ": externalTrafficPolicy Local, \(place)")
              ] + (stopped.map { [$0] } ?? []),
              fix: [
                .command(
                  "kubectl -n \(service.namespace) patch service \(service.name) -p '{\"spec\":{\"externalTrafficPolicy\":\"Cluster\"}}'",
                  why: "or run a Pod on every node")
              ],
              verify: [traceCommand(service, port, node)],
              reference: "kubernetes/kubernetes#127937"))
        }
      }
    }
    return findings
  }

  /// A client of the node's NodePort that has no answer.
  private static func waiting(_ port: Service.Port, _ node: NodeContext) -> Finding.Evidence? {
    let own = Set((node.snapshot.addresses ?? []).map(\.address))
    let entry = (node.snapshot.connections ?? []).first {
      $0.unreplied && $0.original.destinationPort == port.nodePort && own.contains($0.original.destination)
        && !own.contains($0.original.source)
    }
    return entry.map {
      node.snapshot.evidence(
        "[UNREPLIED] \($0.original.source) → \($0.original.destination):\(port.nodePort)",
        at: FilePlace(file: $0.file, line: $0.line))
    }
  }

  private static func traceCommand(_ service: Service, _ port: Service.Port, _ node: NodeContext) -> ShellCommand {
    let version = service.clusterIPs[0].version
    let outside = ServiceMap.outsideAddress(version, node.snapshot)
    guard port.nodePort != 0, let address = node.node?.internalIPs.first(where: { $0.version == version }) else {
      return "kubepath trace svc/\(service.portName(port)) --from \(outside)  # on \(node.name)"
    }
    return Frontend(.nodePort, address, port.nodePort, port.ipProtocol).traceCommand(from: outside, on: node.name)
  }

  static func places(_ context: CheckContext, _ service: Service, _ selection: EndpointSelection) -> String {
    var nodes: Set<String> = []
    for index in service.slices {
      for endpoint in context.intent.slices[index].endpoints where endpoint.node >= 0 && endpoint.ready {
        nodes.insert(context.intent.names[Int(endpoint.node)])
      }
    }
    let list = nodes.sorted()
    let count = selection.cluster.count
    let which = count == 1 ? "its only endpoint" : "its \(count) endpoints"
    guard !list.isEmpty else { return "\(which) name\(count == 1 ? "s" : "") no node" }
    return
      "\(which) run\(count == 1 ? "s" : "") on \(list.prefix(3).joined(separator: ", "))\(list.count > 3 ? " and \(list.count - 3) more" : "")"
  }
}

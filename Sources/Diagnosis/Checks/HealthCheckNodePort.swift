import Findings
import ServiceMap

/// The port that a load balancer asks for a node's health is closed by the node's own rules.
enum HealthCheckNodePort: Check {
  static let id = "health-check-node-port"

  static func run(_ context: CheckContext) -> [Finding] {
    context.missingRules(id, explaining: closed(context)) + unanswered(context) + unaccepted(context)
  }

  private static func closed(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in
      node.closedHealthChecks.map { closed in
        let service = context.intent.services[closed.service]
        let own = node.node?.internalIPs.first
        let address = own.map { "\($0)" } ?? node.name
        let remedies = closed.step.flatMap { step in
          own.map { own in
            Remedy(at: step, node.snapshot, context.intent).fixes(
              for: [
                Remedy.Passage(ipProtocol: .tcp, source: nil, destination: own, port: service.healthCheckNodePort)
              ])
          }
        }
        return Finding(
          id: id, severity: .error, confidence: .certain, subject: context.subject(service, node: node.name),
          problem:
            "load balancers see \(node.name) as down for \(service.fullName): health-check port \(service.healthCheckNodePort) is closed",
          cause: "a rule of the node drops it before kube-proxy's health server",
          evidence: context.evidence(closed.step, node),
          fix: remedies ?? [.advice("open the port to load balancers in the node's firewall")],
          verify: ["curl -si \("http://\(address):\(service.healthCheckNodePort)/healthz")"],
          reference: "kubernetes/kubernetes#97824",
          occurrences: own.map { own in
            [
              Finding.Occurrence(
                node: node.name, service: service.fullName,
                traffic: Finding.Traffic(
                  ipProtocol: .tcp, source: ServiceMap.outsideAddress(own.version, node.snapshot), isLocal: false,
                  address: own, port: service.healthCheckNodePort))
            ]
          } ?? [])
      }
    }
  }

  /// The node's list of sockets has none for the port.
  private static func unanswered(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      guard !node.planes.isEmpty, let sockets = node.snapshot.sockets, sockets.contains(where: { $0.state == "LISTEN" })
      else { return [] }
      return context.intent.services.filter {
        $0.isProxied && $0.healthCheckNodePort != 0
          && HostSockets.listeners(sockets, .tcp, $0.healthCheckNodePort).isEmpty
      }.map { service in
        let port = service.healthCheckNodePort
        return Finding(
          id: id, severity: .warning, confidence: .likely, subject: context.subject(service, node: node.name),
          problem: "load balancers see \(node.name) as down for \(service.fullName): nothing answers at port \(port)",
          cause: "no process listens on the health-check port ← kube-proxy does not run, or is behind",
          evidence: [node.snapshot.evidence([], absent: "no TCP socket on port \(port)")], fix: [node.restartKubeProxy],
          verify: ["curl -si http://127.0.0.1:\(port)/healthz"], reference: "kubernetes/kubernetes#97824")
      }
    }
  }

  /// iptables and IPVS mode accept health checks before a host firewall's rules come.
  private static func unaccepted(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      guard let plane = node.planes.first(where: { $0.mode == .iptables && $0.family == .ip }),
        let chain = plane.chain("KUBE-NODEPORTS", "filter")
      else { return [] }
      let accepted = Set(plane.facts(of: chain).filter(\.accepts).flatMap(\.destinationPorts))
      return context.intent.services.filter {
        $0.isProxied && $0.healthCheckNodePort != 0 && !accepted.contains($0.healthCheckNodePort)
          && $0.clusterIPs.contains { $0.version == .v4 }
      }.map { service in
        Finding(
          id: id, severity: .warning, confidence: .certain, subject: context.subject(service, node: node.name),
          problem:
            "health checks of \(service.fullName) on \(node.name) depend on the host's firewall: port \(service.healthCheckNodePort) is not accepted",
          cause:
            "chain KUBE-NODEPORTS of table filter does not know the port ← kube-proxy is behind, or the rule was removed",
          fix: [node.restartKubeProxy],
          verify: ["iptables -S KUBE-NODEPORTS | grep \(service.healthCheckNodePort)"],
          reference: "kubernetes/kubernetes#97824")
      }
    }
  }
}

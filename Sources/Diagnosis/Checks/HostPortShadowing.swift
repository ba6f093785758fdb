import Findings
import Intent
import ServiceMap

/// Two Services claim one address and port: one of them gets all packets.
enum HostPortShadowing: Check {
  static let id = "host-port-shadowing"

  static func claims(_ intent: Cluster) -> [Frontend: Set<Int>] {
    var claims: [Frontend: Set<Int>] = [:]
    for (index, service) in intent.services.enumerated()
    where service.isProxied && intent.serviceIndex[service.fullName] == index {
      for port in service.ports {
        for address in service.clusterIPs + service.externalIPs + service.loadBalancerIPs {
          claims[Frontend(.address, address, port.port, port.ipProtocol), default: []].insert(index)
        }
      }
    }
    return claims
  }

  static func run(_ context: CheckContext) -> [Finding] {
    claims(context.intent).filter { $0.value.count > 1 }.sorted { "\($0.key)" < "\($1.key)" }.map { frontend, owners in
      let names = owners.sorted().map { context.intent.services[$0].fullName }
      return Finding(
        id: id, severity: .warning, confidence: .certain,
        subject: context.subject(context.intent.services[owners.min()!]),
        problem: "\(frontend) is claimed by \(names.count) Services; only one of them answers",
        cause: "\(names.joined(separator: ", ")) share an address and port",
        fix: ["give one of the Services another address or port"], verify: ["kubepath services -s NODE"])
    }
  }
}

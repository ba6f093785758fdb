import Findings
import Intent
import Ruleset
import ServiceMap
import Wire

/// The observations of one Service port on one node that share a fault.
struct FaultGroup {
  var node: NodeContext
  var observations: [Observation]
  var first: Observation { observations[0] }
  /// `10.96.0.1:80/tcp from a Pod on this node, …`, three at most.
  var places: String {
    let list = observations.prefix(3).map { "\($0.frontend) from \($0.origin.rawValue)" }.joined(separator: ", ")
    return observations.count > 3 ? "\(list) and \(observations.count - 3) more" : list
  }
}

extension FaultGroup {
  /// The traffic that the fault hits.
  func occurrences(_ context: CheckContext) -> [Finding.Occurrence] {
    observations.map { context.occurrence($0, node) }
  }
}

extension CheckContext {
  func occurrence(_ observation: Observation, _ node: NodeContext) -> Finding.Occurrence {
    Finding.Occurrence(
      node: node.name, service: subject(observation, node).serviceName,
      traffic: Finding.Traffic(
        ipProtocol: observation.frontend.ipProtocol, source: observation.source, isLocal: observation.origin == .node,
        address: observation.frontend.address, port: observation.frontend.port))
  }
}

extension [FaultGroup] {
  /// Many faults of one kind on a node have one cause, to be said once: the groups of such nodes, a list a node in the
  /// order of names, and all others.
  func dividedByCause() -> (wide: [[FaultGroup]], single: [FaultGroup]) {
    let wide = Dictionary(grouping: self, by: \.node.name).filter { $0.value.count > 3 }
    return (wide.sorted { $0.key < $1.key }.map(\.value), filter { wide[$0.node.name] == nil })
  }
}

extension CheckContext {
  func groups(_ faults: Observation.Faults, where holds: (Observation, NodeContext) -> Bool = { _, _ in true })
    -> [FaultGroup]
  {
    struct Key: Hashable {
      var service: Int
      var port: Int
    }
    var result: [FaultGroup] = []
    for node in nodes {
      var index: [Key: Int] = [:]
      for observation in node.observations
      where !observation.faults.isDisjoint(with: faults) && holds(observation, node) {
        let key = Key(service: observation.service, port: observation.port)
        if let at = index[key] {
          result[at].observations.append(observation)
        } else {
          index[key] = result.count
          result.append(FaultGroup(node: node, observations: [observation]))
        }
      }
    }
    return result
  }

  func label(_ observation: Observation) -> String {
    let service = intent.services[observation.service]
    return service.portName(service.ports[observation.port])
  }

  /// Why a Service has no endpoint: the chain of causes down to the root.
  func whyNoEndpoint(_ service: Service) -> String {
    guard let index = intent.serviceIndex[service.fullName], let entry = endpointCauses.ofService[index] else {
      return "no ready endpoint in its EndpointSlices"
    }
    let pods = objects.pods(ofService: index).count
    let cause = endpointCauses.entries[entry].explanation.cause
    switch endpointCauses.entries[entry].cause {
    case .pod, .node, .networkPlugin, .addresses, .volume:
      return "\(pods) Pod\(pods == 1 ? " matches" : "s match"), none ready ← \(cause)"
    default: return cause
    }
  }

  /// `shop/cart, shop/web and 3 more`
  func names(of services: [Int]) -> String {
    let list = services.prefix(4).map { intent.services[$0].fullName }.joined(separator: ", ")
    return services.count > 4 ? "\(list) and \(services.count - 4) more" : list
  }

  /// True where a node's rules translate none of the frontends that have endpoints, from any origin.
  func programsNothing(_ node: NodeContext) -> Bool {
    node.expectedFrom.values.reduce(0, +) > 0 && node.translatedFrom.values.reduce(0, +) == 0
  }

  func programsNothing(_ node: NodeContext, from origin: Origin) -> Bool {
    (node.expectedFrom[origin] ?? 0) > 0 && (node.translatedFrom[origin] ?? 0) == 0
  }
}

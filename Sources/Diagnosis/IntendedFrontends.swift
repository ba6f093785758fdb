import Intent
import ServiceMap
import Wire

/// Every address and port at which the cluster's Services may be answered for.
struct IntendedFrontends {
  private struct NodePort: Hashable {
    var port: UInt16
    var ipProtocol: IPProtocol
  }

  private var addresses: Set<Frontend>
  private var nodePorts: Set<NodePort> = []

  init(_ intent: Cluster) {
    addresses = Set(intent.services.lazy.filter(\.isProxied).flatMap(\.claims))
    for service in intent.services where service.isProxied {
      for port in service.ports where port.nodePort != 0 {
        nodePorts.insert(NodePort(port: port.nodePort, ipProtocol: port.ipProtocol))
      }
      // Served by the balancer itself, and by releases that do not know ipMode by the node too.
      for address in service.proxiedLoadBalancerIPs {
        for port in service.ports { addresses.insert(Frontend(.address, address, port.port, port.ipProtocol)) }
      }
    }
  }

  func contains(_ address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) -> Bool {
    addresses.contains(Frontend(.address, address, port, ipProtocol))
  }

  func hasNodePort(_ port: UInt16, _ ipProtocol: IPProtocol) -> Bool {
    nodePorts.contains(NodePort(port: port, ipProtocol: ipProtocol))
  }
}

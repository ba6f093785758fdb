import Findings
import ServiceMap
import Wire

/// A virtual server whose address no interface of the node holds: its packets are routed away before IPVS sees them.
enum IPVSAddressMissing: Check {
  static let id = "ipvs-address-missing"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      guard let addresses = node.snapshot.addresses, let servers = node.snapshot.virtualServers else { return [] }
      var local = Set(addresses.map(\.address))
      for route in node.snapshot.routes ?? []
      where route.type == .local && route.destination.length == route.destination.address.version.width {
        local.insert(route.destination.address)
      }
      let missing = servers.filter {
        $0.firewallMark == nil && !local.contains($0.address) && !$0.address.isLoopback
      }
      var seen: Set<IPAddress> = []
      return missing.filter { seen.insert($0.address).inserted }.map { server in
        let owner = context.intent.owner(of: server.address)
        return Finding(
          id: id, severity: .error, confidence: .certain,
          subject: VirtualServers.subject(server, context, node),
          problem:
            "\(server.address)\(owner.map { " (\($0))" } ?? "") is served by IPVS on \(node.name), but packets to it leave the node",
          cause: "no interface holds the address ← it was removed from kube-ipvs0, or the device was made anew",
          evidence: [VirtualServers.evidence(server, node)],
          fix: [node.restartKubeProxy],
          verify: ["ip -brief address show dev kube-ipvs0"])
      }
    }
  }
}

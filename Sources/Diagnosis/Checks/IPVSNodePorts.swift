import Findings
import Intent
import ServiceMap
import Snapshot
import Wire

/// NodePorts in IPVS mode are one virtual server for each address of the node; those at other addresses than the
/// node's first are compared by table.
enum IPVSNodePorts: Check {
  static let id = "ipvs-node-ports"

  private struct Key: Hashable {
    var port: UInt16
    var ipProtocol: IPProtocol
  }

  static func run(_ context: CheckContext) -> [Finding] {
    var owners: [Key: (service: Int, port: Int)] = [:]
    for (index, service) in context.intent.services.enumerated() where service.isProxied {
      for (number, port) in service.ports.enumerated() where port.nodePort != 0 {
        owners[Key(port: port.nodePort, ipProtocol: port.ipProtocol)] = (index, number)
      }
    }
    guard !owners.isEmpty else { return [] }
    return context.nodes.filter(\.isIPVS).flatMap { findings($0, owners, context) }
  }

  private static func findings(
    _ node: NodeContext, _ owners: [Key: (service: Int, port: Int)], _ context: CheckContext
  ) -> [Finding] {
    let own = Set((node.snapshot.addresses ?? []).filter { !$0.isOfServiceDevice }.map(\.address))
    var byAddress: [IPAddress: [Key: VirtualServer]] = [:]
    for server in node.snapshot.virtualServers ?? [] where server.firewallMark == nil && own.contains(server.address) {
      let key = Key(port: server.port, ipProtocol: IPProtocol(rawValue: server.ipProtocol))
      if owners[key] != nil { byAddress[server.address, default: [:]][key] = server }
    }
    var found: [Finding] = []
    for (address, servers) in byAddress.sorted(by: { $0.key < $1.key })
    where !(node.node?.internalIPs.contains(address) ?? false) {
      for (key, owner) in owners.sorted(by: { $0.key.port < $1.key.port }) {
        let service = context.intent.services[owner.service]
        guard service.clusterIPs.contains(where: { $0.version == address.version }) else { continue }
        let port = service.ports[owner.port]
        let selection = EndpointSelection(context.intent, service, port, address.version, node: node.node)
        let frontend = EndpointAddress(address, key.port)
        guard let server = servers[key] else {
          found.append(
            finding(
              "\(service.portName(port)): NodePort \(frontend) on \(node.name) has no virtual server",
              "the other NodePorts have one at this address", [], context.subject(service, port, node: node.name), node)
          )
          continue
        }
        let present = EndpointSet(
          server.realServers.filter { $0.weight > 0 }.map { EndpointAddress($0.address, $0.port) })
        let acceptable = selection.acceptableCluster + selection.acceptableLocal
        guard
          !acceptable.contains(where: {
            $0.subtracting(selection.ambiguous) == present.subtracting(selection.ambiguous)
          })
        else { continue }
        let wanted = service.externalPolicyLocal && !selection.local.isEmpty ? selection.local : selection.hinted
        let missing = wanted.subtracting(present).map(\.description)
        let extra = present.subtracting(wanted).map(\.description)
        let parts =
          (missing.isEmpty ? [] : ["lacks \(missing.joined(separator: ", "))"])
          + (extra.isEmpty ? [] : ["sends to \(extra.joined(separator: ", "))"])
        found.append(
          finding(
            "\(service.portName(port)): NodePort \(frontend) on \(node.name) has other endpoints than the cluster",
            "its virtual server " + parts.joined(separator: " and "), [VirtualServers.evidence(server, node)],
            context.subject(service, port, node: node.name), node))
      }
    }
    return found
  }

  private static func finding(
    _ problem: String, _ cause: String, _ evidence: [Finding.Evidence], _ subject: Finding.Subject, _ node: NodeContext
  ) -> Finding {
    Finding(
      id: id, severity: .error, confidence: .certain, subject: subject, problem: problem,
      cause: cause + " ← kube-proxy is behind, or the table was changed by hand", evidence: evidence,
      fix: [node.restartKubeProxy], verify: ["ipvsadm -Ln"])
  }
}

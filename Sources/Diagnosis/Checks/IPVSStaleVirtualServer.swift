import Findings
import Intent
import ServiceMap
import Wire

/// A virtual server at an address that kube-proxy manages, which belongs to no Service: something old still answers.
enum IPVSStaleVirtualServer: Check {
  static let id = "ipvs-stale-virtual-server"

  static func run(_ context: CheckContext) -> [Finding] {
    // Of a part of the objects nothing is concluded.
    guard !context.intent.services.isEmpty, !context.intent.isPartial, context.nodes.contains(where: \.isIPVS) else {
      return []
    }
    let intended = IntendedFrontends(context.intent)
    return context.nodes.flatMap { node -> [Finding] in
      guard let addresses = node.snapshot.addresses else { return [] }
      let virtual = Set(addresses.filter { $0.interface == "kube-ipvs0" }.map(\.address))
      let own = Set(addresses.map(\.address)).subtracting(virtual)
      return (node.snapshot.virtualServers ?? []).filter { server in
        guard server.firewallMark == nil else { return false }
        let ipProtocol = IPProtocol(rawValue: server.ipProtocol)
        if intended.contains(server.address, server.port, ipProtocol) { return false }
        if own.contains(server.address) {
          // Another program may balance at the node's own addresses; in the range of NodePorts it is kube-proxy.
          return (30000...32767).contains(server.port)
            && !intended.hasNodePort(server.port, ipProtocol)
        }
        return virtual.contains(server.address)
      }.map { server in
        let serving = server.realServers.count { $0.weight > 0 }
        return Finding(
          id: id, severity: .warning, confidence: .likely,
          subject: VirtualServers.subject(server, context, node),
          problem: "\(VirtualServers.name(server)) on \(node.name) answers for no Service of the cluster",
          cause:
            "IPVS still has a virtual server with \(serving) usable real servers ← the Service is gone, or its port changed, and kube-proxy is behind",
          evidence: [VirtualServers.evidence(server, node)],
          fix: [node.restartKubeProxy],
          verify: ["ipvsadm -Ln"], reference: "kubernetes/kubernetes#78421")
      }
    }
  }
}

import Findings
import Intent
import ServiceMap
import Snapshot
import Wire

/// A ready endpoint stands in IPVS with weight 0: it gets no new connection.
enum IPVSWeightZero: Check {
  static let id = "ipvs-weight-zero"

  static func run(_ context: CheckContext) -> [Finding] {
    var ready: Set<EndpointAddress>?
    var findings: [Finding] = []
    for node in context.nodes {
      for server in node.snapshot.virtualServers ?? [] where server.realServers.contains(where: { $0.weight == 0 }) {
        if ready == nil { ready = readyEndpoints(context.intent) }
        if let finding = finding(server, ready!, context, node) { findings.append(finding) }
        if let finding = stuck(server, context, node) { findings.append(finding) }
      }
    }
    return findings
  }

  /// Templates of persistence lead clients to a server that takes no new connections, until they expire.
  private static func stuck(_ server: VirtualServer, _ context: CheckContext, _ node: NodeContext) -> Finding? {
    guard server.persistence != nil, node.snapshot.sysctlInt("net.ipv4.vs.expire_quiescent_template") != 1 else {
      return nil
    }
    let drained = Set(
      server.realServers.filter { $0.weight == 0 }.map {
        VirtualConnection.Endpoint(address: $0.address, port: $0.port)
      })
    let templates = (node.snapshot.virtualConnections ?? []).filter {
      $0.isTemplate && $0.virtual.address == server.address && $0.virtual.port == server.port
        && drained.contains($0.real)
    }
    guard let first = templates.first else { return nil }
    let name = VirtualServers.name(server)
    return Finding(
      id: id, severity: .warning, confidence: .certain, subject: VirtualServers.subject(server, context, node),
      problem:
        "\(templates.count) client\(templates.count == 1 ? "" : "s") of \(name) on \(node.name) stay\(templates.count == 1 ? "s" : "") with an endpoint that is drained, e.g. \(first.client.address)",
      cause: "persistence remembers them, and net.ipv4.vs.expire_quiescent_template is not 1",
      evidence: templates.prefix(3).map {
        Finding.Evidence(
          file: node.snapshot.fileName($0.file), line: $0.line,
          text: "\($0.client.address) → \(EndpointAddress($0.real.address, $0.real.port)) for \($0.expires) seconds")
      },
      fix: [.command("sysctl -w net.ipv4.vs.expire_quiescent_template=1")], verify: ["ipvsadm -Lnc"],
      reference: "kubernetes/kubernetes#71809")
  }

  private static func readyEndpoints(_ intent: Cluster) -> Set<EndpointAddress> {
    var ready: Set<EndpointAddress> = []
    for slice in intent.slices {
      for endpoint in slice.endpoints where endpoint.ready {
        for port in slice.ports { ready.insert(EndpointAddress(endpoint.address, port.port)) }
      }
    }
    return ready
  }

  /// Weight 0 is right for an endpoint that terminates; where no object tells, only a virtual server without any other
  /// is wrong.
  private static func finding(
    _ server: VirtualServer, _ endpoints: Set<EndpointAddress>, _ context: CheckContext, _ node: NodeContext
  ) -> Finding? {
    let drained = server.realServers.filter { $0.weight == 0 }
    let ready = drained.filter { endpoints.contains(EndpointAddress($0.address, $0.port)) }
    let isDead = drained.count == server.realServers.count
    guard isDead ? context.intent.slices.isEmpty || !ready.isEmpty : !ready.isEmpty else { return nil }
    let name = VirtualServers.name(server)
    let shown = ready.isEmpty ? drained : ready
    let which = ready.isEmpty ? "real servers" : "ready endpoints"
    return Finding(
      id: id, severity: .error, confidence: .likely, subject: VirtualServers.subject(server, context, node),
      problem: isDead
        ? "\(name) on \(node.name) accepts no new connection"
        : "\(name) on \(node.name) leaves out \(ready.count) of its \(server.realServers.count) endpoints",
      cause:
        "\(isDead ? "all " : "")\(shown.count) \(which) have weight 0 ← kube-proxy restarted while it drained them, and does not know them any more",
      evidence: shown.prefix(3).map { VirtualServers.evidence($0, of: server, node) },
      fix: [node.restartKubeProxy], verify: ["ipvsadm -Ln"], reference: "kubernetes/kubernetes#111903")
  }
}

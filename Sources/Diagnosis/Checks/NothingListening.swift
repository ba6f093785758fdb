import Findings
import Intent
import Snapshot
import Wire

/// An endpoint's address belongs to the namespace that a snapshot shows, and no process listens on its port there, or
/// one on 127.0.0.1 only.
enum NothingListening: Check {
  static let id = "nothing-listening"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    for node in context.nodes {
      guard let sockets = node.snapshot.sockets, sockets.contains(where: { $0.state == "LISTEN" }) else { continue }
      let own = Set((node.snapshot.addresses ?? []).filter { !$0.isOfServiceDevice }.map(\.address))
      var seen: Set<EndpointAddress> = []
      for service in context.intent.services where service.isProxied {
        for port in service.ports where port.ipProtocol == .tcp || port.ipProtocol == .udp {
          for version in [IPVersion.v4, .v6] {
            let selection = EndpointSelection(context.intent, service, port, version, node: node.node)
            for endpoint in selection.cluster
            where own.contains(endpoint.address) && service.fullName != "default/kubernetes"
              && seen.insert(endpoint).inserted
            {
              let found = HostSockets.listeners(sockets, port.ipProtocol, endpoint.port)
              guard !found.contains(where: { accepts($0, endpoint.address) }) else { continue }
              findings.append(finding(service, port, endpoint, found, node, context))
            }
          }
        }
      }
    }
    return findings
  }

  /// A socket without an address takes all, of IPv4 too unless it is told otherwise.
  static func accepts(_ socket: SocketEntry, _ address: IPAddress) -> Bool {
    socket.localAddress == nil || socket.localAddress == address
  }

  private static func finding(
    _ service: Service, _ port: Service.Port, _ endpoint: EndpointAddress, _ found: [SocketEntry],
    _ node: NodeContext, _ context: CheckContext
  ) -> Finding {
    let loopback = found.first { $0.localAddress?.isLoopback ?? false }
    let other = found.first.flatMap(\.localAddress)
    // A ready Pod has passed its probe, where it has one: no socket at all may be the dump's moment.
    let contradicts = found.isEmpty && node.pod == nil
    return Finding(
      id: id, severity: contradicts ? .info : .error, confidence: contradicts ? .possible : .likely,
      subject: context.subject(service, port, node: node.name),
      problem: "\(service.portName(port)): connections to \(endpoint) are refused by the host",
      cause: loopback.map { "\($0.process ?? "the process") listens on 127.0.0.1 only, where no Service leads" }
        ?? other.map { "a process listens on \($0):\(endpoint.port) only" }
        ?? "no process listens on port \(endpoint.port)",
      evidence: [
        node.snapshot.evidence(found, absent: "no \(port.ipProtocol) socket on port \(endpoint.port)")
      ],
      fix: [.advice("bind the server to 0.0.0.0 or [::], or correct targetPort")],
      verify: ["ss -lntup | grep ':\(endpoint.port) '"])
  }
}

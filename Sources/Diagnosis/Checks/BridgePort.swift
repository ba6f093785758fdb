import Findings
import PacketPath
import Snapshot
import Wire

/// A bridge keeps what one of its ports sends to another: isolated ports, or one that is down or blocked.
enum BridgePort: Check {
  static let id = "bridge-port"

  static func run(_ context: CheckContext) -> [Finding] {
    Losses.collect(context) { loss, _ in Losses.kernelReason(loss) == id }.map { entry in
      let isIsolated: Bool
      if case .bridge(.bothPortsIsolated) = entry.loss.reason { isIsolated = true } else { isIsolated = false }
      return Finding(
        id: id, severity: entry.severity, confidence: entry.confidence, subject: entry.node.subject,
        problem:
          "Pods of \(entry.node.name) do not reach endpoints on the same bridge: \(entry.count == 1 ? "1 Service frontend fails" : "\(entry.count) Service frontends fail"), e.g. \(entry.example)",
        cause: entry.loss.reason.map { "\($0)" } ?? "the bridge keeps the frame",
        evidence: [
          Finding.Evidence(text: "ip -d link: \(isIsolated ? "isolated on" : "a port that is not forwarding")")
        ],
        fix: [
          .advice(
            isIsolated
              ? "Isolated ports are a setting of the network plugin (portIsolation of the CNI bridge plugin): see whether it is meant"
              : "see why the port is down or blocked: bridge -d link")
        ], verify: ["bridge -d link"])
    } + context.nodes.filter(keepsEverything).map(closed) + context.nodes.compactMap { loose($0, context) }
  }

  /// A cable like those in the bridge of the Pods, in no bridge and with no other use: its Pod is cut off.
  private static func loose(_ node: NodeContext, _ context: CheckContext) -> Finding? {
    let snapshot = node.snapshot
    let links = snapshot.links ?? []
    func isCable(_ link: Link) -> Bool { link.peerIndex != nil && (link.kind == "veth" || link.kind == nil) }
    guard let routes = snapshot.routes, let addresses = snapshot.addresses, node.pod == nil else { return nil }
    for bridge in links where bridge.isBridge {
      let subnets = addresses.filter { $0.interface == bridge.name }.map {
        IPPrefix($0.address, length: $0.prefixLength)
      }
      let pods = context.intent.pods.filter { pod in
        pod.node == node.node?.name && !pod.hostNetwork
          && pod.addresses.contains { own in subnets.contains { $0.contains(own) } }
      }
      let ports = links.filter { $0.master == bridge.name && isCable($0) }
      guard let port = ports.first, !pods.isEmpty else { continue }
      let cables = links.filter { link in
        isCable(link) && link.up && link.master == nil && link.name.prefix(cablePrefix) == port.name.prefix(cablePrefix)
          && !addresses.contains { $0.interface == link.name && !$0.address.isLinkLocal }
          && !routes.contains { route in
            !route.destination.address.isLinkLocal && !route.destination.address.isMulticast
              && route.nextHops.contains { $0.interface == link.name }
          }
      }
      // As many cables as Pods: each has one, and those in the bridge are too few.
      guard let first = cables.first, ports.count < pods.count else { continue }
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: node.subject,
        problem:
          "\(cables.count == 1 ? "a Pod" : "\(cables.count) Pods") of \(node.name) reach\(cables.count == 1 ? "es" : "") nothing, and nobody them: \(printable(first.name)) is no port of \(printable(bridge.name))",
        cause:
          "the cables of the other Pods are ports of bridge \(printable(bridge.name)), this one is in none and has neither address nor route ← somebody took it out, or the network plugin's set-up of the Pod was broken off",
        evidence: [snapshot.evidence("\(printable(first.name)) without master", at: first.place)],
        fix: [
          .command("ip link set dev \(first.name) master \(bridge.name)"),
          .advice("or make the Pod anew: the network plugin puts its cable into the bridge"),
        ], verify: ["bridge link"])
    }
    return nil
  }

  /// Plugins begin the names of all cables alike.
  private static let cablePrefix = 4

  /// What Pods send is kept by the bridge before any rule sees it.
  static func keepsEverything(_ node: NodeContext) -> Bool {
    let sent = node.observations.filter { $0.origin == .pod }
    return !sent.isEmpty
      && sent.allSatisfy { observation in
        observation.reach.losses.contains { $0.translatedTo == nil && Losses.kernelReason($0) == id }
      }
  }

  private static func closed(_ node: NodeContext) -> Finding {
    let ports = (node.snapshot.links ?? []).filter { $0.forwards == false }.map { printable($0.name) }
    return Finding(
      id: id, severity: .error, confidence: .likely, subject: node.subject,
      problem: "Pods of \(node.name) reach nothing: their bridge does not take their frames",
      cause:
        "bridge ports that do not forward: \(ports.prefix(3).joined(separator: ", "))\(ports.count > 3 ? " and \(ports.count - 3) more" : "") ← spanning tree blocks them, or they are disabled",
      evidence: ports.prefix(3).map { Finding.Evidence(text: "ip -d link: \($0) is not in state forwarding") },
      fix: [
        .advice("see why the ports are down or blocked: bridge -d link; spanning tree has no place on a bridge of Pods")
      ],
      verify: ["bridge -d link"])
  }
}

import Findings
import PacketPath
import Snapshot

/// A bridge keeps what one of its ports sends to another: isolated ports, or one that is down or blocked.
enum BridgePort: Check {
  static let id = "bridge-port"

  static func run(_ context: CheckContext) -> [Finding] {
    Losses.collect(context) { loss, _ in Losses.kernelReason(loss) == id }.map { entry in
      let isIsolated: Bool
      if case .bridge(.bothPortsIsolated) = entry.loss.reason { isIsolated = true } else { isIsolated = false }
      return Finding(
        id: id, severity: .error, confidence: entry.confidence, subject: entry.node.subject,
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
    } + context.nodes.filter(keepsEverything).map(closed)
  }

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

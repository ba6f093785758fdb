import Findings
import PacketPath

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
    }
  }
}

import Findings
import PacketPath

/// The node does not forward packets.
enum IPForwardOff: Check {
  static let id = "ip-forward-off"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    for node in context.nodes {
      for (key, version) in [("net.ipv4.ip_forward", "IPv4"), ("net.ipv6.conf.all.forwarding", "IPv6")] {
        guard node.snapshot.sysctlInt(key) == 0 else { continue }
        let wanted = context.intent.services.contains {
          $0.isProxied && $0.clusterIPs.contains { ($0.version == .v4) == (version == "IPv4") }
        }
        guard wanted else { continue }
        findings.append(
          Finding(
            id: id, severity: .error, confidence: .certain,
            subject: node.subject,
            problem: "\(node.name) forwards no \(version) packets: Pods reach no endpoint on another node",
            cause: "\(key) is 0 ← a reset of the network settings, or a missing sysctl file",
            evidence: [node.snapshot.evidence(sysctl: key)],
            fix: [
              .command("sysctl -w \(key)=1"),
              .advice("and for good: echo '\(key) = 1' > /etc/sysctl.d/99-kubernetes.conf"),
            ],
            verify: ["sysctl \(key)"],
            occurrences: node.observations.filter { observation in
              observation.frontend.address.version == (version == "IPv4" ? .v4 : .v6)
                && observation.reach.losses.contains {
                  if case .forwardingOff? = $0.reason { true } else { false }
                }
            }.map { context.occurrence($0, node) }))
      }
    }
    return findings
  }
}

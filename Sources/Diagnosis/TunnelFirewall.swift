import Findings
import Journey
import Snapshot

/// Rules of one node that stop the tunnel's own packets of another: walked through the sender's OUTPUT and the receiver's
/// INPUT, each from its own dumps.
enum TunnelFirewall {
  static func findings(_ id: String, _ context: CheckContext) -> [Finding] {
    let nodes = context.nodes.filter { $0.pod == nil }
    guard nodes.count > 1 else { return [] }
    let walk = JourneyWalk(BundleMap(nodes.map(\.snapshot), context.intent))
    return nodes.indices.flatMap { index in
      walk.tunnelFaults(of: index).compactMap { broken -> Finding? in
        guard case .outerStopped(_, let rule, nil) = broken.fault else { return nil }
        let who = rule.map {
          $0.position == 0 ? "the policy of \(printable($0.chain))" : "rule \($0.position) of \(printable($0.chain))"
        }
        let (sender, place) = (nodes[index], broken.place.node)
        return Finding(
          id: id, severity: .error, confidence: .certain, subject: sender.subject,
          problem: "packets of \(sender.name) for Pods behind \(broken.nextHop) do not get through the tunnel",
          cause:
            "\(who ?? "a rule") on \(place) stops the tunnel's own packet ← its firewall does not know the other nodes",
          evidence: [Finding.Evidence(text: "\(who ?? "a rule") on \(place)")],
          fix: [
            .advice(
              "let the tunnel's UDP port in from the other nodes, in the firewall's own configuration on \(place)")
          ],
          verify: ["ip -s -d link show type vxlan  # received packets rise"], reference: "k3s-io/k3s#2768")
      }
    }
  }
}

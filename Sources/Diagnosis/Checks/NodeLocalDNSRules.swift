import Findings
import PacketPath
import Snapshot
import Wire

/// The node-local DNS cache has its device, and its rules do not keep its packets out of connection tracking.
enum NodeLocalDNSRules: Check {
  static let id = "node-local-dns-rules"

  private static let device = "nodelocaldns"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let snapshot = node.snapshot
      // In IPVS mode the cache has only its link-local address; its rules are the same.
      guard node.hasWholeRules, let own = snapshot.addresses?.first(where: { $0.interface == device }) else {
        return nil
      }
      let flow = Flow(
        ipProtocol: .udp, source: own.address, sourcePort: 40_000, destination: own.address, destinationPort: 53,
        from: Flow.local)
      let trace = PathTracer(snapshot).trace(flow)
      guard !trace.outcomes.isEmpty, trace.outcomes.allSatisfy({ !$0.untracked && !$0.isAssumed }) else { return nil }
      return Finding(
        id: id, severity: .warning, confidence: .likely, subject: node.subject,
        problem:
          "the DNS cache of \(node.name) has no rules of its own: its packets go through connection tracking and NAT",
        cause:
          "device \(device) has \(own.address), and no NOTRACK rule is for it ← the cache could not write its rules (xtables lock), or something flushed them",
        evidence: [.init(text: "no rule of table raw takes 53/udp of \(own.address) out of tracking")],
        fix: [.advice("restart the node-local-dns Pod of \(node.name), and read its log for lock errors")],
        verify: ["iptables -t raw -S | grep \(own.address)"], reference: "kubernetes/dns#643")
    }
  }
}

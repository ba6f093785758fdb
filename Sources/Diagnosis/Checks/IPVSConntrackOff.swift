import Findings

/// IPVS without connection tracking: what it sends on is not masqueraded, whatever the rules say.
enum IPVSConntrackOff: Check {
  static let id = "ipvs-conntrack-off"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let servers = (node.snapshot.virtualServers ?? []).filter {
        $0.realServers.contains { $0.forwarding == .masquerade }
      }
      guard !servers.isEmpty, node.snapshot.sysctlInt("net.ipv4.vs.conntrack") == 0 else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .certain,
        subject: node.subject,
        problem:
          "\(node.name) does not masquerade what IPVS sends on: clients outside, and Pods that pick themselves, get no usable answer",
        cause:
          "net.ipv4.vs.conntrack = 0, so the connections of \(servers.count) virtual servers are not tracked ← the sysctl was changed after kube-proxy set it",
        evidence: [node.snapshot.evidence(sysctl: "net.ipv4.vs.conntrack")],
        fix: [.command("sysctl -w net.ipv4.vs.conntrack=1")], verify: ["sysctl net.ipv4.vs.conntrack"])
    }
  }
}

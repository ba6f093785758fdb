import Findings

/// Pods share a bridge whose traffic does not pass iptables: replies between them are not translated back.
enum BridgeNFCallOff: Check {
  static let id = "bridge-nf-call-off"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard node.snapshot.sysctlInt("net.bridge.bridge-nf-call-iptables") == 0 else { return nil }
      // Where nothing translates, nothing has to be translated back.
      guard !node.planes.isEmpty || node.isIPVS else { return nil }
      let links = node.snapshot.links ?? []
      guard
        let bridge = links.first(where: { link in link.kind == "bridge" && links.count { $0.master == link.name } >= 2 }
        )
      else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .likely,
        subject: node.subject,
        problem:
          "Pods on \(node.name) cannot reach Services whose endpoint is on the same node: the answer comes from the Pod's own address",
        cause: "net.bridge.bridge-nf-call-iptables is 0 and Pods share bridge \(bridge.name)",
        evidence: [node.snapshot.evidence(sysctl: "net.bridge.bridge-nf-call-iptables")],
        fix: [.command("modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1")],
        verify: ["sysctl net.bridge.bridge-nf-call-iptables"])
    }
  }
}

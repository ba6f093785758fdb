import Findings

/// kube-proxy holds addresses for IPVS, but the snapshot has no table of it: what the Services do cannot be told.
enum IPVSTableMissing: Check {
  static let id = "ipvs-table-missing"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.filter(\.lacksVirtualServers).map { node in
      let held = (node.snapshot.addresses ?? []).count { $0.interface == "kube-ipvs0" && !$0.address.isLinkLocal }
      return Finding(
        id: id, severity: .warning, confidence: .certain,
        subject: node.subject,
        problem: "the Services of \(node.name) were not traced: its IPVS table is not in the snapshot",
        cause:
          "kube-ipvs0 holds \(held) addresses, so kube-proxy runs in IPVS mode; no output of ipvsadm -Sn was given",
        fix: [.command("ipvsadm -Sn > ipvsadm.txt", why: "on the node, then add it to the snapshot")],
        verify: ["ipvsadm -Ln"])
    }
  }
}

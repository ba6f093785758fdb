import Findings

/// kube-proxy's nftables mode on a node that cannot load its table, or only half of it.
enum NftPrerequisites: Check {
  static let id = "nft-prerequisites"
  /// What the mode asks for (KEP-3866).
  static let oldestKernel = KernelVersion(major: 5, minor: 13)

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      guard let plane = node.planes.first(where: { $0.mode == .nftables }) else { return [] }
      var findings: [Finding] = []
      func add(_ problem: String, _ cause: String, _ evidence: [Finding.Evidence], _ advice: String) {
        findings.append(
          Finding(
            id: id, severity: .error, confidence: .likely,
            subject: node.subject, problem: problem, cause: cause,
            evidence: evidence, fix: [.advice(advice)],
            verify: [
              "kubectl -n kube-system logs -l k8s-app=kube-proxy --field-selector spec.nodeName=\(node.name) | grep -i nft"
            ], reference: "projectcalico/calico#8025"))
      }
      if let kernel = KernelVersion(node.snapshot), kernel < oldestKernel {
        add(
          "kube-proxy's nftables mode does not work on \(node.name)",
          "its kernel is \(kernel), and the mode needs \(oldestKernel) or newer",
          [node.snapshot.evidence(sysctl: "kernel.osrelease")],
          "update the kernel, or set mode: iptables in kube-proxy's configuration")
      }
      if context.programsNothing(node), !RulesFlushed.hasServiceRules(node) {
        let ruleset = plane.ruleset
        let chains = ruleset.chains.count { $0.table == plane.tables["kube-proxy"] && $0.isDefined }
        add(
          "no Service works on \(node.name): kube-proxy's nftables table holds no Service",
          "nft refuses kube-proxy's transaction, so the table stays as it was ← an interface pattern in detectLocal (releases before 1.34.2), a kernel without nft_fib, or an nft in its image older than the host's",
          [Finding.Evidence(text: "table \(plane.family.rawValue) kube-proxy: \(chains) chains, none of a Service")],
          "read kube-proxy's log for the line that nft refuses")
      }
      let complaints = (node.snapshot.kernelLog ?? []).filter { line in
        line.contains("nf_tables") && (line.contains("not supported") || line.contains("failed"))
      }
      if let first = complaints.first {
        add(
          "the kernel of \(node.name) refuses a part of nftables", "the kernel log says so \(complaints.count) times",
          [Finding.Evidence(text: first)], "load or build the missing nf_tables module")
      }
      return findings
    }
  }
}

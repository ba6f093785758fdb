import Findings
import Ruleset

/// Both iptables-legacy and iptables-nft hold Service rules: packets meet both.
enum MixedIptablesBackends: Check {
  static let id = "mixed-iptables-backends"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let ruleset = node.snapshot.ruleset
      var legacy = 0
      var nft = 0
      for chain in ruleset.chains where chain.ruleCount > 0 && ruleset.names[chain.name].hasPrefix("KUBE-SVC-") {
        if ruleset[chain.table].backend == .iptablesLegacy { legacy += 1 } else { nft += 1 }
      }
      guard legacy > 0, nft > 0 else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .certain,
        subject: Finding.Subject(kind: "Node", name: node.name, node: node.name),
        problem: "\(node.name) has Service rules twice: in iptables-legacy and in iptables-nft",
        cause: "two programs use different iptables backends (or one changed); the stale rules still act",
        evidence: [Finding.Evidence(text: "\(legacy) Service chains in legacy tables, \(nft) in nft tables")],
        fix: ["use one backend for all programs, then: iptables-legacy-save | grep -v KUBE- | iptables-legacy-restore"],
        verify: ["iptables-legacy-save | grep -c KUBE-SVC", "iptables-nft-save | grep -c KUBE-SVC"],
        reference: "kubernetes/kubernetes#71305")
    }
  }
}

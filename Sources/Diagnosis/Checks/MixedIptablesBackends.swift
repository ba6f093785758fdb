import Findings
import Ruleset

/// Both iptables-legacy and iptables-nft hold rules of one program: packets meet both, and one of them is stale.
enum MixedIptablesBackends: Check {
  static let id = "mixed-iptables-backends"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in
      [twice("Service rules", "KUBE-SVC-", node), twice("policy rules of Calico", "cali-", node)].compactMap { $0 }
        + repeated(node, context)
    }
  }

  private static func twice(_ what: String, _ prefix: StaticString, _ node: NodeContext) -> Finding? {
    let ruleset = node.snapshot.ruleset
    var legacy = 0
    var nft = 0
    for chain in ruleset.chains where chain.ruleCount > 0 && ruleset.names.name(chain.name, hasPrefix: prefix) {
      if ruleset[chain.table].backend == .iptablesLegacy { legacy += 1 } else { nft += 1 }
    }
    guard legacy > 0, nft > 0 else { return nil }
    return Finding(
      id: id, severity: .error, confidence: .certain,
      subject: node.subject,
      problem: "\(node.name) has \(what) twice: in iptables-legacy and in iptables-nft",
      cause: "two programs use different iptables backends (or one changed); the stale rules still act",
      evidence: [Finding.Evidence(text: "\(legacy) chains \(prefix)* in legacy tables, \(nft) in nft tables")],
      fix: [
        .advice(
          "use one backend for all programs, then: iptables-legacy-save | grep -v \(prefix) | iptables-legacy-restore")
      ],
      verify: ["iptables-legacy-save | grep -c \(prefix)", "iptables-nft-save | grep -c \(prefix)"],
      reference: "kubernetes/kubernetes#71305")
  }

  /// kubelet asks its own backend whether a rule exists; where that is not the one that holds it, it adds it for ever.
  private static func repeated(_ node: NodeContext, _ context: CheckContext) -> [Finding] {
    let ruleset = node.snapshot.ruleset
    let own = ruleset.names.find("KUBE-FIREWALL")
    return ruleset.chains.indices.compactMap { index in
      guard let own, ruleset.chains[index].name == own else { return nil }
      let rules = ruleset.rules(of: ChainID(index))
      let texts = Dictionary(grouping: rules) { ruleset.sourceText(of: ruleset[$0]) }
      guard let most = texts.max(by: { $0.value.count < $1.value.count }), most.value.count > 1, !most.key.isEmpty
      else { return nil }
      return Finding(
        id: id, severity: .warning, confidence: .likely,
        subject: node.subject,
        problem: "chain KUBE-FIREWALL of \(node.name) holds one rule \(most.value.count) times and grows",
        cause:
          "kubelet does not find its own rule and adds it again ← its iptables uses another backend than the host's",
        evidence: most.value.prefix(2).flatMap { context.evidence($0, node) },
        fix: [.advice("use one iptables backend in kubelet's image and on the host")],
        verify: ["iptables -S KUBE-FIREWALL | sort | uniq -c"], reference: "kubernetes/kubernetes#82361")
    }
  }
}

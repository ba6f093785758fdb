import Findings
import Ruleset
import ServiceMap

/// Source ports of masqueraded connections are taken in order: two packets at once choose the same, one is dropped.
enum SNATPortRace: Check {
  static let id = "snat-port-race"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let failed = (node.snapshot.connectionStatistics ?? []).reduce(0) { $0 + ($1["insert_failed"] ?? 0) }
      let rules = orderly(node)
      guard let first = rules.first else { return nil }
      return Finding(
        id: id, severity: failed > 0 ? .warning : .info, confidence: failed > 0 ? .likely : .possible,
        subject: node.subject,
        problem: failed > 0
          ? "\(node.name) lost the first packet of \(failed) connections: clients try again after one or three seconds"
          : "\(node.name) may lose first packets of connections that it masquerades at the same time",
        cause:
          "\(rules.count) masquerade rule\(rules.count == 1 ? "" : "s") without fully random source ports"
          + (failed > 0 ? "; insert_failed of conntrack -S is \(failed)" : ""),
        evidence: context.evidence(first, node)
          + (failed > 0 ? [Finding.Evidence(text: "conntrack -S: insert_failed=\(failed)")] : []),
        fix: [
          .advice("use iptables 1.6.2 or newer, with which kube-proxy and the CNI masquerade with --random-fully")
        ],
        verify: ["conntrack -S | grep -o 'insert_failed=[0-9]*'"], reference: "kubernetes/kubernetes#76699")
    }
  }

  /// Masquerade rules that take any packet which reaches them in chains of kube-proxy, or that concern others'
  /// connections, where loss was counted.
  private static func orderly(_ node: NodeContext) -> [RuleID] {
    let ruleset = node.snapshot.ruleset
    let counted = (node.snapshot.connectionStatistics ?? []).contains { ($0["insert_failed"] ?? 0) > 0 }
    let own = Set(
      node.planes.compactMap { $0.chain("KUBE-POSTROUTING", "nat") ?? $0.chain("masquerading", "kube-proxy") })
    var found: [RuleID] = []
    // A translation stands once in its table for each rule that has it: few rules to look at.
    guard ruleset.translations.contains(where: { $0.kind == .masquerade && $0.choice != .fullyRandom }) else {
      return []
    }
    for index in ruleset.rules.indices {
      let id = RuleID(index)
      guard counted || own.contains(ruleset.rules[index].chain) else { continue }
      let facts = RuleFacts(id, in: ruleset)
      if facts.masquerades, !facts.drawsPorts, counted || !facts.isConditional { found.append(id) }
    }
    return found
  }
}

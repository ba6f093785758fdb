import Findings
import Ruleset
import Snapshot

/// A rule of kube-proxy's own program that a node lacks.
public struct MissingRule: Sendable {
  var rule: StockRule
  var mode: ProxyPlane.Mode
  var family: Family
  var chain: ChainID

  /// What a node's planes lack of their mode's program. A table that the dump does not hold is not judged.
  static func all(_ planes: [ProxyPlane], hasTunnel: Bool) -> [MissingRule] {
    planes.flatMap { plane -> [MissingRule] in
      let isOld = plane.hasOldMasquerade
      return StockRule.program(plane.mode).compactMap { rule in
        guard let chain = plane.chain(rule.chain, rule.table), !plane.ruleset[chain].isCut,
          plane.declares(rule.needs, rule.table)
        else { return nil }
        let rules = plane.facts(of: chain)
        guard !rules.contains(where: { rule.holds($0, plane.ruleset) }) else { return nil }
        // IPv6 has no localhost NodePorts, and so nothing to guard them with.
        if case .guardsLoopback = rule.shape, plane.family == .ip6 { return nil }
        switch rule.shape {
        case .returnsUnmarked where isOld: return nil
        case .clearsMark where isOld && !hasTunnel: return nil
        default: break
        }
        return MissingRule(rule: rule, mode: plane.mode, family: plane.family, chain: chain)
      }
    }
  }
}

extension ProxyPlane {
  /// Until 1.18 one rule of KUBE-POSTROUTING asked for the mark and masqueraded, and left the mark as it was.
  var hasOldMasquerade: Bool {
    chain("KUBE-POSTROUTING", "nat").map { facts(of: $0).contains { $0.masquerades && $0.asksMark != 0 } } ?? false
  }

  /// Whether a chain or set of that name is declared in the table.
  func declares(_ name: String, _ table: String) -> Bool {
    guard let id = tables[table] else { return false }
    return ruleset.declaredChain(name, id) != nil
      || ruleset.sets.contains { $0.table == id && $0.isDefined && $0.name == name }
  }
}

extension CheckContext {
  /// One finding a node for the missing rules that belong to `id`; `where` leaves some out.
  func missingRules(
    _ id: String, severity: Finding.Severity = .warning, reference: String? = nil,
    where counts: (MissingRule, NodeContext) -> Bool = { _, _ in true }
  ) -> [Finding] {
    nodes.compactMap { node in
      let missing = node.missingRules.filter { $0.rule.finding == id && counts($0, node) }
      guard let first = missing.first else { return nil }
      let ruleset = node.snapshot.ruleset
      return Finding(
        id: id, severity: missing.contains { $0.rule.isEntrance } ? .error : severity, confidence: .certain,
        subject: node.subject,
        problem: missing.count == 1
          ? "\(node.name): \(first.rule.without)"
          : "\(missing.count) of kube-proxy's own rules are missing on \(node.name), one of them: \(first.rule.without)",
        cause:
          "rule “\(first.rule.name)” of table \(first.rule.table) is missing ← removed by hand or by another program; kube-proxy has not written it again",
        evidence: missing.prefix(8).map { entry in
          let chain = ruleset[entry.chain]
          let file = Int(ruleset[chain.table].file)
          return Finding.Evidence(
            file: ruleset.files.indices.contains(file) ? ruleset.files[file].name : nil,
            line: chain.line > 0 ? Int(chain.line) : nil,
            text: "\(entry.family.rawValue) \(entry.rule.table): no “\(entry.rule.name)”: \(entry.rule.without)")
        },
        fix: [node.restartKubeProxy],
        verify: [
          first.mode == .nftables
            ? "nft list chain \(first.family.rawValue) kube-proxy \(first.rule.chain)"
            : "\(first.family == .ip6 ? "ip6tables" : "iptables") -t \(first.rule.table) -S \(first.rule.chain)"
        ], reference: reference)
    }
  }
}

extension NodeContext {
  /// What serves the Services here.
  var proxy: String { (snapshot.ebpfFrontends ?? []).isEmpty ? "kube-proxy" : "Cilium" }

  /// The command that makes kube-proxy, or Cilium in its place, write all its rules again.
  var restartKubeProxy: String {
    "kubectl -n kube-system delete pod -l k8s-app=\(proxy.lowercased()) --field-selector spec.nodeName=\(name)"
  }
}

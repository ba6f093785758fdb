import Findings
import Ruleset
import Snapshot
import Wire

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
          !plane.ruleset.hidesParts(chain),
          plane.declares(rule.needs, rule.table), rule.unless.map({ !plane.declares($0, rule.table) }) ?? true
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

extension MissingRule {
  var cause: String {
    "rule “\(rule.name)” of table \(rule.table) is missing ← removed by hand or by another program; kube-proxy has not written it again"
  }

  /// The chain that lacks it.
  func evidence(_ ruleset: Ruleset) -> Finding.Evidence {
    let chain = ruleset[self.chain]
    let file = Int(ruleset[chain.table].file)
    return Finding.Evidence(
      file: ruleset.files.indices.contains(file) ? ruleset.files[file].name : nil,
      line: chain.line > 0 ? Int(chain.line) : nil,
      text: "\(family.rawValue) \(rule.table): no “\(rule.name)”: \(rule.without)")
  }
}

extension ProxyPlane {
  /// Until 1.18 one rule of KUBE-POSTROUTING asked for the mark and masqueraded, and left the mark as it was.
  var hasOldMasquerade: Bool {
    chain("KUBE-POSTROUTING", "nat").map { facts(of: $0).contains { $0.masquerades && $0.asksMark != 0 } } ?? false
  }

  /// Since 1.36 one rule of chain services marks clients of ClusterIPs that are no Pods; it is not there.
  var lacksClusterMark: Bool {
    guard mode == .nftables, declares(StockRule.hairpins, "kube-proxy"), let chain = chain("services", "kube-proxy"),
      !ruleset[chain].isCut
    else { return false }
    return !facts(of: chain).contains { $0.setsMark != 0 }
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
          ? "\(node.name): \(first.rule.without)\(first.family == .ip6 ? " (IPv6)" : "")"
          : "\(missing.count) of kube-proxy's own rules are missing on \(node.name), one of them: \(first.rule.without)",
        cause: first.cause,
        evidence: missing.prefix(8).map { $0.evidence(ruleset) },
        fix: [node.restartKubeProxy],
        verify: [
          first.mode == .nftables
            ? "nft list chain \(first.family.rawValue) kube-proxy \(first.rule.chain)"
            : "\(first.family == .ip6 ? "ip6tables" : "iptables") -t \(first.rule.table) -S \(first.rule.chain)"
        ], reference: reference)
    }
  }
}

extension CheckContext {
  /// As `missingRules`, and what traces show on other nodes: on one that lacks a rule they show its effect, which is
  /// said with it.
  func missingRules(
    _ id: String, reference: String? = nil, explaining traced: [Finding],
    where counts: (MissingRule, NodeContext) -> Bool = { _, _ in true }
  ) -> [Finding] {
    let missing = missingRules(id, reference: reference, where: counts)
    let lacking = Set(missing.compactMap(\.subject.node))
    return missing.map { finding in
      let effects = traced.filter { $0.subject.node == finding.subject.node }
      guard let first = effects.first else { return finding }
      var finding = finding
      finding.severity = effects.reduce(finding.severity) { max($0, $1.severity) }
      finding.problem += ": \(first.problem)"
      if effects.count > 1 { finding.problem += ", and \(effects.count - 1) more" }
      finding.verify = first.verify + finding.verify
      return finding
    } + traced.filter { !lacking.contains($0.subject.node ?? "") }
  }
}

extension NodeContext {
  /// Nothing is masqueraded that should be: a fault of the node, told by rules-flushed.
  var masqueradesNothing: Bool {
    masqueradeDone == 0 && (leftMarked > 0 || masqueradeWanted > 0)
      && snapshot.sysctlInt("net.ipv4.vs.conntrack") != 0
  }

  /// A rule is missing without which no packet of that version is masqueraded, or with `entrance` none gets to such rules.
  func lacksMasquerading(_ version: IPVersion, entrance: Bool = false) -> Bool {
    missingRules.contains { missing in
      guard missing.family.version == version else { return false }
      if missing.rule.isEntrance { return missing.rule.chain.lowercased().hasSuffix("postrouting") }
      switch missing.rule.shape {
      case .setsMark, .masquerades: return !entrance
      default: return false
      }
    }
  }

  /// The jump to the Service rules is missing at the hook by which packets of that version and origin come.
  func lacksEntrance(of version: IPVersion, for origin: Origin) -> Bool {
    missingRules.contains { missing in
      missing.family.version == version && missing.rule.isEntrance
        && missing.rule.chain.lowercased().hasSuffix(origin == .node ? "output" : "prerouting")
    }
  }

  /// What serves the Services here.
  var proxy: String {
    guard let frontends = snapshot.ebpfFrontends else { return "kube-proxy" }
    return frontends.isEmpty && !planes.isEmpty ? "kube-proxy" : "Cilium"
  }
}

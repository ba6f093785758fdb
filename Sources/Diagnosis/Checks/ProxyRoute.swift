import Findings
import Ruleset
import Snapshot
import Wire

/// TPROXY rules mark packets for a proxy of the node, and no routing rule keeps packets with that mark here: what is not to
/// the node's own address leaves it past the proxy.
enum ProxyRoute: Check {
  static let id = "proxy-route"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      guard node.snapshot.routingRules != nil, node.snapshot.routes != nil else { return [] }
      let ruleset = node.snapshot.ruleset
      var seen: Set<UInt64> = []
      return ruleset.rules.indices.compactMap { index -> Finding? in
        let rule = RuleID(index)
        guard !ruleset.transparentProxies.isEmpty, let proxy = ruleset.transparentProxy(of: rule), proxy.markValue != 0
        else { return nil }
        let version = version(of: ruleset[rule].chain, proxy, ruleset)
        guard seen.insert(UInt64(version.rawValue) << 32 | UInt64(proxy.markValue)).inserted else { return nil }
        return finding(rule, proxy.markValue, version, node, context)
      }
    }
  }

  private static func version(of chain: ChainID, _ proxy: TransparentProxy, _ ruleset: Ruleset) -> IPVersion {
    if ruleset[ruleset[chain].table].family == .ip6 { return .v6 }
    return proxy.address.map { $0.high == 0 && $0.low <= UInt64(UInt32.max) ? .v4 : .v6 } ?? .v4
  }

  private static func finding(
    _ rule: RuleID, _ mark: UInt32, _ version: IPVersion, _ node: NodeContext, _ context: CheckContext
  ) -> Finding? {
    let snapshot = node.snapshot
    let lookups = (snapshot.routingRules ?? []).filter { rule in
      guard let own = rule.mark, own != 0, rule.version == version, !rule.inverted else { return false }
      return own == mark & rule.markMask
    }
    let tables = lookups.compactMap { if case .lookup(let table) = $0.action { table } else { nil } }
    let keeps = (snapshot.routes ?? []).contains {
      $0.type == .local && $0.destination.length == 0 && $0.destination.address.version == version
        && tables.contains($0.table)
    }
    guard !keeps else { return nil }
    let ruleset = snapshot.ruleset
    let owner = ChainOwner(ruleset[rule].chain, ruleset)
    let who = owner == .operators ? "whoever set up the proxy" : owner.rawValue
    let spelled = "0x" + String(mark, radix: 16)
    let tool: ShellCommand = version == .v4 ? "ip" : "ip -6"
    let all: ShellCommand = version == .v4 ? "0.0.0.0/0" : "::/0"
    let place = node.pod.map { "Pod \(context.intent.pods[$0].fullName)" } ?? node.name
    let restart = Fix.advice(
      owner == .istio
        ? "make the Pod anew: istio-init or istio-cni makes rule and route with its rules"
        : "restart \(owner == .operators ? "the proxy" : "\(owner.rawValue)'s agent") on \(node.name): it makes rule and route"
    )
    var fix = [restart]
    if let table = tables.first {
      let number: ShellCommand = "\("\(table)")"
      fix.insert(
        .command("\(tool) route add local \(all) dev lo table \(number)", why: "in the namespace of \(place)"), at: 0)
    }
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: node.subject,
      problem:
        "what \(place) hands to a transparent proxy does not get there and back: packets with mark \(spelled) are routed away from it",
      cause: (tables.isEmpty
        ? "no routing rule is for mark \(spelled), which TPROXY sets"
        : "the routing rule for mark \(spelled) leads to table \(tables[0]), which has no local default route")
        + " ← \(who) makes it, and it is gone",
      evidence: context.evidence(rule, node), fix: fix,
      verify: ["\(tool) rule", "\(tool) route show table all type local"])
  }
}

import Findings
import Intent
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// The source address is rewritten where it must be kept, or kept where replies would then miss the node.
enum MasqueradeScope: Check {
  static let id = "masquerade-scope"

  static func run(_ context: CheckContext) -> [Finding] {
    context.missingRules(id, explaining: traced(context)) { _, node in !node.masqueradesNothing } + undetected(context)
      + between(context)
  }

  /// What Pods send to Pods of other nodes leaves as from the node: who receives it takes it for the node's.
  private static func between(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node -> Finding? in
      guard let name = node.node?.name, node.pod == nil else { return nil }
      let pods = context.intent.pods.filter { !$0.hostNetwork && $0.ready && !$0.node.isEmpty }
      guard let source = pods.first(where: { $0.node == name })?.addresses.first(where: { $0.version == .v4 }),
        let target = pods.first(where: { $0.node != name })?.addresses.first(where: { $0.version == .v4 })
      else { return nil }
      let tracer = PathTracer(node.snapshot)
      var flow = Flow(
        ipProtocol: .tcp, source: source, sourcePort: 40000, destination: target, destinationPort: 80,
        from: tracer.inputInterface(from: source, to: target) ?? "")
      guard !flow.from.isEmpty, !flow.isLocal else { return nil }
      flow.isFrame = true
      let ends = tracer.trace(flow).outcomes
      guard ends.count == 1, ends[0].verdict == .forward, !ends[0].isAssumed, ends[0].source != source,
        let rule = ends[0].sourceRule
      else { return nil }
      let ruleset = node.snapshot.ruleset
      let owner = ChainOwner(ruleset[rule].chain, ruleset)
      return Finding(
        id: id, severity: .warning, confidence: .likely, subject: node.subject,
        problem:
          "Pods of other nodes take what Pods of \(name) send for the node's own: \(source) arrives at \(target) as \(ends[0].source), and NetworkPolicies that allow Pods deny it",
        cause:
          "a rule of \(owner.rawValue) (chain \(printable(ruleset.name(of: ruleset[rule].chain)))) masquerades what stays in the cluster ← the set or range that it leaves out lacks the other nodes' Pods",
        evidence: context.evidence(rule, node),
        fix: [
          .advice(
            "see which ranges \(owner.rawValue) is told not to masquerade\(owner.configuration.map { " (\($0))" } ?? ""), and restart it on \(name)"
          )
        ], verify: ["kubepath trace \(target):80 --from \(source)"])
    }
  }

  /// No client of any ClusterIP is masqueraded: kube-proxy was told to detect no local traffic, or the rules that ask
  /// for it are gone. The rules look the same, so the finding says what it means.
  private static func undetected(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      if let plane = node.planes.first(where: \.lacksClusterMark) { return unmarked(plane, node) }
      guard node.hasWholeRules, node.clusterMasqueradeDone == 0, node.leftMarked == 0,
        !node.missingRules.contains(where: { $0.rule.finding == id || $0.rule.isEntrance }),
        let example = node.observations.first(where: {
          $0.faults.contains(.notMasqueraded) && $0.frontend.kind == .clusterIP
        })
      else { return nil }
      return Finding(
        id: id, severity: .info, confidence: .possible,
        subject: node.subject,
        problem:
          "\(node.name) masquerades no client of a ClusterIP: one outside the cluster, as \(example.source) at \(example.frontend), gets answers that bypass the node",
        cause:
          "kube-proxy detects no local traffic (detectLocalMode none, or no clusterCIDR), or the mark rules are gone",
        evidence: example.bypassedRule.map { context.evidence($0, node) } ?? [],
        fix: [.advice("set clusterCIDR or detectLocalMode in kube-proxy's configuration if such clients exist")],
        verify: [example.frontend.traceCommand(from: example.source, on: node.name)],
        reference: "kubernetes/kubernetes#36835")
    }
  }

  /// The same where no traced connection shows it, since all endpoints are on this node.
  private static func unmarked(_ plane: ProxyPlane, _ node: NodeContext) -> Finding {
    Finding(
      id: id, severity: .info, confidence: .possible, subject: node.subject,
      problem:
        "\(node.name) masquerades no client of a ClusterIP: one outside the cluster gets answers from endpoints on other nodes that bypass the node",
      cause:
        "kube-proxy detects no local traffic (detectLocalMode none, or no clusterCIDR), or the rule that marks such clients in chain services is gone",
      fix: [.advice("set clusterCIDR or detectLocalMode in kube-proxy's configuration if such clients exist")],
      verify: ["nft list chain \(plane.family.rawValue) kube-proxy services"], reference: "kubernetes/kubernetes#36835")
  }

  private static func traced(_ context: CheckContext) -> [Finding] {
    let groups = context.groups([.notMasqueraded, .sourceLost]) { observation, node in
      if observation.faults.contains(.sourceLost) { return true }
      // Another program's DNAT took it; host-port-shadowing tells.
      if let rule = observation.reach.firstTranslatingRule, context.isForeign(rule, node) { return false }
      // The jump to the masquerade rule is missing: said by rules-flushed.
      if node.lacksMasquerading(observation.frontend.address.version, entrance: true) { return false }
      // Nothing at all is rewritten: the node's fault, said once by rules-flushed.
      if node.masqueradeDone == 0 { return false }
      // IPVS mode: an element that its sets lack, or the jump to the rules that mark; other findings name these.
      if node.isIPVS, node.isExplainedBySets(observation) || node.missingRules.contains(where: \.rule.isEntrance) {
        return false
      }
      // kube-proxy that detects no local traffic takes every ClusterIP client for a Pod: its choice, not a fault.
      return observation.frontend.kind != .clusterIP || node.clusterMasqueradeDone > 0
    }
    let lost = groups.filter { $0.first.faults.contains(.sourceLost) }
    let (wide, single) = groups.filter { !$0.first.faults.contains(.sourceLost) }.dividedByCause()
    return wide.map { everywhere($0, context) } + (lost + single).map { finding($0, context) }
  }

  private static func everywhere(_ groups: [FaultGroup], _ context: CheckContext) -> Finding {
    let example = groups[0].first
    let node = groups[0].node
    let services = Set(groups.map { context.label($0.first) }).sorted()
    let named = services.prefix(3).joined(separator: ", ")
    return Finding(
      id: id, severity: groups.allSatisfy(\.isOutsideOnly) ? .info : .error, confidence: .certain,
      subject: node.subject,
      problem:
        "replies to clients of \(groups.count) Service ports bypass \(node.name) and the connections hang (\(named)\(services.count > 3 ? " …" : ""))",
      cause: Self.unmarked,
      evidence: example.bypassedRule.map { context.evidence($0, node) } ?? [],
      fix: Self.fix,
      verify: [
        example.frontend.traceCommand(from: example.source, on: node.name)
      ], reference: "kubernetes/kubernetes#36835")
  }

  private static let unmarked =
    "the source is not masqueraded ← the mark rule is missing, or its address range takes this client for a Pod of this node"
  private static let fix: [Fix] = [
    .advice(
      "set clusterCIDR or detectLocalMode in kube-proxy's configuration to cover the Pods and nothing else, then restart kube-proxy"
    )
  ]

  private static func finding(_ group: FaultGroup, _ context: CheckContext) -> Finding {
    let lost = group.first.faults.contains(.sourceLost)
    let label = context.label(group.first)
    let rule = lost ? group.first.reach.firstTranslatingRule : group.first.bypassedRule
    return Finding(
      id: id, severity: lost ? .warning : group.isOutsideOnly ? .info : .error, confidence: .certain,
      subject: context.subject(group.first, group.node),
      problem: lost
        ? "\(label): endpoints do not see the client's address, though externalTrafficPolicy is Local"
        : "\(label): replies bypass \(group.node.name) and the connection hangs (\(group.places))",
      cause: lost
        ? "a rule masquerades traffic that policy Local asks to leave alone"
        : unmarked,
      evidence: rule.map { context.evidence($0, group.node) } ?? [],
      // Where other Services' clients are masqueraded, one Service's rules are at fault.
      fix: (!lost && group.node.clusterMasqueradeDone > 0 ? [group.node.restartKubeProxy] : []) + fix,
      verify: [
        group.traceCommand
      ], reference: "kubernetes/kubernetes#36835")
  }
}

extension FaultGroup {
  /// Only clients outside the cluster that dial a ClusterIP: few do, and none needs to.
  fileprivate var isOutsideOnly: Bool {
    observations.allSatisfy { $0.origin == .outside && $0.frontend.kind == .clusterIP }
  }
}

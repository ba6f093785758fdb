import Findings
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// A Pod that reaches itself through its own Service is not masqueraded: it answers itself and the connection hangs.
enum Hairpin: Check {
  static let id = "hairpin"

  static func run(_ context: CheckContext) -> [Finding] {
    ports(context) + portsOfEndpoints(context) + traced(context) + missing(context) + hostPorts(context)
  }

  /// The bridge port of a Pod does not give back what came in by it.
  private static func ports(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let kept = node.observations.filter { $0.reach.losses.contains { Losses.kernelReason($0) == id } }
      guard let first = kept.first,
        let reason = first.reach.losses.first(where: { Losses.kernelReason($0) == id })?.reason
      else { return nil }
      let services = Set(kept.map { context.label($0) }).sorted()
      return Finding(
        id: id, severity: .error, confidence: .certain,
        subject: services.count == 1 ? context.subject(first, node) : node.subject,
        problem:
          "\(first.source) cannot reach itself through \(services.prefix(3).joined(separator: ", "))\(services.count > 3 ? " …" : "")",
        cause: "\(reason)", evidence: [Finding.Evidence(text: "ip -d link: hairpin off")],
        fix: [.advice(Self.hairpinAdvice)],
        verify: [first.frontend.traceCommand(from: first.source, on: node.name)],
        reference: "kubernetes/kubernetes#13375")
    }
  }

  /// Without objects: all ports of a bridge are without hairpin mode, and rules send Service packets to hosts behind it.
  private static func portsOfEndpoints(_ context: CheckContext) -> [Finding] {
    guard context.intent.services.isEmpty else { return [] }
    return context.nodes.compactMap { node in
      let snapshot = node.snapshot
      for bridge in snapshot.links ?? [] where bridge.kind == "bridge" {
        let ports = (snapshot.links ?? []).filter { $0.master == bridge.name }
        let subnets = (snapshot.addresses ?? []).filter { $0.interface == bridge.name && !$0.address.isLinkLocal }.map {
          IPPrefix($0.address, length: $0.prefixLength)
        }
        guard !ports.isEmpty, ports.allSatisfy({ $0.hairpin == false }),
          let rule = serviceRule(into: subnets, snapshot.ruleset)
        else { continue }
        return Finding(
          id: id, severity: .warning, confidence: .likely, subject: node.subject,
          problem: "Pods of \(node.name) cannot reach themselves through their own Services",
          cause:
            "hairpin mode is off on all ports of bridge \(printable(bridge.name)): what comes in by one does not leave by it",
          evidence: [Finding.Evidence(text: "ip -d link: hairpin off")] + context.evidence(rule, node),
          fix: [.advice(Self.hairpinAdvice)], verify: ["bridge -d link"], reference: "kubernetes/kubernetes#13375")
      }
      return nil
    }
  }

  private static let hairpinAdvice =
    "set hairpin mode in the network plugin's configuration (hairpinMode of the CNI bridge plugin, hairpin-mode of kubelet)"

  /// A rule of kube-proxy's that translates to an address of these subnets.
  private static func serviceRule(into subnets: [IPPrefix], _ ruleset: Ruleset) -> RuleID? {
    ruleset.rules.indices.first { index in
      guard ruleset.name(of: ruleset.rules[index].chain).hasPrefix("KUBE-SEP-") else { return false }
      return ruleset.clauses(of: ruleset.rules[index]).contains { clause in
        guard case .statement(.destinationNAT4(let address, _, _)) = clause else { return false }
        return subnets.contains { $0.contains(IPAddress(v4: address)) }
      }
    }.map { RuleID($0) }
  }

  private static func traced(_ context: CheckContext) -> [Finding] {
    let groups = context.groups(.hairpin) { observation, node in
      !observation.reach.losses.contains { Losses.kernelReason($0) == id } && !node.isExplainedBySets(observation)
        && !node.lacksMasquerading(observation.frontend.address.version)
        && (node.masqueradeDone > 0 || node.masqueradeWanted == 0 && node.leftMarked == 0)
    }
    let (wide, single) = groups.dividedByCause()
    return wide.map { everywhere($0, context) } + single.map { finding($0, context) }
  }

  private static func everywhere(_ groups: [FaultGroup], _ context: CheckContext) -> Finding {
    let node = groups[0].node
    let first = groups[0].first
    let rules = groups.prefix(3).compactMap(\.first.reach.firstTranslatingRule)
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: node.subject,
      problem:
        "Pods of \(node.name) cannot reach themselves through \(groups.count) Service ports (\(groups.prefix(3).map { context.label($0.first) }.joined(separator: ", ")) …)",
      cause: "the endpoints' own traffic is not masqueraded ← "
        + (node.isIPVS
          ? "no rule of KUBE-POSTROUTING asks set KUBE-LOOP-BACK, or the set is wrong"
          : "the rules that mark it are missing, or name other addresses"),
      evidence: rules.flatMap { context.evidence($0, node) }, fix: [node.restartKubeProxy],
      verify: [
        first.frontend.traceCommand(from: first.source, on: node.name)
      ], reference: "kubernetes/kubernetes#13375")
  }

  private static func finding(_ group: FaultGroup, _ context: CheckContext) -> Finding {
    Finding(
      id: id, severity: .error, confidence: .certain, subject: context.subject(group.first, group.node),
      problem: "\(group.first.source) cannot reach itself through \(context.label(group.first))",
      cause:
        "the endpoint's own traffic is not masqueraded ← the rule that marks it is missing, or names another address",
      evidence: group.first.reach.firstTranslatingRule.map { context.evidence($0, group.node) } ?? [],
      fix: [group.node.restartKubeProxy],
      verify: [
        group.traceCommand
      ], reference: "kubernetes/kubernetes#13375")
  }

  /// Endpoint chains without the rule: of endpoints elsewhere too, which may move here with their chain unchanged.
  private static func missing(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let traced = Set(node.observations.filter { $0.faults.contains(.hairpin) }.map(\.source))
      // An endpoint on loopback is no endpoint; what announces it is told of elsewhere.
      let missing = node.serviceChains.withoutHairpin.filter {
        !traced.contains($0.endpoint.address) && !$0.endpoint.address.isLoopback
      }
      guard !missing.isEmpty else { return nil }
      return Finding(
        id: id, severity: .warning, confidence: .certain,
        subject: node.subject,
        problem:
          "\(missing.count) endpoint\(missing.count == 1 ? "" : "s") could not reach \(missing.count == 1 ? "itself" : "themselves") through \(node.name), e.g. \(missing[0].endpoint)",
        cause:
          "their chains do not masquerade the endpoint's own packets ← a rule was removed, or names another address than the DNAT behind it",
        evidence: missing.prefix(5).flatMap { context.evidence($0.rule, node) }, fix: [node.restartKubeProxy],
        verify: [node.checkCommand("hairpin")], reference: "kubernetes/kubernetes#13375")
    }
  }

  /// Chains of the portmap plugin that do not mark what the Pod sends to its own hostPort.
  private static func hostPorts(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let ruleset = node.snapshot.ruleset
      for index in ruleset.chains.indices
      where ruleset.names[ruleset.chains[index].name].hasPrefix("CNI-DN-") && !ruleset.chains[index].isCut {
        let rules = ruleset.rules(of: ChainID(index)).map { (id: $0, facts: RuleFacts($0, in: ruleset)) }
        let marked = rules.filter { rule in
          rule.facts.target.map { ruleset.name(of: $0) == "CNI-HOSTPORT-SETMARK" } ?? (rule.facts.setsMark != 0)
        }
        // Without any the plugin was told not to (snat: false).
        guard !marked.isEmpty,
          let bare = rules.first(where: { rule in
            guard let endpoint = rule.facts.endpoint else { return false }
            return marked.contains { $0.facts.destinationPorts == rule.facts.destinationPorts }
              && !marked.contains { mark in
                mark.facts.destinationPorts == rule.facts.destinationPorts
                  && mark.facts.source.map { $0.contains(endpoint.address) } ?? true
              }
          }), let endpoint = bare.facts.endpoint
        else { continue }
        return Finding(
          id: id, severity: .warning, confidence: .certain, subject: node.subject,
          problem:
            "Pod \(context.intent.owner(of: endpoint.address) ?? "\(endpoint.address)") (\(endpoint.address)) cannot reach itself through its hostPort \(bare.facts.destinationPorts.first ?? 0) of \(node.name)",
          cause:
            "what it sends there is not marked for masquerading before the DNAT ← the portmap plugin's rule with -j CNI-HOSTPORT-SETMARK is missing, or names another range",
          evidence: context.evidence(bare.id, node),
          fix: [.advice("make the Pod anew: the portmap plugin writes its chain again")],
          verify: ["iptables -t nat -S \(ruleset.names[ruleset.chains[index].name])"], reference: "cni/plugins#683")
      }
      return nil
    }
  }
}

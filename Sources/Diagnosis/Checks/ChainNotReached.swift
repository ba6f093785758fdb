import Findings
import Intent
import Ruleset
import Snapshot

/// A program's chains stand in the node's rules, and nothing leads to the one by which packets enter them: what the program
/// is there for does not happen, without a packet being dropped.
enum ChainNotReached: Check {
  static let id = "chain-not-reached"

  /// Where packets enter, and what nobody does without. Chains that only accept or masquerade are not among them: their
  /// absence shows in the packets (`forward-drop`, `egress-masquerade`).
  private static let entrances: [String: String] = [
    "cali-FORWARD": policies, "cali-INPUT": hostPolicies, "filter-cali-FORWARD": policies,
    "filter-cali-INPUT": hostPolicies, "KUBE-ROUTER-FORWARD": policies, "KUBE-ROUTER-INPUT": hostPolicies,
    "KUBE-ROUTER-OUTPUT": "policies do not hold for what the node sends to its Pods", "WEAVE-NPC": policies,
    "CNI-HOSTPORT-DNAT": "hostPorts of its Pods do not answer",
    "CNI-HOSTPORT-MASQ": "Pods do not reach themselves through their hostPorts, nor does the node by localhost",
    "DOCKER-USER": "the operators' own rules for Docker's networks do not hold",
    "DOCKER-FORWARD": "Docker's containers are not let out, and not kept apart",
    "DOCKER-ISOLATION-STAGE-1": "Docker's networks are not kept apart",
    "ISTIO_INBOUND": "what comes in passes the sidecar by",
    "ISTIO_OUTPUT": "what the application sends passes the sidecar by",
    "ufw-before-input": "ufw does not filter what comes in",
    "ufw-before-forward": "ufw does not filter what is forwarded",
  ]
  private static let policies = "NetworkPolicies do not hold for the node's Pods"
  private static let hostPolicies = "policies do not hold for what Pods and others send to the node"

  static func run(_ context: CheckContext) -> [Finding] { context.nodes.flatMap { run($0, context) } }

  private static func run(_ node: NodeContext, _ context: CheckContext) -> [Finding] {
    let ruleset = node.snapshot.ruleset
    guard node.hasWholeRules else { return [] }
    let named = ruleset.chains.indices.filter { index in
      let chain = ruleset.chains[index]
      return chain.isDefined && !chain.isCut && entrances[ruleset.names[chain.name]] != nil
        && !ruleset[chain.table].isCut && !ruleset[chain.table].dormant
    }
    guard named.contains(where: { ruleset.doesSomething(ChainID($0)) }) else { return [] }
    let reached = ruleset.reachedChains
    var told: Set<String> = []
    return named.compactMap { index in
      let chain = ChainID(index)
      let name = ruleset.name(of: chain)
      // Both IP versions have the same chain: one cause.
      guard !reached.contains(chain), ruleset.doesSomething(chain), ruleset.hasBases(ruleset[chain].table),
        told.insert(name).inserted
      else { return nil }
      let owner = ChainOwner(chain, ruleset)
      let file = Int(ruleset[ruleset[chain].table].file)
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: node.subject,
        problem: "\(entrances[name]!) on \(node.name)",
        cause:
          "no rule of a base chain leads to chain \(printable(name)) of \(owner.rawValue) ← the jump was removed by hand or by another program, or never written",
        evidence: [
          Finding.Evidence(
            file: ruleset.files.indices.contains(file) ? ruleset.files[file].name : nil,
            line: ruleset[chain].line > 0 ? Int(ruleset[chain].line) : nil,
            text: "\(printable(name)): \(ruleset[chain].ruleCount) rules, and no jump to it")
        ], fix: [.advice(advice(owner, node, context))],
        verify: ["iptables-save | grep -e '-j \(name)'"])
    }
  }

  private static func advice(_ owner: ChainOwner, _ node: NodeContext, _ context: CheckContext) -> String {
    switch owner {
    case .docker, .operators: return "restart Docker on \(node.name): it writes its jumps again"
    case .ufw: return "\("ufw reload" as ShellCommand) on \(node.name)"
    case .istio: return "make the Pod anew: istio-init or istio-cni writes its rules"
    case .portmap: return "delete a Pod with a hostPort on \(node.name), so that the plugin writes its jumps again"
    default: return "restart \(owner.rawValue)'s agent on \(node.name): it writes its jumps again"
    }
  }
}

extension Ruleset {
  /// Chains to which some rule leads from a base chain, base chains included.
  var reachedChains: Set<ChainID> {
    var reached: Set<ChainID> = []
    var queue = chains.indices.map { ChainID($0) }.filter { base(of: $0) != nil }
    reached.formUnion(queue)
    while let chain = queue.popLast() {
      for rule in rules(of: chain) {
        for target in targets(of: rule) where reached.insert(target).inserted { queue.append(target) }
      }
    }
    return reached
  }

  /// Some rule of a chain does more than return: Istio, Docker and others keep empty ones for later.
  fileprivate func doesSomething(_ chain: ChainID) -> Bool {
    rules(of: chain).contains { rule in
      clauses(of: self[rule]).contains {
        if case .statement(let statement) = $0 { statement != .return } else { false }
      }
    }
  }

  /// Whether the dump shows where packets enter a table: a selection of chains does not.
  func hasBases(_ table: TableID) -> Bool {
    chains.indices.contains { chains[$0].table == table && base(of: ChainID($0)) != nil }
  }

  private func targets(of rule: RuleID) -> [ChainID] {
    clauses(of: self[rule]).flatMap { clause -> [ChainID] in
      switch clause {
      case .statement(.jump(let chain)), .statement(.goto(let chain)): return [chain]
      case .statement(.verdictMap(let id)):
        guard case .verdicts(let verdicts) = sets[Int(lookups[Int(id.index)].set.index)].data else { return [] }
        return verdicts.compactMap {
          switch $0 {
          case .jump(let chain), .goto(let chain): chain
          default: nil
          }
        }
      default: return []
      }
    }
  }
}

import Findings
import Ruleset
import Snapshot

/// kube-proxy's chains are there, but nothing leads to them any more, or its canary is gone: somebody flushed tables.
enum RulesFlushed: Check {
  static let id = "rules-flushed"

  /// Names are only a hint to what is missing; that nothing is translated is measured.
  static func hasServiceRules(_ node: NodeContext) -> Bool {
    let ruleset = node.snapshot.ruleset
    return ruleset.chains.contains { chain in
      guard chain.ruleCount > 0 else { return false }
      let name = ruleset.names[chain.name]
      // Chains of nftables mode have a Service's name behind a slash; the stock ones have not.
      return name.hasPrefix("KUBE-SVC-") || name.hasPrefix("KUBE-SEP-")
        || name.contains("/") && (name.hasPrefix("service-") || name.hasPrefix("endpoint-"))
    }
  }

  static func run(_ context: CheckContext) -> [Finding] {
    let findings = traced(context)
    let told = Set(findings.compactMap(\.subject.node))
    return findings
      + context.missingRules(id) { missing, node in !(told.contains(node.name) && missing.rule.isEntrance) }
  }

  /// What traces show: nothing is translated from somewhere, or nothing masqueraded.
  private static func traced(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    for node in context.nodes where node.hasWholeRules && (node.isIPVS || hasServiceRules(node)) {
      // Rules of other Services than the ones that were handed over: that these lead nowhere says nothing of the jumps.
      let programmed = Set(ProgrammedClusterIPs.all(node.snapshot.ruleset))
      if !programmed.isEmpty,
        !context.intent.services.contains(where: { $0.clusterIPs.contains(where: programmed.contains) })
      {
        continue
      }
      func add(_ problem: String, _ cause: String, _ missing: [MissingRule]) {
        findings.append(
          Finding(
            id: id, severity: .error, confidence: .certain,
            subject: node.subject,
            problem: problem, cause: cause,
            evidence: missing.map { $0.evidence(node.snapshot.ruleset) },
            fix: [node.restartKubeProxy],
            verify: ["iptables-save -t nat | grep -c 'j KUBE-'", "nft list table ip kube-proxy"],
            reference: "k3s-io/k3s#7542"))
      }
      func entrances(_ hooks: [String]) -> [MissingRule] {
        node.missingRules.filter { missing in
          missing.rule.isEntrance && hooks.contains { missing.rule.chain.lowercased().hasSuffix($0) }
        }
      }
      let arriving = context.programsNothing(node, from: .pod) || context.programsNothing(node, from: .outside)
      let own = context.programsNothing(node, from: .node)
      if node.isIPVS {
        // Rules only mark there; what does not arrive, the checks of IPVS name.
      } else if arriving, own {
        add(
          "no Service works on \(node.name), though their rules are there",
          "nothing leads to them from prerouting or output ← the jumps of the nat hooks were removed (firewall reload, iptables -F)",
          entrances(["prerouting", "output"]))
      } else if arriving, BridgePort.keepsEverything(node) {
        // The bridge-port check tells.
      } else if arriving {
        add(
          "Pods and outside clients reach no Service through \(node.name); the node itself does",
          "the jump from the nat prerouting hook to the Service rules is missing ← a flush or a hand-made change",
          entrances(["prerouting"]))
      } else if own {
        add(
          "the node \(node.name) itself and its hostNetwork Pods reach no Service",
          "the jump from the nat output hook to the Service rules is missing ← a flush or a hand-made change",
          entrances(["output"]))
      }
      if node.masqueradesNothing {
        let missing = entrances(["postrouting"]) + node.missingRules.filter { $0.rule.finding == MasqueradeScope.id }
        add(
          "no connection to a Service is masqueraded on \(node.name): replies take another way and connections hang",
          "the nat postrouting hook no longer leads to a masquerade rule for the mark that Service rules set"
            + (missing.first.map { " ← " + $0.cause } ?? ""), missing)
      }
    }
    return findings
  }
}

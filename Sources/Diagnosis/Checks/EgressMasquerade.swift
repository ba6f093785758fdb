import Findings
import Intent
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// A plugin's rules masquerade what Pods send out of the cluster, and miss some of this node's Pods: their packets leave
/// with addresses to which nothing outside knows a way.
enum EgressMasquerade: Check {
  static let id = "egress-masquerade"

  static func run(_ context: CheckContext) -> [Finding] { context.nodes.compactMap { finding($0, context) } }

  private static func finding(_ node: NodeContext, _ context: CheckContext) -> Finding? {
    guard let name = node.node?.name, let plugin = Masquerader(node.snapshot) else { return nil }
    let tracer = PathTracer(node.snapshot)
    for pod in context.intent.pods where pod.node == name && !pod.hostNetwork && pod.ready {
      guard let address = pod.addresses.first(where: { $0.version == .v4 }), address.isPrivate,
        let outside = IPAddress("203.0.113.53")
      else { continue }
      var flow = Flow(
        ipProtocol: .tcp, source: address, sourcePort: 40000, destination: outside, destinationPort: 443,
        from: tracer.inputInterface(from: address, to: outside) ?? "")
      guard !flow.from.isEmpty, !flow.isLocal else { continue }
      flow.isFrame = true
      let trace = tracer.trace(flow)
      if let stray = stray(trace, pod, node, context) { return stray }
      let kept = trace.outcomes.filter { $0.verdict == .forward && $0.source == address && $0.assumptions.isEmpty }
      guard !kept.isEmpty, kept.count == trace.outcomes.count else { return nil }
      let owner = plugin.owner
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: node.subject,
        problem:
          "Pods of \(name) reach nothing outside the cluster, e.g. \(pod.namespace)/\(pod.name): its packets leave with the Pod's own address \(address)",
        cause:
          "\(owner.rawValue) masquerades what Pods send out (\(printable(plugin.sign))), and no rule of \(name) does it for \(address) ← "
          + (plugin.isReached
            ? "a rule was removed, or the range it names is too narrow"
            : "nothing leads from a base chain to that chain: the jump was removed"),
        evidence: plugin.chain.map { [evidence($0, node.snapshot.ruleset)] } ?? [],
        fix: [
          .advice(
            "see which range \(owner.rawValue) is told to masquerade\(owner.configuration.map { " (\($0))" } ?? ""), and restart it on \(name)"
          )
        ],
        verify: ["kubepath trace 203.0.113.53:443 --from \("\(address)")"])
    }
    return nil
  }

  /// The source is rewritten to an address that this node does not have: answers go to whoever has it.
  private static func stray(_ trace: Trace, _ pod: Pod, _ node: NodeContext, _ context: CheckContext) -> Finding? {
    guard let end = trace.outcomes.first, trace.outcomes.count == 1, end.verdict == .forward, let rule = end.sourceRule,
      end.source != trace.flow.source, !end.isAssumed, let addresses = node.snapshot.addresses,
      !addresses.contains(where: { $0.address == end.source })
    else { return nil }
    let ruleset = node.snapshot.ruleset
    let owner = ChainOwner(ruleset[rule].chain, ruleset)
    let holder = context.intent.owner(of: end.source).map { ", which is \($0)'s" } ?? ""
    return Finding(
      id: id, severity: .error, confidence: .likely, subject: node.subject,
      problem:
        "answers from outside the cluster do not come back to Pods of \(node.name), e.g. \(pod.fullName): its packets leave as from \(end.source)",
      cause:
        "a rule of \(owner.rawValue) (chain \(printable(ruleset.name(of: ruleset[rule].chain)))) translates their source to \(end.source), and no interface of \(node.name) has that address\(holder) ← the node's address changed, or was taken away",
      evidence: context.evidence(rule, node),
      fix: [
        .advice(
          "give the address back to the node, or restart \(owner == .operators ? "what wrote the rule" : "\(owner.rawValue)'s agent") on \(node.name)\(owner.configuration.map { " (\($0))" } ?? "")"
        )
      ], verify: ["kubepath trace 203.0.113.53:443 --from \("\(trace.flow.source)")", "ip addr"])
  }

  private static func evidence(_ chain: ChainID, _ ruleset: Ruleset) -> Finding.Evidence {
    let file = Int(ruleset[ruleset[chain].table].file)
    return Finding.Evidence(
      file: ruleset.files.indices.contains(file) ? ruleset.files[file].name : nil,
      line: ruleset[chain].line > 0 ? Int(ruleset[chain].line) : nil,
      text: "\(printable(ruleset.name(of: chain))): \(ruleset[chain].ruleCount) rules, none that masquerades the Pod")
  }

  /// The program that is meant to masquerade for Pods on a node, by what it leaves there.
  private struct Masquerader {
    var owner: ChainOwner
    /// What shows it.
    var sign: String
    var chain: ChainID?
    /// Some rule leads to it.
    var isReached = true

    init?(_ snapshot: Snapshot) {
      let ruleset = snapshot.ruleset
      for chain in ruleset.chains.indices {
        let name = ruleset.names[ruleset.chains[chain].name]
        let id = ChainID(chain)
        guard Self.chains.contains(name) || Self.masquerades(name, id, ruleset) else { continue }
        owner = ChainOwner(id, ruleset)
        sign = "chain \(name)"
        self.chain = id
        isReached = ruleset.reachedChains.contains(id)
        return
      }
      guard let set = snapshot.ipsets?.first(where: { $0.name == Self.kubeRoutersPods })?.name,
        ruleset.chains.contains(where: { ruleset.names[$0.name].hasPrefix("KUBE-ROUTER") })
      else { return nil }
      owner = .kubeRouter
      sign = "ipset \(set)"
    }

    private static let chains: Set = [
      "FLANNEL-POSTRTG", "cali-nat-outgoing", "nat-cali-nat-outgoing", "AWS-SNAT-CHAIN-0", "IP-MASQ-AGENT",
      "ANTREA-POSTROUTING",
    ]
    private static let kubeRoutersPods = "kube-router-pod-subnets"

    /// Chains that may be there for other reasons: they count where a rule of theirs does masquerade, or where the plugin has
    /// nothing else in them.
    private static func masquerades(_ name: String, _ chain: ChainID, _ ruleset: Ruleset) -> Bool {
      if name == "postrtg" { return ChainOwner(chain, ruleset) == .flannel }
      guard name == "CILIUM_POST_nat" else { return false }
      return ruleset.rules(of: chain).contains { rule in
        ruleset.text(of: ruleset[rule]).contains("cilium masquerade non-cluster")
      }
    }
  }
}

import Findings
import Intent
import Ruleset
import ServiceMap
import Wire

/// Something else takes packets that are meant for a Service: another Service with the same address, a hostPort, Docker,
/// a hand-made DNAT; and hostPorts that lead to Pods which are gone.
enum HostPortShadowing: Check {
  static let id = "host-port-shadowing"

  /// The addresses and ports that several Services claim, with the indexes of those Services.
  static func contested(_ intent: Cluster) -> [Frontend: Set<Int>] {
    var owner: [Frontend: Int] = [:]
    owner.reserveCapacity(intent.services.count)
    var contested: [Frontend: Set<Int>] = [:]
    for (index, service) in intent.services.enumerated() where service.isProxied {
      for frontend in service.claims {
        if let other = owner.updateValue(index, forKey: frontend), other != index {
          contested[frontend, default: [other]].insert(index)
        }
      }
    }
    return contested
  }

  static func run(_ context: CheckContext) -> [Finding] {
    twins(context) + foreign(context) + context.nodes.flatMap { hostPorts($0, context) + hostProcesses($0, context) }
  }

  private static func twins(_ context: CheckContext) -> [Finding] {
    context.contested.sorted { "\($0.key)" < "\($1.key)" }.map { frontend, owners in
      let names = owners.sorted().map { context.intent.services[$0].fullName }
      return Finding(
        id: id, severity: .warning, confidence: .certain,
        subject: context.subject(context.intent.services[owners.min()!]),
        problem: "\(frontend) is claimed by \(names.count) Services; only one of them answers",
        cause: "\(names.joined(separator: ", ")) share an address and port",
        fix: [.advice("give one of the Services another address or port")], verify: ["kubepath services  # on the node"]
      )
    }
  }
  /// Frontends that a rule outside kube-proxy's chains translates.
  private static func foreign(_ context: CheckContext) -> [Finding] {
    context.groups([.wrongEndpoints, .served]) { observation, node in
      observation.reach.firstTranslatingRule.map { context.isForeign($0, node) } ?? false
    }.map { group in
      let rule = group.first.reach.firstTranslatingRule!
      let ruleset = group.node.snapshot.ruleset
      let chain = ruleset.name(of: ruleset[rule].chain)
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(group.first, group.node),
        problem: "another application answers for \(context.label(group.first)): \(group.places)",
        cause:
          "\(RuleOwner(rule, ruleset).rawValue) in chain \(chain) takes its packets before the Service rules do and sends them to \(group.first.reach.programmed.prefix(3).map(\.description).joined(separator: ", "))",
        evidence: context.evidence(rule, group.node),
        fix: [.advice("free the port or address that the rule takes, or remove the rule if its owner is gone")],
        verify: [
          group.traceCommand
        ], reference: "cni/plugins#683")
    }
  }

  /// A NodePort's rules take the packets of a host process that listens at the same port.
  private static func hostProcesses(_ node: NodeContext, _ context: CheckContext) -> [Finding] {
    guard node.snapshot.sockets != nil else { return [] }
    return context.intent.services.filter(\.isProxied).flatMap { service in
      service.ports.filter { $0.nodePort != 0 }.compactMap { port in
        guard let process = HostSockets.holder(of: port.nodePort, port.ipProtocol, node.snapshot) else { return nil }
        return Finding(
          id: id, severity: .warning, confidence: .likely, subject: context.subject(service, port, node: node.name),
          problem:
            "clients of \(process) on \(node.name) at port \(port.nodePort) get \(service.portName(port)) instead",
          cause: "\(process) listens at the NodePort \(port.nodePort), whose rules take all packets to it",
          evidence: [Finding.Evidence(text: "ss: \(process) on port \(port.nodePort)")],
          fix: [.advice("move \(process) to another port, or give the Service another nodePort")],
          verify: ["ss -lntup | grep ':\(port.nodePort) '"], reference: "kubernetes/kubernetes#97360")
      }
    }
  }

  /// Rules of the portmap plugin: ports given twice, and Pods that are gone.
  private static func hostPorts(_ node: NodeContext, _ context: CheckContext) -> [Finding] {
    let ruleset = node.snapshot.ruleset
    var findings: [Finding] = []
    func add(_ rule: RuleID, _ problem: String, _ cause: String) {
      findings.append(
        Finding(
          id: id, severity: .warning, confidence: .likely,
          subject: node.subject, problem: problem, cause: cause,
          evidence: context.evidence(rule, node),
          fix: [.advice("delete the rule and its chain: the Pod that asked for the port does not run any more")],
          verify: ["iptables -t nat -S CNI-HOSTPORT-DNAT"], reference: "cni/plugins#683"))
    }
    struct Port: Hashable {
      var family: Family
      var ipProtocol: UInt32
      var port: UInt16
    }
    var first: [Port: RuleID] = [:]
    for index in ruleset.chains.indices {
      let name = ruleset.names[ruleset.chains[index].name]
      guard name.hasPrefix("CNI-HOSTPORT-DNAT") || name.hasPrefix("CNI-DN-") else { continue }
      for rule in ruleset.rules(of: ChainID(index)) {
        let facts = RuleFacts(rule, in: ruleset)
        if let endpoint = facts.endpoint, isGone(endpoint.address, node, context) {
          add(
            rule, "a hostPort of \(node.name) leads to \(endpoint), an address that no Pod has",
            "the rule outlived its Pod ← the CNI did not remove it")
        }
        guard facts.target != nil, name.hasPrefix("CNI-HOSTPORT-DNAT"), let ipProtocol = facts.ipProtocol else {
          continue
        }
        for port in facts.destinationPorts {
          let key = Port(family: ruleset[ruleset.chains[index].table].family, ipProtocol: ipProtocol, port: port)
          if first.updateValue(rule, forKey: key) != nil {
            add(
              rule, "hostPort \(port) of \(node.name) is given twice; only the first rule ever matches",
              "a stale rule, or two Pods with one hostPort")
          }
        }
      }
    }
    return findings
  }

  /// Of a Pod of this node by its range, and among the objects there is no such Pod, though there are others.
  private static func isGone(_ address: IPAddress, _ node: NodeContext, _ context: CheckContext) -> Bool {
    guard let own = node.node, own.podCIDRs.contains(where: { $0.contains(address) }) else { return false }
    return context.intent.podOfAddress[address] == nil && context.intent.pods.contains { $0.node == own.name }
  }
}

extension CheckContext {
  /// Whether a rule stands in a chain that is not kube-proxy's.
  func isForeign(_ rule: RuleID, _ node: NodeContext) -> Bool { RuleOwner(rule, node.snapshot.ruleset) != .kubeProxy }
}

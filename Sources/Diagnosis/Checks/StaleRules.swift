import Findings
import Intent
import PacketPath
import ServiceMap
import Snapshot

/// The rules of one Service port are not what its endpoints ask for.
enum StaleRules: Check {
  static let id = "stale-rules"

  static func run(_ context: CheckContext) -> [Finding] {
    let kinds: Observation.Faults = [
      .ignored, .partlyIgnored, .wrongEndpoints, .refused, .served, .notRefused, .uneven, .noShortCircuit,
    ]
    let diverged = Dictionary(
      context.nodes.map { node in
        (
          node.name,
          Set(EBPFMapDiverged.divergences(node.snapshot).map { EndpointAddress($0.wanted.address, $0.wanted.port) })
        )
      }, uniquingKeysWith: { $0.union($1) })
    let groups = context.groups(kinds) { observation, node in
      // ebpf-map-diverged has the cause.
      let frontend = EndpointAddress(observation.frontend.address, observation.frontend.port)
      if diverged[node.name]?.contains(frontend) == true { return false }
      // Said once for the node by other checks.
      if observation.faults == .ignored || observation.faults == .refused,
        context.programsNothing(node, from: observation.origin)
      {
        return false
      }
      if observation.faults.isSubset(of: [.ignored, .refused]),
        node.lacksEntrance(of: observation.frontend.address.version, for: observation.origin)
      {
        return false
      }
      if node.isExplainedBySets(observation) || leavesNode(observation, node) { return false }
      if observation.faults == .ignored, observation.frontend.kind == .nodePort,
        node.versionsWithoutNodePorts.contains(observation.frontend.address.version)
      {
        return false
      }
      if observation.isRefusedBehind { return false }
      // A node that answers for no NodePort at all may have none on this address (nodePortAddresses).
      if observation.faults == .notRefused, observation.frontend.kind == .nodePort, node.nodePortsAnswered == 0 {
        return false
      }
      // A proxy that detects no local traffic (detectLocalMode none) cannot tell Pods apart.
      if observation.faults == .noShortCircuit, observation.origin == .pod, node.clusterMasqueradeDone == 0 {
        return false
      }
      // host-port-shadowing names whose rule it is.
      if let rule = observation.reach.firstTranslatingRule, context.isForeign(rule, node) { return false }
      return !observation.reach.untracked
    }
    let foreign = foreignFindings(groups.filter { isForeign($0, context) }, context)
    return groups.filter { !isForeign($0, context) }.map { finding($0, context) } + foreign + clusterIPs(context)
      + directRouting(context) + leftovers(context)
      + ebpfLeftovers(context) + nodePorts(context)
  }

  /// IPVS mode: there is a virtual server, and no interface holds its address; ipvs-address-missing tells.
  private static func leavesNode(_ o: Observation, _ node: NodeContext) -> Bool {
    node.isIPVS && o.faults == .ignored && !o.reach.untranslatedIsLocal
      && (node.snapshot.virtualServers ?? []).contains {
        $0.address == o.frontend.address && $0.port == o.frontend.port
          && $0.ipProtocol == o.frontend.ipProtocol.rawValue
      }
  }

  /// IPVS mode: kube-proxy's real servers are all reached by translation.
  private static func directRouting(_ context: CheckContext) -> [Finding] {
    guard context.nodes.contains(where: \.isIPVS) else { return [] }
    let frontends = FrontendIndex(context.intent)
    return context.nodes.filter(\.isIPVS).flatMap { node in
      VirtualServers.owned(node, frontends).compactMap { server, owner -> Finding? in
        let strange = server.realServers.filter { $0.forwarding != .masquerade && $0.weight > 0 }
        guard let first = strange.first else { return nil }
        let service = context.intent.services[owner.service]
        let port = service.ports[owner.port]
        let endpoint = EndpointAddress(first.address, first.port)
        return Finding(
          id: id, severity: .error, confidence: .certain, subject: context.subject(service, port, node: node.name),
          problem:
            "\(service.portName(port)) fails on \(node.name) for connections to \(endpoint): they arrive with the Service's address",
          cause:
            "its real server is of method \(first.forwarding.rawValue), where kube-proxy always uses Masq ← the table was changed by hand",
          evidence: strange.prefix(3).map { VirtualServers.evidence($0, of: server, node) },
          fix: [node.restartKubeProxy], verify: ["ipvsadm -Ln"])
      }
    }
  }

  /// Frontends of Services that are gone, or that they do not have any more.
  private static func leftovers(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      var services: [String: [Frontend]] = [:]
      for entry in node.leftovers { services[entry.service, default: []].append(entry.frontend) }
      return services.sorted { $0.key < $1.key }.map { service, frontends in
        let places = frontends.prefix(3).map(\.description).joined(separator: ", ")
        let rule = node.leftovers.first { $0.service == service }?.rule
        let name = service.prefix { $0 != ":" }
        let isGone = context.intent.serviceIndex[String(name)] == nil
        return Finding(
          id: id, severity: .warning, confidence: .likely, subject: node.subject,
          problem: "\(node.name) still serves \(places) for \(service), which the cluster does not have",
          cause: (isGone
            ? "Service \(name) is not among the objects" : "Service \(name) has no such address or port any more")
            + " ← \(node.proxy) is behind, or the rules are left from before",
          evidence: rule.map { context.evidence($0, node) } ?? [], fix: [node.restartKubeProxy],
          verify: ["kubectl get services -A", node.servicesCommand])
      }
    }
  }

  /// Cilium: ClusterIPs in its tables that no Service has, where the objects are those of all namespaces.
  private static func ebpfLeftovers(_ context: CheckContext) -> [Finding] {
    guard context.intent.serviceIndex["default/kubernetes"] != nil else { return [] }
    let intended = IntendedFrontends(context.intent)
    return context.nodes.flatMap { node -> [Finding] in
      var seen: Set<EndpointAddress> = []
      return (node.snapshot.ebpfFrontends ?? []).compactMap { frontend -> Finding? in
        let name = EndpointAddress(frontend.address, frontend.port)
        guard frontend.kind == "ClusterIP", let ipProtocol = frontend.ipProtocol, !frontend.usable.isEmpty,
          !intended.contains(frontend.address, frontend.port, ipProtocol), seen.insert(name).inserted
        else { return nil }
        return Finding(
          id: id, severity: .warning, confidence: .likely, subject: node.subject,
          problem: "\(node.name) still serves \(name), which is no Service's address and port",
          cause: "Cilium's table has it with \(frontend.usable.count) backends ← Cilium is behind",
          evidence: [
            Finding.Evidence(
              file: node.snapshot.fileName(frontend.file), line: frontend.line > 0 ? frontend.line : nil,
              text: "\(name): \(frontend.usable.count) backends")
          ], fix: [node.restartKubeProxy],
          verify: ["kubectl get services -A", "cilium-dbg service list"])
      }
    }
  }

  /// nftables mode: a ClusterIP that is not in the set of all of them.
  private static func clusterIPs(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in
      node.planes.flatMap { plane in
        (ClusterIPSet.missing(plane, context.intent) ?? []).map { entry in
          let service = context.intent.services[entry.service]
          return Finding(
            id: id, severity: .warning, confidence: .certain, subject: context.subject(service, node: node.name),
            problem:
              "packets to ports that \(service.fullName) does not have leave \(node.name) instead of being refused: clients time out",
            cause: "\(entry.address) is not in set cluster-ips ← kube-proxy is behind, or the element was removed",
            evidence: [
              Finding.Evidence(
                file: plane.fileName,
                text: "\(plane.family.rawValue) kube-proxy: no \(entry.address) in set cluster-ips")
            ],
            fix: [node.restartKubeProxy],
            verify: ["nft get element \(plane.family.rawValue) kube-proxy cluster-ips '{ \(entry.address) }'"])
        }
      }
    }
  }

  /// nftables mode: no address of the node answers for NodePorts.
  private static func nodePorts(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in
      node.versionsWithoutNodePorts.filter { version in
        node.observations.contains {
          $0.faults.contains(.ignored) && $0.frontend.kind == .nodePort && $0.frontend.address.version == version
        }
      }.map { version in
        let family = version == .v4 ? "ip" : "ip6"
        return Finding(
          id: id, severity: .error, confidence: .likely, subject: node.subject,
          problem: "no NodePort answers at the \(version == .v4 ? "IPv4" : "IPv6") addresses of \(node.name)",
          cause:
            "set nodeport-ips holds none of them ← nodePortAddresses of kube-proxy's configuration leaves them out, or elements were removed",
          evidence: [
            Finding.Evidence(
              file: node.planes.first { $0.mode == .nftables && $0.family.version == version }?.fileName,
              text: "\(family) kube-proxy: no address of the node in set nodeport-ips")
          ], fix: [node.restartKubeProxy], verify: ["nft list set \(family) kube-proxy nodeport-ips"])
      }
    }
  }

  private static func finding(_ group: FaultGroup, _ context: CheckContext) -> Finding {
    let o = group.observations.max { weight($0.faults) < weight($1.faults) }!
    let label = context.label(o)
    let service = context.intent.services[o.service]
    let selection = group.node.selections[o.selection]
    var severity = Finding.Severity.error
    let problem: String
    var cause: String
    var evidence: [Finding.Evidence] = []
    if o.faults.contains(.ignored) {
      problem = "\(label) does not answer: \(group.places) is not translated"
      cause =
        "no rule for it on \(group.node.name), though it has \(selection.cluster.count) endpoints ← \(group.node.proxy) is behind, or a rule was removed"
    } else if o.faults.contains(.refused) {
      problem = "\(label) is refused: \(group.places)"
      let step = o.reach.losses.first?.step
      let refuser =
        o.reach.balancer.map { $0.hasEndpoint } == false
        ? "its entry in the table has no endpoint to give"
        : step.map { $0.rule == nil } == true
          ? "the policy of chain \(printable(context.chainName(step, group.node))) drops it"
          : context.chainName(step, group.node) == "cluster-ips-check"
            ? "nothing in map service-ips leads it to an endpoint, and what is not translated is refused"
            : "a rule refuses it as if it had no endpoints"
      let count = selection.cluster.count
      cause = "\(refuser), though it has \(count) endpoint\(count == 1 ? "" : "s") ← \(group.node.proxy) is behind"
      evidence += context.evidence(o.reach.losses.first?.step, group.node)
    } else if o.faults.contains(.partlyIgnored) {
      problem = "a share of new connections to \(label) fails: \(group.places)"
      let share = o.reach.untranslated + o.reach.rejected + o.reach.dropped
      cause =
        "\(Int((share * 1000).rounded()) / 10) % of them match no endpoint rule ← a chain without its DNAT rule, or probabilities that do not add up"
      // What takes the rest, or a rule that takes its share.
      evidence += context.evidence(o.reach.losses.first?.step, group.node)
      if evidence.isEmpty, let rule = o.reach.firstTranslatingRule { evidence += context.evidence(rule, group.node) }
    } else if o.faults.contains(.wrongEndpoints) {
      let programmed = o.reach.programmed
      let wanted = o.expected.acceptable.first ?? []
      let extra = programmed.subtracting(wanted)
      let missing = wanted.subtracting(programmed)
      problem = "\(label) is served by other endpoints than the cluster has: \(group.places)"
      cause =
        [
          extra.isEmpty
            ? nil
            : "the rules send to \(list(extra)), which \(extra.count == 1 ? "is" : "are") not among its usable endpoints",
          missing.isEmpty ? nil : "they do not know \(list(missing))",
        ].compactMap { $0 }.joined(separator: "; ") + " ← \(group.node.proxy) is behind, or rules were changed by hand"
      if let rule = o.reach.firstTranslatingRule { evidence += context.evidence(rule, group.node) }
    } else if o.faults.contains(.served) {
      problem = "\(label) is served though it has no usable endpoint: \(group.places)"
      cause = "the rules still send to \(list(o.reach.programmed)) ← stale rules"
      if let rule = o.reach.firstTranslatingRule { evidence += context.evidence(rule, group.node) }
    } else if o.faults.contains(.notRefused) {
      severity = .warning
      problem =
        "\(label) has no usable endpoint and is not refused: clients time out instead of failing fast (\(group.places))"
      cause = "the rule that answers for it is missing ← kube-proxy is behind, or its filter rules were removed"
    } else if o.faults.contains(.noShortCircuit) {
      severity = .warning
      problem = "\(label): clients inside the cluster are treated like outside ones: \(group.places)"
      cause =
        "externalTrafficPolicy Local is applied to \(o.origin.rawValue), whom the rules should send to all \(selection.cluster.count) endpoints ← the short-circuit rule for Pods or for the node is missing"
      if let rule = o.reach.firstTranslatingRule { evidence += context.evidence(rule, group.node) }
    } else {
      severity = .warning
      problem = "\(label) is not balanced evenly: \(group.places)"
      let shares = zip(o.reach.endpoints, o.reach.shares).prefix(4).map {
        "\($0) \(Int(($1 * 1000).rounded()) / 10) %"
      }
      cause = "the rules give \(shares.joined(separator: ", ")) ← a probability was changed or an endpoint stands twice"
    }
    evidence += VirtualServers.evidence(o.reach.balancer, group.node)
    if o.reach.isUncertain { cause += " (assuming: \(o.reach.assumptions.prefix(1).joined()))" }
    return Finding(
      id: id, severity: severity, confidence: o.reach.isUncertain ? .likely : .certain,
      subject: context.subject(o, group.node),
      problem: problem, cause: cause, evidence: evidence,
      fix: [group.node.restartKubeProxy],
      verify: [
        service.slicesCommand,
        group.node.servicesCommand,
      ],
      reference: "kubernetes/kubernetes#38372", occurrences: group.occurrences(context))
  }

  // MARK: Rules of others

  private static func isForeign(_ group: FaultGroup, _ context: CheckContext) -> Bool {
    let worst = group.observations.max { weight($0.faults) < weight($1.faults) }!
    return !worst.faults.contains(.ignored) && worst.faults.contains(.refused)
      && foreignRefusal(worst, group.node, context) != nil
  }

  /// One for each rule or policy that stops them.
  private static func foreignFindings(_ groups: [FaultGroup], _ context: CheckContext) -> [Finding] {
    struct Key: Hashable {
      var node: String
      var step: Step
    }
    var order: [Key] = []
    var found: [Key: [FaultGroup]] = [:]
    for group in groups {
      let loss = group.observations.lazy.compactMap { foreignRefusal($0, group.node, context) }.first!
      let key = Key(node: group.node.name, step: loss.step!)
      if found[key] == nil { order.append(key) }
      found[key, default: []].append(group)
    }
    return order.map { foreignFinding($0.step, found[$0]!, context) }
  }

  /// The loss by a rule that is not kube-proxy's: it is no matter of stale rules.
  private static func foreignRefusal(_ o: Observation, _ node: NodeContext, _ context: CheckContext) -> Reach.Loss? {
    o.reach.losses.first { loss in
      guard let step = loss.step, loss.translatedTo == nil else { return false }
      return !node.snapshot.ruleset.isKubeProxys(step.chain)
    }
  }

  private static func foreignFinding(_ step: Step, _ groups: [FaultGroup], _ context: CheckContext) -> Finding {
    let node = groups[0].node
    let ruleset = node.snapshot.ruleset
    let stopped = groups.flatMap(\.observations).filter { foreignRefusal($0, node, context)?.step == step }
    let first = stopped[0]
    let remedy = Remedy(at: step, node.snapshot, context.intent)
    let chain = "\(printable(ruleset[ruleset[step.chain].table].name)) \(printable(ruleset.name(of: step.chain)))"
    let verb = foreignRefusal(first, node, context)?.verdict == .reject ? "rejected" : "dropped"
    let label = context.label(first)
    let what = groups.count == 1 ? "\(label) is" : "\(groups.count) Service ports are"
    var fix = remedy.fixes(
      for: stopped.map {
        Remedy.Passage(
          ipProtocol: $0.frontend.ipProtocol, source: $0.source, destination: $0.frontend.address,
          port: $0.frontend.port)
      })
    if step.rule != nil, remedy.owner == .operators {
      fix.insert(
        .advice(
          "see whether the rule is meant to stop this traffic, and delete it in the firewall's configuration if not"),
        at: 0)
    }
    // Policies of host endpoints may apply before translation: what they ask for stands in objects of the plugin's own kind.
    let isPolicy = remedy.owner.enforcesPolicies
    return Finding(
      id: isPolicy ? NetworkPolicyDrop.id : ForwardDrop.id, severity: isPolicy ? .warning : .error,
      confidence: first.reach.isUncertain || isPolicy ? .likely : .certain,
      subject: groups.count == 1 ? context.subject(first, node) : node.subject,
      problem: "\(what) \(verb) before any Service rule sees it: \(groups[0].places)",
      cause:
        "\(step.rule == nil ? "the policy" : "rule \(step.position)") of \(chain) (hook \(step.hook.rawValue)) ← not kube-proxy's: \(remedy.owner.rawValue)\(isPolicy ? ", by a policy for this node (\(remedy.owner.configuration ?? "")) or rules that are behind it" : "")",
      evidence: context.evidence(step, node), fix: fix, verify: [node.servicesCommand],
      occurrences: stopped.map { context.occurrence($0, node) })
  }

  private static func list(_ backends: EndpointSet) -> String {
    backends.prefix(3).map(\.description).joined(separator: ", ")
      + (backends.count > 3 ? " and \(backends.count - 3) more" : "")
  }

  private static func weight(_ faults: Observation.Faults) -> Int {
    let order: [Observation.Faults] = [
      .noShortCircuit, .uneven, .notRefused, .served, .wrongEndpoints, .partlyIgnored, .refused, .ignored,
    ]
    return order.lastIndex { faults.contains($0) } ?? -1
  }
}

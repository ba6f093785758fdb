import Findings
import Intent
import ServiceMap
import Snapshot
import Wire

/// NetworkPolicies stop connections: the way to an endpoint ends in a chain that enforces them, or the objects tell that
/// nobody is let in, no client from outside, or no Pod out to the cluster's DNS.
enum NetworkPolicyDrop: Check {
  static let id = "network-policy-drop"

  /// Chains of Calico, kube-router and others; the drop itself is measured, the name says whose it is.
  static func isPolicyChain(_ name: String) -> Bool {
    [
      "cali-", "filter-cali-", "mangle-cali-", "raw-cali-", "KUBE-NWPLCY", "KUBE-POD-FW", "KUBE-ROUTER", "WEAVE-NPC",
      "CILIUM", "ANTREA", "felix",
    ].contains {
      name.hasPrefix($0)
    }
  }

  static func run(_ context: CheckContext) -> [Finding] {
    traced(context)
      + (context.intent.networkPolicies.isEmpty
        ? [] : ingress(context) + narrow(context) + outgoing(context) + names(context))
  }

  private static func traced(_ context: CheckContext) -> [Finding] {
    Losses.collect(context) { loss, chain in isPolicyChain(chain) }.map { entry in
      if let finding = judged(entry, context) { return finding }
      return Finding(
        id: id, severity: .warning, confidence: .likely,
        subject: entry.node.subject,
        problem:
          "\(entry.count) Service frontends end in a network policy on \(entry.node.name), e.g. \(entry.example)",
        cause:
          "chain \(context.chainName(entry.loss.step, entry.node)) drops it\(policies(behind: entry.loss, context))",
        evidence: context.evidence(entry.loss.step, entry.node),
        fix: entry.loss.step.map {
          Remedy(at: $0, entry.node.snapshot, context.intent).fixes(for: entry.passages)
        } ?? [],
        verify: [entry.node.checkCommand("network-policy-drop")],
        occurrences: entry.observations.map { context.occurrence($0, entry.node) })
    }
  }

  /// Where the objects settle it: a policy says so, which is as it should be; or all allow it, and the agent's rules are
  /// at fault.
  private static func judged(_ entry: Losses.Entry, _ context: CheckContext) -> Finding? {
    let intent = context.intent
    guard let first = entry.observations.first else { return nil }
    let (source, ipProtocol) = (first.source, first.frontend.ipProtocol)
    guard let endpoint = entry.loss.translatedTo,
      let pod = intent.podOfAddress[endpoint.address].map({ intent.pods[$0] })
    else { return nil }
    if let denial = intent.policyDenial(from: source, to: endpoint, ipProtocol) {
      return Finding(
        id: id, severity: .info, confidence: .certain, subject: entry.node.subject,
        problem:
          "\(entry.count) Service frontends end in a network policy on \(entry.node.name), as the objects ask, e.g. \(entry.example)",
        cause: "\(denial) ← chain \(context.chainName(entry.loss.step, entry.node)) carries it out",
        evidence: context.evidence(entry.loss.step, entry.node),
        fix: [.advice("if clients are to get in, allow them in the policy")],
        verify: [entry.node.checkCommand("network-policy-drop")])
    }
    guard !intent.networkPolicies.isEmpty,
      case .allowed = intent.policyVerdict(
        .ingress, of: pod, with: intent.policyPeer(at: source), port: endpoint.port, ipProtocol)
    else { return nil }
    let owner = entry.loss.step.map { ChainOwner($0.chain, entry.node.snapshot.ruleset) }
    let agent = owner.map { $0 == .operators ? "the network plugin" : $0.rawValue } ?? "the network plugin"
    return Finding(
      id: id, severity: .error, confidence: .likely, subject: entry.node.subject,
      problem:
        "\(entry.count) Service frontends end in a network policy on \(entry.node.name) that the objects do not ask for, e.g. \(entry.example)",
      cause:
        "chain \(context.chainName(entry.loss.step, entry.node)) drops it, and no NetworkPolicy keeps \(source) from Pod \(pod.namespace)/\(pod.name) ← \(agent) is behind the objects, or a policy of its own kind denies it",
      evidence: context.evidence(entry.loss.step, entry.node),
      fix: [
        .advice(
          "read the log of \(agent) on \(entry.node.name) and restart it there\(owner?.configuration.map { "; its own policies: \($0)" } ?? "")"
        )
      ],
      verify: [entry.node.checkCommand("network-policy-drop")])
  }

  /// Those that isolate the endpoint's Pod.
  private static func policies(behind loss: Reach.Loss, _ context: CheckContext) -> String {
    let intent = context.intent
    guard let endpoint = loss.translatedTo, let pod = intent.podOfAddress[endpoint.address].map({ intent.pods[$0] })
    else { return "" }
    let selecting = (intent.policiesOfNamespace[pod.namespace] ?? []).filter {
      intent.networkPolicies[$0].selects(pod) && intent.networkPolicies[$0].rules[.ingress] != nil
    }
    return selecting.isEmpty ? "" : " ← \(intent.policyNames(selecting)), of Pod \(pod.namespace)/\(pod.name)"
  }

  // MARK: what the objects alone tell

  private static let enforcement = "where the CNI enforces NetworkPolicies"

  /// Service ports none of whose Pods lets anybody in, or anybody from outside where the Service is offered there: one finding
  /// for the policies that do it.
  private static func ingress(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    var everybody: [[Int]: [(service: Int, port: Int)]] = [:]
    var outsiders: [[Int]: [(service: Int, port: Int)]] = [:]
    for (index, service) in intent.services.enumerated() where service.isProxied {
      for (number, port) in service.ports.enumerated() {
        let selection = EndpointSelection(intent, service, port, service.clusterIPs[0].version, node: nil)
        if let policies = denied(selection.cluster, .anybody, port.ipProtocol, intent) {
          everybody[policies, default: []].append((index, number))
          continue
        }
        let isOffered = port.nodePort != 0 || !service.externalIPs.isEmpty || !service.loadBalancerIPs.isEmpty
        guard isOffered, let policies = denied(selection.cluster, .outsider, port.ipProtocol, intent) else { continue }
        outsiders[policies, default: []].append((index, number))
      }
    }
    func order(_ a: [Int], _ b: [Int]) -> Bool { a.lexicographicallyPrecedes(b) }
    return everybody.sorted { order($0.key, $1.key) }.map {
      closed($0.value, "nobody reaches", $0.key, .error, context)
    }
      + outsiders.sorted { order($0.key, $1.key) }.map {
        closed($0.value, "clients outside the cluster do not reach", $0.key, .info, context)
      }
  }

  private static func closed(
    _ ports: [(service: Int, port: Int)], _ what: String, _ policies: [Int], _ severity: Finding.Severity,
    _ context: CheckContext
  ) -> Finding {
    let intent = context.intent
    let service = intent.services[ports[0].service]
    let names = ports.map { intent.services[$0.service].portName(intent.services[$0.service].ports[$0.port]) }
    let list = names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
    let first = intent.networkPolicies[policies[0]]
    var finding = Finding(
      id: id, severity: severity, confidence: .likely,
      subject: ports.count == 1
        ? context.subject(service, service.ports[ports[0].port])
        : Finding.Subject(kind: "NetworkPolicy", namespace: first.namespace, name: first.name),
      problem: "\(what) \(list), \(enforcement)",
      cause: "no ingress rule allows it ← \(intent.policyNames(policies)) isolates all of its Pods",
      evidence: evidence(policies, context), fix: [.look(first.editCommand, why: "allow its clients in spec.ingress")],
      verify: ["kubectl -n \(first.namespace) describe networkpolicy"])
    finding.occurrences = names.map { Finding.Occurrence(service: $0) }
    return finding
  }

  /// Policies that let some Pods in and others not, one finding each: whom they stop. That is what policies are for, unless
  /// something tells that it stops its own clients: connections that hang, a rule for labels that nobody has, or Pods that all
  /// but carry the label which it asks for.
  private static func narrow(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    let clients = intent.pods.filter { !$0.hostNetwork && !$0.isOver && !$0.addresses.isEmpty }
    return intent.networkPolicies.enumerated().compactMap { index, policy in
      guard let rules = policy.rules[.ingress], !rules.isEmpty else { return nil }
      let indexes = context.objects.candidates(for: policy).filter {
        let pod = intent.pods[Int($0)]
        return !pod.hostNetwork && !pod.isOver && policy.selects(pod)
      }
      let pods = indexes.map { intent.pods[Int($0)] }
      guard let server = pods.first else { return nil }
      let services = context.objects.services(ofPods: indexes.lazy.map { Int($0) }).filter {
        intent.services[$0].isProxied
      }
      guard !services.isEmpty, let port = server.ports.first else { return nil }
      var stopped: [Pod] = []
      var admitted = 0
      for client in clients.prefix(examined) where client.name != server.name {
        switch intent.policyVerdict(.ingress, of: server, with: .pod(client), port: port.port, port.ipProtocol) {
        case .denied(let policies): if policies.contains(index) { stopped.append(client) }
        // Namespaces that are not among the objects decide.
        case .unknown: return nil
        case .allowed: admitted += 1
        }
      }
      guard !stopped.isEmpty, admitted > 0 || isForPodsAlone(rules), !intent.isPartial else { return nil }
      let near = stopped.filter { $0.namespace == policy.namespace }
      let doubt = doubt(policy, rules, stopped, pods, admitted, context)
      let examples = doubt?.pod.map { [$0] } ?? Array((near.isEmpty ? stopped : near).prefix(3))
      let whom =
        admitted == 0 ? "lets none of the Pods reach" : "lets \(admitted) of the Pods reach"
      return Finding(
        id: id, severity: doubt == nil ? .info : .error, confidence: doubt?.confidence ?? .likely,
        subject: Finding.Subject(kind: "NetworkPolicy", namespace: policy.namespace, name: policy.name),
        problem:
          "NetworkPolicy \(policy.fullName) \(whom) \(context.names(of: services)) and stops \(stopped.count) others, e.g. \(examples.map(\.fullName).joined(separator: ", ")), \(enforcement)",
        cause: doubt?.words ?? "none of its ingress rules is for them",
        evidence: evidence([index], context) + (doubt?.evidence ?? []),
        fix: [.look(policy.editCommand, why: "if one of those is a client, add its labels to spec.ingress[].from")],
        verify: ["kubectl -n \(policy.namespace) describe networkpolicy \(policy.name)"])
    }
  }

  /// Its rules name Pods by their labels: an address outside may be anybody's.
  private static func isForPodsAlone(_ rules: [NetworkPolicy.Rule]) -> Bool {
    rules.allSatisfy { rule in
      !rule.peers.isEmpty
        && rule.peers.allSatisfy { peer in
          if case .pods = peer { true } else { false }
        }
    }
  }

  /// Why a policy may stop whom it is meant to let in.
  private struct Doubt {
    var words: String
    var confidence: Finding.Confidence
    var evidence: [Finding.Evidence] = []
    /// Whom it stops.
    var pod: Pod?
  }

  private static func doubt(
    _ policy: NetworkPolicy, _ rules: [NetworkPolicy.Rule], _ stopped: [Pod], _ servers: [Pod], _ admitted: Int,
    _ context: CheckContext
  ) -> Doubt? {
    if let seen = hanging(stopped, servers, context) {
      return Doubt(words: "connections of a stopped Pod hang: \(seen.text)", confidence: .certain, evidence: [seen])
    }
    if admitted == 0 {
      return Doubt(
        words: "its ingress rules are for \(wanted(rules)), and no Pod of the cluster has that", confidence: .likely)
    }
    let near = stopped.lazy.filter { $0.namespace == policy.namespace }.compactMap { pod in
      Self.almost(pod, rules).map { (pod, $0) }
    }.first
    guard let (pod, label) = near else { return nil }
    return Doubt(
      words:
        "it lets \(label.key)=\(label.wanted) in, and Pod \(pod.fullName) has \(label.key)=\(label.value) ← its rule is for one of two names that read like one application",
      confidence: .possible, evidence: [context.intent.evidence(pod, ": \(label.key)=\(label.value)")], pod: pod)
  }

  /// `role=client`, or several of such.
  private static func wanted(_ rules: [NetworkPolicy.Rule]) -> String {
    var texts: [String] = []
    for rule in rules {
      for case .pods(let labels, let namespaces) in rule.peers {
        let own = labels.requirements.map { "\($0.key)=\($0.values.joined(separator: "|"))" }
        let place = (namespaces?.requirements ?? []).map { "\($0.key)=\($0.values.joined(separator: "|"))" }
        texts.append(
          [
            own.isEmpty ? "any Pods" : "Pods with \(printable(own.joined(separator: ",")))",
            place.isEmpty ? "" : "of namespaces with \(printable(place.joined(separator: ",")))",
          ].filter { !$0.isEmpty }.joined(separator: " "))
      }
    }
    return texts.prefix(3).joined(separator: ", or ")
  }

  /// The label in which a Pod differs from what a rule asks for by a word more or less: `frontend` and `frontend-external`.
  private static func almost(
    _ pod: Pod, _ rules: [NetworkPolicy.Rule]
  ) -> (key: String, wanted: String, value: String)? {
    for rule in rules {
      for case .pods(let labels, _) in rule.peers {
        let differing = labels.requirements.filter { requirement in
          requirement.comparison == .in
            && !pod.labels.contains { $0.key == requirement.key && requirement.values.contains($0.value) }
        }
        guard differing.count == 1, let only = differing.first, only.values.count == 1,
          let value = pod.labels.first(where: { $0.key == only.key })?.value
        else { continue }
        let wanted = only.values[0]
        let (short, long) = wanted.utf8.count < value.utf8.count ? (wanted, value) : (value, wanted)
        if long.hasPrefix(short + "-") { return (only.key, wanted, value) }
      }
    }
    return nil
  }

  /// So many possible clients are asked for.
  private static let examined = 500

  /// A connection of a stopped client that waits for its first answer.
  private static func hanging(_ stopped: [Pod], _ servers: [Pod], _ context: CheckContext) -> Finding.Evidence? {
    let sources = Set(stopped.flatMap(\.addresses))
    let targets = Set(servers.flatMap(\.addresses))
    return unanswered(context) { sources.contains($0.original.source) && targets.contains($0.reply.source) }
  }

  private static func unanswered(
    _ context: CheckContext, _ isOne: (ConnectionEntry) -> Bool
  ) -> Finding.Evidence? {
    for node in context.nodes {
      for entry in node.snapshot.connections ?? [] where entry.unreplied && entry.state == "SYN_SENT" && isOne(entry) {
        return node.snapshot.evidence(
          "SYN_SENT [UNREPLIED] \(entry.original.source) → \(entry.original.destination):\(entry.original.destinationPort)",
          at: FilePlace(file: entry.file, line: entry.line))
      }
    }
    return nil
  }

  /// Connections of Pods that their own policies do not let out, seen to hang.
  private static func outgoing(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard intent.networkPolicies.contains(where: { $0.rules[.egress] != nil }) else { return [] }
    var told: Set<[Int]> = []
    var findings: [Finding] = []
    for node in context.nodes {
      for entry in node.snapshot.connections ?? [] where entry.unreplied && entry.state == "SYN_SENT" {
        guard let client = intent.podOfAddress[entry.original.source].map({ intent.pods[$0] }),
          intent.policiesOfNamespace[client.namespace] != nil,
          case .denied(let policies) = intent.policyVerdict(
            .egress, of: client, with: intent.policyPeer(at: entry.reply.source), port: entry.reply.sourcePort, .tcp),
          told.insert(policies).inserted
        else { continue }
        let first = intent.networkPolicies[policies[0]]
        let target = EndpointAddress(entry.reply.source, entry.reply.sourcePort)
        findings.append(
          Finding(
            id: id, severity: .error, confidence: .certain,
            subject: Finding.Subject(kind: "NetworkPolicy", namespace: first.namespace, name: first.name),
            problem:
              "Pod \(client.fullName) does not reach \(intent.owner(of: target.address) ?? "\(target)") (port \(target.port)): its own policy does not let it out",
            cause: "no egress rule allows it ← \(intent.policyNames(policies))",
            evidence: evidence(policies, context) + [
              node.snapshot.evidence(
                "SYN_SENT [UNREPLIED] \(entry.original.source) → \(entry.original.destination):\(entry.original.destinationPort)",
                at: FilePlace(file: entry.file, line: entry.line))
            ],
            fix: [.look(first.editCommand, why: "allow it in spec.egress")],
            verify: ["kubectl -n \(first.namespace) describe networkpolicy \(first.name)"]))
      }
    }
    return findings
  }

  /// The policies that isolate all of the endpoints' Pods from a peer; nil: some may be reached, or is no known Pod's.
  private static func denied(
    _ endpoints: EndpointSet, _ peer: PolicyPeer, _ ipProtocol: IPProtocol, _ intent: Cluster
  ) -> [Int]? {
    var all: Set<Int> = []
    for endpoint in endpoints {
      guard let pod = intent.podOfAddress[endpoint.address].map({ intent.pods[$0] }),
        case .denied(let policies) = intent.policyVerdict(
          .ingress, of: pod, with: peer, port: endpoint.port, ipProtocol)
      else { return nil }
      all.formUnion(policies)
    }
    return all.isEmpty ? nil : all.sorted()
  }

  /// Pods that are not let out to the cluster's DNS: nothing of theirs works that starts with a name.
  private static func names(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard let index = DNSService.index(intent), let port = intent.services[index].ports.first(where: { $0.port == 53 })
    else { return [] }
    let service = intent.services[index]
    let servers = EndpointSelection(intent, service, port, service.clusterIPs[0].version, node: nil).cluster
    guard !servers.isEmpty else { return [] }
    var silenced: [[Int]: [Pod]] = [:]
    for pod in intent.pods where !pod.hostNetwork && intent.policiesOfNamespace[pod.namespace] != nil {
      var policies: [Int] = []
      let isCutOff = servers.allSatisfy { server in
        guard
          case .denied(let list) = intent.policyVerdict(
            .egress, of: pod, with: intent.policyPeer(at: server.address), port: server.port, port.ipProtocol)
        else { return false }
        policies = list
        return true
      }
      if isCutOff { silenced[policies, default: []].append(pod) }
    }
    return silenced.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { policies, pods in
      let first = intent.networkPolicies[policies[0]]
      let many = pods.count == 1 ? "Pod" : "\(pods.count) Pods, one of them"
      return Finding(
        id: id, severity: .error, confidence: .likely,
        subject: Finding.Subject(kind: "NetworkPolicy", namespace: first.namespace, name: first.name),
        problem: "\(many) \(pods[0].namespace)/\(pods[0].name) cannot resolve names, \(enforcement)",
        cause:
          "no egress rule allows port \(servers.first!.port) of \(service.fullName)'s Pods ← \(intent.policyNames(policies))",
        evidence: evidence(policies, context),
        fix: [
          .advice("allow UDP and TCP 53 to \(service.namespace) in the policy: \(first.editCommand)")
        ],
        verify: ["kubectl -n \(pods[0].namespace) exec \(pods[0].name) -- nslookup kubernetes.default"])
    }
  }

  private static func evidence(_ policies: [Int], _ context: CheckContext) -> [Finding.Evidence] {
    policies.prefix(3).map { index in
      let policy = context.intent.networkPolicies[index]
      let rules = policy.rules.sorted { $0.key.rawValue < $1.key.rawValue }.map {
        "\($0.value.count) rule\($0.value.count == 1 ? "" : "s") for \($0.key.rawValue)"
      }
      return context.intent.evidence(
        "NetworkPolicy", policy.name, policy.fullName, in: policy.file,
        ": isolates its Pods, with \(rules.joined(separator: " and "))")
    }
  }
}

import Findings
import Intent
import ServiceMap
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
      + (context.intent.networkPolicies.isEmpty ? [] : ingress(context) + narrow(context) + names(context))
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

  /// Policies that let some Pods in and others not, one finding each: whom they stop. That is what policies are for, unless a
  /// connection of somebody whom they stop was seen to hang.
  private static func narrow(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    let clients = intent.pods.filter { !$0.hostNetwork && !$0.isOver && !$0.addresses.isEmpty }
    return intent.networkPolicies.enumerated().compactMap { index, policy in
      guard let rules = policy.rules[.ingress], !rules.isEmpty else { return nil }
      let own = context.objects.podsOfNamespace[policy.namespace] ?? []
      let indexes = own.filter {
        let pod = intent.pods[Int($0)]
        return !pod.hostNetwork && !pod.isOver && policy.selects(pod)
      }
      let pods = indexes.map { intent.pods[Int($0)] }
      guard let server = pods.first else { return nil }
      let services = Set(indexes.flatMap { context.objects.servicesOfPod[$0] ?? [] }).map { Int($0) }.filter {
        intent.services[$0].isProxied
      }.sorted()
      guard !services.isEmpty, let port = server.ports.first else { return nil }
      var stopped: [Pod] = []
      var admitted = 0
      for client in clients.prefix(examined) where client.name != server.name {
        if case .denied(let policies) = intent.policyVerdict(
          .ingress, of: server, with: .pod(client), port: port.port, port.ipProtocol)
        {
          if policies.contains(index) { stopped.append(client) }
        } else {
          admitted += 1
        }
      }
      guard !stopped.isEmpty, admitted > 0 else { return nil }
      let hanging = hanging(stopped, pods, context)
      let near = stopped.filter { $0.namespace == policy.namespace }
      let example = (near.isEmpty ? stopped : near).prefix(3).map(\.fullName).joined(separator: ", ")
      return Finding(
        id: id, severity: hanging == nil ? .info : .error, confidence: hanging == nil ? .likely : .certain,
        subject: Finding.Subject(kind: "NetworkPolicy", namespace: policy.namespace, name: policy.name),
        problem:
          "NetworkPolicy \(policy.fullName) lets \(admitted) of the Pods reach \(context.names(of: services)) and stops \(stopped.count) others, e.g. \(example), \(enforcement)",
        cause: hanging.map { "connections of a stopped Pod hang: \($0.text)" }
          ?? "none of its ingress rules is for them",
        evidence: evidence([index], context) + (hanging.map { [$0] } ?? []),
        fix: [.look(policy.editCommand, why: "if one of those is a client, add its labels to spec.ingress[].from")],
        verify: ["kubectl -n \(policy.namespace) describe networkpolicy \(policy.name)"])
    }
  }

  /// So many possible clients are asked for.
  private static let examined = 500

  /// A connection of a stopped client that waits for its first answer.
  private static func hanging(_ stopped: [Pod], _ servers: [Pod], _ context: CheckContext) -> Finding.Evidence? {
    let sources = Set(stopped.flatMap(\.addresses))
    let targets = Set(servers.flatMap(\.addresses))
    for node in context.nodes {
      for entry in node.snapshot.connections ?? []
      where entry.unreplied && entry.state == "SYN_SENT" && sources.contains(entry.original.source)
        && targets.contains(entry.reply.source)
      {
        return Finding.Evidence(
          file: node.snapshot.fileName(entry.file), line: entry.line > 0 ? entry.line : nil,
          text:
            "SYN_SENT [UNREPLIED] \(entry.original.source) → \(entry.original.destination):\(entry.original.destinationPort)"
        )
      }
    }
    return nil
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
      return Finding.Evidence(
        file: context.intent.files.indices.contains(policy.file) ? context.intent.files[policy.file].name : nil,
        text: "NetworkPolicy \(policy.fullName): isolates its Pods, with \(rules.joined(separator: " and "))")
    }
  }
}

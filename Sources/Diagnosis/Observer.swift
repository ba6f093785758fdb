import Intent
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// Traces every frontend of every Service through one node, from each origin, and keeps what differs from intent.
struct Observer {
  let snapshot: Snapshot
  let intent: Cluster
  let node: Node?
  let probe: Probe
  let localPods: [IPVersion: [IPAddress]]
  /// A Pod that runs elsewhere, where the objects name one.
  let remotePod: [IPVersion: IPAddress]
  let outside: [IPVersion: IPAddress]
  let ownAddresses: Set<IPAddress>
  let nodeAddress: [IPVersion: IPAddress]
  /// What several Services claim.
  let contested: [Frontend: Set<Int>]
  private let refused: RefusedAddresses
  /// Endpoints of this node that were asked from another node.
  private var arrived: Set<EndpointAddress> = []
  var context: NodeContext

  /// The Services to trace; nil: all.
  private let only: Set<Int>?

  init(_ snapshot: Snapshot, _ intent: Cluster, contested: [Frontend: Set<Int>], only: Set<Int>? = nil) {
    self.only = only
    self.contested = contested
    self.snapshot = snapshot
    refused = RefusedAddresses(snapshot.ruleset)
    self.intent = intent
    ownAddresses = Set((snapshot.addresses ?? []).map(\.address))
    node = intent.node(addresses: ownAddresses, name: snapshot.name)
    let model = NodeModel(snapshot, indexed: true)
    probe = Probe(model)
    outside = [.v4: ServiceMap.outsideAddress(.v4, snapshot), .v6: ServiceMap.outsideAddress(.v6, snapshot)]
    var addresses: [IPVersion: IPAddress] = [:]
    for address in (node?.internalIPs ?? [])
      + (snapshot.addresses ?? []).filter({ $0.scope == "global" }).map(\.address)
    where addresses[address.version] == nil {
      addresses[address.version] = address
    }
    nodeAddress = addresses
    localPods = Self.localPods(intent, node, ownAddresses)
    remotePod = Self.remotePod(intent, node)
    context = NodeContext(
      snapshot: snapshot, name: node?.name ?? snapshot.name, node: node,
      isIPVS: !(snapshot.virtualServers ?? []).isEmpty)
    context.pod = PodNamespace.pod(snapshot, intent)
    context.isNftables = snapshot.ruleset.tables.contains { $0.backend == .nft && $0.name == "kube-proxy" }
  }

  private static func remotePod(_ intent: Cluster, _ node: Node?) -> [IPVersion: IPAddress] {
    guard let node else { return [:] }
    var found: [IPVersion: IPAddress] = [:]
    for pod in intent.pods
    where pod.node != node.name && !pod.node.isEmpty && !pod.hostNetwork && pod.ready && found.count < 2 {
      for address in pod.addresses where found[address.version] == nil { found[address.version] = address }
    }
    return found
  }

  /// Addresses of Pods on this node, a few that stand for all.
  private static func localPods(_ intent: Cluster, _ node: Node?, _ own: Set<IPAddress>) -> [IPVersion: [IPAddress]] {
    guard let node else { return [:] }
    var found: [IPVersion: [IPAddress]] = [:]
    for pod in intent.pods where pod.node == node.name && !pod.hostNetwork {
      for address in pod.addresses where !own.contains(address) { found[address.version, default: []].append(address) }
    }
    if let id = intent.nameID(node.name) {
      outer: for slice in intent.slices {
        for endpoint in slice.endpoints where endpoint.node == id && !own.contains(endpoint.address) {
          let version = endpoint.address.version
          if !(found[version]?.contains(endpoint.address) ?? false) {
            found[version, default: []].append(endpoint.address)
          }
          if found[version]!.count > 20 { break outer }
        }
      }
    }
    return found
  }

  mutating func run() -> NodeContext {
    // A Pod's namespace has no rules for Services; the node that it is on has.
    if context.pod != nil { return context }
    healthChecks()
    context.lacksVirtualServers =
      snapshot.virtualServers == nil
      && (snapshot.addresses ?? []).contains { $0.interface == "kube-ipvs0" && !$0.address.isLinkLocal }
    if context.lacksVirtualServers { return context }
    let addresses = intent.services.lazy.filter(\.isProxied).flatMap(\.clusterIPs)
    context.withoutRules = [.v4, .v6].filter { version in
      !RuleDumpMissing.hasRules(snapshot, version) && addresses.contains { $0.version == version }
    }
    for (index, service) in intent.services.enumerated() where service.isProxied && only?.contains(index) != false {
      for number in service.ports.indices {
        for version in [IPVersion.v4, .v6]
        where !context.withoutRules.contains(version) && service.clusterIPs.contains(where: { $0.version == version }) {
          observe(index, number, version)
        }
      }
    }
    if only == nil { context.leftovers = leftovers() }
    return context
  }

  /// Where the objects are those of all namespaces: what the rules serve beyond them.
  private func leftovers() -> [(frontend: Frontend, service: String, rule: RuleID?)] {
    guard !context.isIPVS, intent.serviceIndex["default/kubernetes"] != nil else { return [] }
    let intended = IntendedFrontends(intent)
    var list: [(frontend: Frontend, service: String, rule: RuleID?)] = []
    var traced = 0
    for frontend in ServiceMap.candidates(probe.model) {
      let isKnown =
        frontend.kind == .nodePort || ownAddresses.contains(frontend.address)
        ? intended.hasNodePort(frontend.port, frontend.ipProtocol) || !(30000...32767).contains(frontend.port)
        : intended.contains(frontend.address, frontend.port, frontend.ipProtocol)
      // Rules of other programs are many where no Service is: few traces tell.
      guard !isKnown, traced < 512, let source = outside[frontend.address.version] ?? nil else { continue }
      traced += 1
      let reach = probe.reach(frontend, source: source, from: nil, labelled: true)
      guard reach.translated > 0, let label = reach.label else { continue }
      list.append((frontend, label, reach.firstTranslatingRule))
    }
    return list
  }

  /// What asks from outside at the ports where kube-proxy tells load balancers of a node's endpoints.
  private mutating func healthChecks() {
    guard let address = node?.internalIPs.first, let outside = outside[address.version] else { return }
    for (index, service) in intent.services.enumerated() where service.isProxied && service.healthCheckNodePort != 0 {
      let reach = probe.reach(
        Frontend(.nodePort, address, service.healthCheckNodePort, .tcp), source: outside, from: nil)
      guard reach.untranslated < 0.5, reach.programmed.isEmpty else { continue }
      context.closedHealthChecks.append((index, reach.losses.first?.step))
    }
  }

  private mutating func observe(_ index: Int, _ number: Int, _ version: IPVersion) {
    let service = intent.services[index]
    let port = service.ports[number]
    let selection = EndpointSelection(intent, service, port, version, node: node)
    let slot = context.selections.count
    var kept = false
    var frontends: [Frontend] = []
    for (list, kind) in [
      (service.clusterIPs, Frontend.Kind.clusterIP), (service.externalIPs, .externalIP),
      (service.loadBalancerIPs, .loadBalancer),
    ] {
      for address in list where address.version == version {
        frontends.append(Frontend(kind, address, port.port, port.ipProtocol))
      }
    }
    if port.nodePort != 0, let address = nodeAddress[version] {
      frontends.append(Frontend(.nodePort, address, port.nodePort, port.ipProtocol))
    }
    let pods = localPods[version] ?? []
    let pod = pods.first { address in !selection.known.contains { $0.address == address } } ?? pods.first
    for frontend in frontends {
      context.frontends += 1
      var origins: [(Origin, IPAddress, String?)] = [(.outside, outside[version]!, nil)]
      if let own = probe.tracer.sourceAddress(to: frontend.address) { origins.append((.node, own, Flow.local)) }
      if let pod { origins.append((.pod, pod, nil)) }
      // What other nodes' Pods send to a ClusterIP arrives here translated.
      if let remote = remotePod[version], frontend.kind != .clusterIP { origins.append((.remotePod, remote, nil)) }
      // Two Services claim it: whose endpoints it should have is not settled; host-port-shadowing tells.
      if !contested.isEmpty,
        contested[Frontend(.address, frontend.address, frontend.port, frontend.ipProtocol)] != nil
      {
        continue
      }
      for (origin, source, from) in origins {
        let reach = probe.reach(frontend, source: source, from: from)
        context.traced += 1
        var expected = Expectation.of(frontend.kind, origin, service, selection, source: source, isIPVS: context.isIPVS)
        // How Cilium treats the client's address its tables do not tell.
        if case .ebpf = reach.balancer {
          expected.masquerade = nil
          expected.shortCircuit = []
          // Only clients on this node reach ClusterIPs through it.
          if frontend.kind == .clusterIP, origin == .outside || origin == .remotePod { expected.mayRefuse = true }
        }
        var observation = Observation(
          service: index, port: number, frontend: frontend, origin: origin, source: source, reach: reach,
          expected: expected, selection: slot)
        observation.faults = judge(observation, service, selection)
        observation.isRefusedBehind = observation.faults == .notRefused && isRefusedBehind(observation)
        if observation.faults == .refused, frontend.kind == .loadBalancer, !service.sourceRanges.isEmpty,
          let step = reach.losses.first?.step, snapshot.ruleset.guardsRanges(step.chain)
        {
          observation.faults = .rangeRefused
        }
        if observation.faults.contains(.notMasqueraded), let endpoint = bypassing(observation, selection).first {
          observation.bypassedRule = probe.rule(to: endpoint, of: frontend, source: source, from: from)
        }
        count(observation)
        if origin == .outside, port.ipProtocol == .udp, reach.masqueraded > 0 { secondDatagram(&observation) }
        if !observation.faults.isEmpty {
          context.observations.append(observation)
          kept = true
        }
      }
      if frontend.kind == .loadBalancer { sourceRanges(frontend, selection, index, number, slot, &kept) }
    }
    if let address = service.clusterIPs.first(where: { $0.version == version }) {
      let frontend = Frontend(.clusterIP, address, port.port, port.ipProtocol)
      hairpin(frontend, selection, index, number, slot, &kept)
      arrivals(frontend, selection, index, number, slot, &kept)
    }
    if selection.usesHints { context.usesHints.append(index) }
    if kept { context.selections.append(selection) }
  }

  /// A client of each of loadBalancerSourceRanges that no traced origin stands for.
  private mutating func sourceRanges(
    _ frontend: Frontend, _ selection: EndpointSelection, _ index: Int, _ number: Int, _ slot: Int, _ kept: inout Bool
  ) {
    let service = intent.services[index]
    let version = frontend.address.version
    for range in service.sourceRanges.prefix(16)
    where range.address.version == version && !range.contains(outside[version]!) {
      let client = range.firstHost
      guard !ownAddresses.contains(client), !client.isLoopback else { continue }
      let reach = probe.reach(frontend, source: client, from: nil)
      context.traced += 1
      // What fails for other reasons fails for the other origins too, and is theirs to tell.
      guard reach.programmed.isEmpty, !reach.isUncertain, let step = reach.losses.first?.step,
        snapshot.ruleset.guardsRanges(step.chain)
      else { continue }
      let expected = Expectation.of(
        frontend.kind, .outside, service, selection, source: client, isIPVS: context.isIPVS)
      guard expected.result == .serve, !expected.mayRefuse else { continue }
      var observation = Observation(
        service: index, port: number, frontend: frontend, origin: .outside, source: client, reach: reach,
        expected: expected, selection: slot)
      observation.faults = .rangeRefused
      context.observations.append(observation)
      kept = true
    }
  }

  private mutating func count(_ observation: Observation) {
    let reach = observation.reach
    if observation.frontend.kind == .nodePort, observation.origin == .outside,
      reach.translated + reach.rejected + reach.dropped + reach.lostBehindTranslation > 0
    {
      context.nodePortsAnswered += 1
    }
    guard observation.expected.result == .serve, !observation.expected.mayRefuse else { return }
    context.expectedFrom[observation.origin, default: 0] += 1
    if observation.reach.translated + observation.reach.lostBehindTranslation > 0 {
      context.translatedFrom[observation.origin, default: 0] += 1
    }
    if observation.expected.masquerade == true, observation.reach.translated > 0 {
      if observation.reach.leftMarked { context.leftMarked += 1 }
      if observation.reach.deliveredHere < observation.reach.translated,
        observation.frontend.kind != .clusterIP || observation.reach.masqueraded > 0
      {
        context.masqueradeWanted += 1
      }
      if observation.reach.masqueraded > 0 {
        context.masqueradeDone += 1
        if observation.frontend.kind == .clusterIP { context.clusterMasqueradeDone += 1 }
      }
    }
  }

  /// Of a flow that nobody answers, later datagrams are translated as the first was, and meet FORWARD as new ones
  /// without its mark: as if they were sent to the endpoint.
  private func secondDatagram(_ observation: inout Observation) {
    guard let endpoint = observation.reach.masqueradedEndpoints.first, !ownAddresses.contains(endpoint.address) else {
      return
    }
    let direct = probe.reach(
      Frontend(.address, endpoint.address, endpoint.port, .udp), source: observation.source, from: nil)
    guard let loss = direct.losses.first, direct.dropped > 0.999, loss.step?.hook == .forward else { return }
    observation.faults.insert(.onlyFirstDatagram)
    observation.dropOfSecond = loss.step
  }

  private func judge(_ o: Observation, _ service: Service, _ selection: EndpointSelection) -> Observation.Faults {
    var faults: Observation.Faults = []
    let reach = o.reach
    let programmed = reach.programmed
    let tiny = 1e-6
    switch o.expected.result {
    case .reject, .drop:
      if !programmed.isEmpty {
        let rangeMatters = o.frontend.kind == .loadBalancer && !service.sourceRanges.isEmpty && o.expected.mayRefuse
        faults.insert(rangeMatters ? .rangesIgnored : .served)
      } else if reach.untranslated > tiny,
        reach.untranslatedIsLocal
          ? o.frontend.kind == .nodePort && o.origin == .outside && !context.isIPVS
          : o.origin != .node || o.frontend.kind == .clusterIP
      {
        // kube-proxy never refuses the node's own packets to external addresses.
        faults.insert(.notRefused)
      }
    case .serve:
      if programmed.isEmpty {
        if reach.untranslated > 0.5 {
          let answered = o.expected.mayRefuse && reach.untranslatedIsLocal
          if !answered, !isAnsweredHere(o), !servedElsewhere(o) { faults.insert(.ignored) }
        } else if !o.expected.mayRefuse {
          faults.insert(.refused)
        } else if !o.expected.shortCircuit.isEmpty, !context.isNftables || o.origin == .pod {
          // Releases of nftables mode before 1.33 dropped the node's own packets here (kubernetes/kubernetes#131765).
          faults.insert(.noShortCircuit)
        }
        return faults
      }
      if !reach.isUncertain || service.affinity != nil, reach.untranslated > tiny { faults.insert(.partlyIgnored) }
      if reach.rejected + reach.dropped > tiny, !reach.isUncertain { faults.insert(.partlyIgnored) }
      if reach.lostBehindTranslation > tiny { faults.insert(.lostBehind) }
      let certain = programmed.subtracting(selection.ambiguous)
      if !o.expected.acceptable.contains(where: { $0.subtracting(selection.ambiguous) == certain }) {
        faults.insert(.wrongEndpoints)
      }
      if !faults.contains(.wrongEndpoints), service.affinity == nil, !reach.isUncertain, reach.endpoints.count > 1 {
        let share = 1 / Double(reach.endpoints.count)
        if reach.translated > 0.999, reach.shares.contains(where: { abs($0 - share) > 1e-4 }) {
          faults.insert(.uneven)
        }
      }
      if !o.expected.shortCircuit.isEmpty, faults.isEmpty,
        !o.expected.shortCircuit.contains(where: { $0.subtracting(selection.ambiguous) == certain })
      {
        faults.insert(.noShortCircuit)
      }
      if let wanted = o.expected.masquerade, reach.translated > tiny {
        if wanted, reach.masqueraded < reach.translated - reach.deliveredHere - tiny,
          !bypassing(o, selection).isEmpty
        {
          faults.insert(.notMasqueraded)
        }
        // What only some unknown match rewrites may be rewritten for another reason.
        let isSure = !reach.isUncertain || reach.masqueraded > reach.translated - tiny
        if !wanted, reach.masqueraded > tiny, isSure { faults.insert(.sourceLost) }
      }
    }
    return faults
  }

  /// A program of the node itself answers at the Service's address: a DNS cache that keeps the packets untracked, and
  /// holds the address on a device of its own (nodelocaldns).
  private func isAnsweredHere(_ o: Observation) -> Bool {
    let (address, port) = (o.frontend.address, o.frontend.port)
    guard o.reach.untranslatedIsLocal, o.frontend.kind != .nodePort,
      (snapshot.addresses ?? []).contains(where: { $0.address == address && !$0.isOfServiceDevice })
    else { return false }
    guard let sockets = snapshot.sockets else { return o.reach.untracked }
    return HostSockets.listeners(sockets, o.frontend.ipProtocol, port).contains { $0.localAddress == address }
  }

  /// kube-proxy holds the rule that refuses, and another program's rule accepts before it comes to that.
  private func isRefusedBehind(_ o: Observation) -> Bool {
    refused.contains(o.frontend.address, o.frontend.port)
  }

  /// The endpoints of other nodes that see the client's own address and whose answers go to it past this node.
  /// An answer that returns through the node anyway needs no rewriting, though kube-proxy rewrites it all the same.
  private func bypassing(_ o: Observation, _ selection: EndpointSelection) -> EndpointSet {
    o.origin == .node && returns(to: o.source)
      ? [] : o.reach.endpoints.subtracting(o.reach.masqueradedEndpoints).subtracting(selection.local)
  }

  /// Answers to this address find this node from anywhere in the cluster: others, as of kube-ipvs0 or docker0, every
  /// node has.
  private func returns(to address: IPAddress) -> Bool {
    address == nodeAddress[address.version] || node?.internalIPs.contains(address) == true
      || node?.podCIDRs.contains { $0.contains(address) } == true
  }

  /// kube-proxy serves NodePorts on some addresses of the node only (nodePortAddresses).
  private func servedElsewhere(_ o: Observation) -> Bool {
    guard o.frontend.kind == .nodePort,
      let loopback = o.frontend.address.version == .v4 ? IPAddress("127.0.0.1") : IPAddress("::1")
    else { return false }
    for address in [loopback]
      + ownAddresses.filter({ $0.version == o.frontend.address.version && $0 != o.frontend.address }).sorted().prefix(8)
    {
      let other = Frontend(.nodePort, address, o.frontend.port, o.frontend.ipProtocol)
      if !probe.reach(other, source: address, from: Flow.local).programmed.isEmpty { return true }
    }
    return false
  }

  /// A Pod that reaches itself through its Service must see another source address.
  private mutating func hairpin(
    _ frontend: Frontend, _ selection: EndpointSelection, _ index: Int, _ number: Int, _ slot: Int, _ kept: inout Bool
  ) {
    let own = selection.local.first { !ownAddresses.contains($0.address) }
    guard let own else { return }
    let reach = probe.reach(frontend, source: own.address, from: nil)
    context.traced += 1
    if case .ebpf = reach.balancer { return }
    let isKept = reach.losses.contains { if case .bridge(.hairpinOff) = $0.reason { true } else { false } }
    guard isKept || reach.endpoints.contains(own) && !reach.masqueradedEndpoints.contains(own) else { return }
    var observation = Observation(
      service: index, port: number, frontend: frontend, origin: .pod, source: own.address, reach: reach,
      expected: Expectation(result: .serve), selection: slot)
    observation.faults = .hairpin
    context.observations.append(observation)
    kept = true
  }

  /// Pods of other nodes reach the endpoints of this one: their own nodes have translated the packets.
  private mutating func arrivals(
    _ frontend: Frontend, _ selection: EndpointSelection, _ index: Int, _ number: Int, _ slot: Int, _ kept: inout Bool
  ) {
    guard let source = remotePod[frontend.address.version] else { return }
    for endpoint in selection.local where arrived.insert(endpoint).inserted {
      var reach = probe.reach(
        Frontend(.address, endpoint.address, endpoint.port, frontend.ipProtocol), source: source, from: nil)
      context.traced += 1
      guard !reach.losses.isEmpty, reach.untranslated + reach.translated < 1e-6, !reach.isUncertain else { continue }
      for at in reach.losses.indices { reach.losses[at].translatedTo = endpoint }
      var observation = Observation(
        service: index, port: number, frontend: frontend, origin: .remotePod, source: source, reach: reach,
        expected: Expectation(result: .serve), selection: slot)
      observation.faults = .lostBehind
      context.observations.append(observation)
      kept = true
    }
  }
}

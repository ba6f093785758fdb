import Ruleset
import Snapshot
import Wire

// The routing decisions: net/ipv4/route.c and fib_frontend.c, net/ipv6/route.c.
extension Engine {
  private func address(_ bits: Bits128, _ b: Branch) -> IPAddress { IPAddress(bits: bits, version: b.packet.version) }

  private func query(_ b: Branch, input: Bits128) -> RoutingTables.Query {
    RoutingTables.Query(
      version: b.packet.version, destination: b.packet.destination,
      source: node.routing.readsSource(b.packet.version) ? b.packet.source : .zero, inputInterface: input,
      mark: b.packet.mark, typeOfService: b.packet.typeOfService & 0x1C, ipProtocol: b.packet.ipProtocol,

      sourcePort: node.routing.readsSourcePort(b.packet.version) ? b.packet.sourcePort : 0,
      destinationPort: b.packet.destinationPort, userID: b.packet.userID)
  }

  /// Whether an address is the node's own; nil: the snapshot does not tell, and this branch has not assumed it.
  func isLocal(_ b: Branch, _ value: IPAddress) -> Bool? {
    if node.routing.localKnown(value.version) { return node.routing.isLocal(value) }
    if value.isLoopback { return true }
    if value.isMulticast { return false }
    return assumedLocal(b, value)
  }

  /// After PREROUTING: to this node, through it, or nowhere. False: the branch ended.
  mutating func routeInput(_ b: inout Branch) -> Bool {
    let destination = address(b.packet.destination, b)
    let input = interface(b.packet.input)
    if b.packet.version == .v4, let martian = martian4(b, destination, input) {
      finish(b, .noroute, .martian(martian))
      return false
    }
    guard node.routing.known(b.packet.version) else { return routeInputWithoutRoutes(&b, destination) }
    var result = node.routing.lookup(query(b, input: b.packet.input))
    if case .multipath(let index, let hops) = result { result = choose(&b, index, hops) }
    switch result {
    case .none:
      finish(b, .noroute, .noRoute(.destination, destination))
      return false
    case .refused(let type, let route):
      b.packet.route = route
      b.packet.nextHop = -1
      finish(b, .noroute, .refusingRoute(.destination, destination, type))
      return false
    case .multipath: return false
    case .route(let index, let hop):
      b.packet.route = index
      b.packet.nextHop = hop
      b.packet.routeKnown = true
      switch node.routing.type(of: index) {
      case .local, .anycast, .broadcast:
        guard sourceAccepted(&b, input) else { return false }
        b.packet.routedLocally = true
        return enter(&b, .input)
      case .multicast:
        b.packet.routedLocally = true
        return enter(&b, .input)
      default: break
      }
      guard forwardingAllowed(&b, input) else { return false }
      guard sourceAccepted(&b, input) else { return false }
      b.packet.routedLocally = false
      b.packet.routedOutput = node.routing.interface(of: index, hop: hop)
      b.packet.output = b.packet.routedOutput
      return forward(&b)
    }
  }

  private func enter(_ b: inout Branch, _ stage: Stage) -> Bool {
    b.stage = stage
    b.entry = 0
    b.natChain = 0
    b.inChain = false
    return true
  }

  /// Whether a translation on a bridge sends the packet back to it: then it is bridged, not routed, and its hop limit
  /// stays (br_nf_pre_routing_finish in net/bridge/br_netfilter_hooks.c). False: the branch ended.
  mutating func routeOnBridge(_ b: inout Branch) -> Bool {
    let destination = address(b.packet.destination, b)
    let input = interface(b.packet.input)
    if b.packet.version == .v4, martian4(b, destination, input) != nil { return true }
    guard node.routing.known(b.packet.version),
      case .route(let index, let hop) = node.routing.lookup(query(b, input: b.packet.input)),
      node.routing.type(of: index) == .unicast,
      node.routing.interface(of: index, hop: hop) == b.packet.input
    else { return true }
    // Without forwarding the decision is "unreachable", which IP carries out (net/ipv4/route.c). IPv6 asks later.
    if b.packet.version == .v4, input.forwarding4 == 0 { return true }
    guard sourceAccepted(&b, input) else { return false }
    if b.packet.version == .v4, input.forwarding4 == nil { assumeOnce(&b, .forwarding(.v4)) }
    b.packet.route = index
    b.packet.nextHop = hop
    b.packet.routeKnown = true
    b.packet.routedLocally = false
    b.packet.frame.isForOther = true
    return true
  }

  private mutating func forward(_ b: inout Branch) -> Bool {
    b.packet.timeToLiveChanged = Int32(assumptions.count)
    if let hops = b.packet.timeToLive {
      if hops <= 1 {
        finish(b, .drop, .hopLimit(hops))
        return false
      }
      b.packet.timeToLive = hops - 1
    }
    return enter(&b, .forward)
  }

  /// With rules alone: an address of the node is delivered, anything else is forwarded to an interface unknown.
  private mutating func routeInputWithoutRoutes(_ b: inout Branch, _ destination: IPAddress) -> Bool {
    if isLocal(b, destination) == nil { forkOnLocality(&b, destination, clause: 0) }
    b.packet.routeKnown = false
    if isLocal(b, destination) == true {
      b.packet.routedLocally = true
      return enter(&b, .input)
    }
    b.packet.routedLocally = false
    b.packet.outputUnknown = true
    assumeOnce(&b, .route(destination))
    return forward(&b)
  }

  /// Several next hops: the kernel hashes the flow over their weights.
  private mutating func choose(_ b: inout Branch, _ index: Int32, _ hops: [(hop: Int32, weight: Int)])
    -> RoutingTables.Result
  {
    // A fork re-enters the routing decision with its choice made.
    let total = Double(hops.reduce(0) { $0 + $1.weight })
    if b.choice < 0 {
      for position in hops.indices.dropFirst() {
        guard let other = fork(b, chance: Double(hops[position].weight) / total) else { continue }
        pending[other].choice = Int32(position)
      }
      b.take(chance: Double(hops[0].weight) / total)
      b.choice = 0
    }
    let hop = hops[min(Int(b.choice), hops.count - 1)].hop
    b.choice = -1
    return .route(index: index, hop: hop)
  }

  private func martian4(_ b: Branch, _ destination: IPAddress, _ input: InterfaceFacts) -> Reason.Martian? {
    let p = b.packet
    if p.sourceIsMulticast || p.sourceMatches(Bits128(UInt32.max), mask: .ones) {
      return .sourceNotUnicast(address(p.source, b))
    }
    let isNetZero = p.sourceMatches(.zero, mask: Bits128(UInt32(255) << 24)) && !p.sourceIsUnspecified
    if destination.isUnspecified || isNetZero { return .addressInNetZero }
    if p.input != Self.loopback, !input.routesLoopback, destination.isLoopback || p.sourceIsLoopback {
      return destination.isLoopback
        ? .loopbackDestination(destination, interface: input.name)
        : .loopbackSource(address(p.source, b), interface: input.name)
    }
    return nil
  }

  private mutating func forwardingAllowed(_ b: inout Branch, _ input: InterfaceFacts) -> Bool {
    let version = b.packet.version
    guard let setting = version == .v4 ? input.forwarding4 : input.forwarding6 else {
      assumeOnce(&b, .forwarding(version))
      return true
    }
    if setting == 0 {
      finish(b, .noroute, .forwardingOff(version, interface: input.name))
      return false
    }
    return true
  }

  static func forwardingKey(_ version: IPVersion) -> String {
    version == .v4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
  }

  /// fib_validate_source: rp_filter, and martian sources.
  private mutating func sourceAccepted(_ b: inout Branch, _ input: InterfaceFacts) -> Bool {
    guard b.packet.version == .v4, b.packet.input != Self.loopback else { return true }
    if b.packet.sourceIsUnspecified { return true }
    let filter = input.reversePathFilter
    let acceptsLocal = input.acceptsLocal
    if (filter ?? 0) == 0, !node.routing.hasCustomRules(.v4) {
      if !acceptsLocal, sourceType(b.packet, interface: nil) == .local, !b.packet.sourceIsLoopback {
        finish(b, .noroute, .martian(.sourceIsOwn(address(b.packet.source, b))))
        return false
      }
      if filter == nil, reversePath(b, b.packet.input, mark: 0) == .elsewhere {
        assumeOnce(&b, .looseReversePath(b.packet.input))
      }
      return true
    }
    let mark = input.validatesMark ? b.packet.mark : 0
    switch reversePath(b, b.packet.input, mark: mark) {
    case .same: return true
    case .local:
      if acceptsLocal { return true }
      finish(b, .noroute, .martian(.sourceIsOwn(address(b.packet.source, b))))
      return false
    case .elsewhere:
      guard filter == 1 else { return true }
      finish(b, .noroute, .reversePath(source: address(b.packet.source, b), interface: input.name))
      return false
    case .invalid:
      finish(b, .noroute, .martian(.sourceRefused(address(b.packet.source, b))))
      return false
    case .none:
      guard let filter, filter != 0 else { return true }
      finish(b, .noroute, .reversePath(source: address(b.packet.source, b), interface: nil))
      return false
    }
  }

  private func query(to address: IPAddress) -> RoutingTables.Query {
    RoutingTables.Query(
      version: address.version, destination: .zero, source: .zero, inputInterface: Self.loopback, mark: 0)
  }

  /// Whether the route to an address leads through a device.
  func leads(to address: IPAddress, through device: Bits128) -> Bool {
    node.routing.reversePath(to: address.bits, query(to: address), through: device) == .same
  }

  // Questions about a flow's source: that they were asked is taken note of.

  func leadsBack(to source: IPAddress, through device: Bits128) -> Bool {
    wayBack(to: source, through: device) == .same
  }

  func hasWayBack(to source: IPAddress) -> Bool {
    let answer = wayBack(to: source, through: .zero)
    return answer == .elsewhere || answer == .same
  }

  private func wayBack(to source: IPAddress, through device: Bits128) -> ReversePath {
    let query = query(to: source)
    let answer = node.routing.reversePath(to: source.bits, query, through: device)
    inspection.pointee.ask(ReversePathQuestion(query: query, input: device, answer: answer))
    return answer
  }

  func isSame(_ source: IPAddress, as other: IPAddress) -> Bool {
    inspection.pointee.compare(source.bits, with: other.bits, mask: .ones)
    return source == other
  }

  /// Where a packet to the source would go.
  func reversePath(_ b: Branch, _ input: Bits128, mark: UInt32) -> ReversePath {
    let p = b.packet
    var query = RoutingTables.Query(
      version: p.version, destination: .zero, source: node.routing.readsSource(p.version) ? p.destination : .zero,
      inputInterface: Self.loopback, mark: mark, typeOfService: p.typeOfService & 0x1C)
    query.ipProtocol = p.ipProtocol
    let answer = node.routing.reversePath(to: p.rawSource, query, through: input)
    if p.sourceIsFlows { inspection.pointee.ask(ReversePathQuestion(query: query, input: input, answer: answer)) }
    return answer
  }

  mutating func assumeOnce(_ b: inout Branch, _ text: String) { assumeOnce(&b, .text(text)) }

  mutating func assumeOnce(_ b: inout Branch, _ assumption: Assumption) {
    var at = b.assumptions
    while at >= 0 {
      if assumptions[Int(at)].assumption == assumption { return }
      at = assumptions[Int(at)].previous
    }
    assume(&b, assumption)
  }

  // MARK: - Output

  /// Before OUTPUT: which device a local packet leaves by. False: the branch ended.
  mutating func routeOutput(_ b: inout Branch) -> Bool {
    guard let refusal = lookUpOutput(&b, isBound: !isOwnError(b.packet)) else {
      b.packet.output = b.packet.routedOutput
      return true
    }
    finish(b, .noroute, refusal)
    return false
  }

  /// An ICMP error about a packet that was for another: its source is chosen by its route, not the reverse (icmp_send in
  /// net/ipv4/icmp.c, icmp6_send).
  private func isOwnError(_ packet: borrowing PacketState) -> Bool {
    guard let connection, connection.part == .related, !packet.hasPorts else { return false }
    return connection.frontend != packet.source
  }

  /// ip_route_me_harder: the decision again, for a packet that was changed in OUTPUT. The hook goes on showing the
  /// first device.
  mutating func reroute(_ b: inout Branch) -> Bool {
    if isAnyReply { return true }
    let shown = b.packet.output
    guard let refusal = lookUpOutput(&b) else {
      b.packet.output = shown
      return true
    }
    finish(b, .noroute, refusal)
    return false
  }

  /// Nil: routed; otherwise why not.
  private mutating func lookUpOutput(_ b: inout Branch, isBound: Bool = true) -> Reason? {
    let destination = address(b.packet.destination, b)
    let source = address(b.packet.source, b)
    if b.packet.version == .v4, destination.v4 >> 24 == 0, !destination.isUnspecified {
      return .destinationInNetZero
    }
    guard node.routing.known(b.packet.version) else {
      b.packet.routeKnown = false
      if isLocal(b, destination) == nil { forkOnLocality(&b, destination, clause: 0) }
      if isLocal(b, destination) == true {
        b.packet.routedLocally = true
        b.packet.routedOutput = Self.loopback
        return nil
      }
      b.packet.routedLocally = false
      b.packet.outputUnknown = true
      assumeOnce(&b, .route(destination))
      return nil
    }
    var question = query(b, input: .zero)
    if !isBound { question.source = .zero }
    var result = node.routing.lookup(question)
    if case .multipath(let index, let hops) = result { result = choose(&b, index, hops) }
    switch result {
    case .none, .multipath: return .noRoute(.destination, destination)
    case .refused(let type, let route):
      b.packet.route = route
      // The route before a reroute had one.
      b.packet.nextHop = -1
      return .refusingRoute(.destination, destination, type)
    case .route(let index, let hop):
      let type = node.routing.type(of: index)
      b.packet.route = index
      b.packet.nextHop = hop
      b.packet.routeKnown = true
      if type == .local || type == .anycast {
        b.packet.routedLocally = true
        b.packet.routedOutput = Self.loopback
        return nil
      }
      let output = node.routing.interface(of: index, hop: hop)
      let facts = interface(output)
      if b.packet.version == .v4, source.isLoopback, facts.link?.loopback != true, !facts.routesLoopback {
        return .loopbackLeaves(source: source, interface: facts.name)
      }
      b.packet.routedLocally = false
      b.packet.routedOutput = output
      return nil
    }
  }
}

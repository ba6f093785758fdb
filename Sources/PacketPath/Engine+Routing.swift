import Ruleset
import Snapshot
import Wire

// The routing decisions: net/ipv4/route.c and fib_frontend.c, net/ipv6/route.c.
extension Engine {
  private func address(_ bits: Bits128, _ b: Branch) -> IPAddress { IPAddress(bits: bits, version: b.packet.version) }

  private func query(_ b: Branch, input: String) -> RoutingTables.Query {
    RoutingTables.Query(
      version: b.packet.version, destination: b.packet.destination, source: b.packet.source, inputInterface: input,
      mark: b.packet.mark, typeOfService: b.packet.typeOfService & 0x1C, ipProtocol: b.packet.ipProtocol,
      sourcePort: b.packet.sourcePort, destinationPort: b.packet.destinationPort, userID: b.packet.userID)
  }

  /// Whether an address is the node's own; nil: the snapshot does not tell, and this branch has not assumed it.
  func isLocal(_ b: Branch, _ value: IPAddress) -> Bool? {
    if node.routing.localKnown[value.version] == true { return node.routing.isLocal(value) }
    if value.isLoopback { return true }
    if value.isMulticast { return false }
    return assumedLocal(b, value)
  }

  /// After PREROUTING: to this node, through it, or nowhere. False: the branch ended.
  func routeInput(_ b: inout Branch) -> Bool {
    let destination = address(b.packet.destination, b)
    let source = address(b.packet.source, b)
    let input = NodeModel.name(b.packet.input)
    if b.packet.version == .v4, let martian = martian4(b, source, destination, input) {
      finish(b, .noroute, detail: martian)
      return false
    }
    guard node.routing.known[b.packet.version] == true else { return routeInputWithoutRoutes(&b, destination) }
    var result = node.routing.lookup(query(b, input: input))
    if case .multipath(let index, let hops) = result { result = choose(&b, index, hops) }
    switch result {
    case .none:
      finish(b, .noroute, detail: "no route to \(destination)")
      return false
    case .refused(let type):
      finish(b, .noroute, detail: "route to \(destination) is of type \(type)")
      return false
    case .multipath: return false
    case .route(let index, let hop):
      let route = node.routing.routes[Int(index)]
      b.packet.route = index
      b.packet.nextHop = hop
      b.packet.routeKnown = true
      switch route.type {
      case .local, .anycast, .broadcast:
        guard sourceAccepted(&b, source, input, output: nil) else { return false }
        b.packet.routedLocally = true
        return enter(&b, .input)
      case .multicast:
        b.packet.routedLocally = true
        return enter(&b, .input)
      default: break
      }
      let output = hop >= 0 ? route.nextHops[Int(hop)].interface ?? "" : ""
      guard forwardingAllowed(&b, input) else { return false }
      guard sourceAccepted(&b, source, input, output: output) else { return false }
      b.packet.routedLocally = false
      b.packet.routedOutput = Bits128(leftAligned: output.utf8)
      b.packet.output = b.packet.routedOutput
      b.packet.bridged = isBridged(b.packet, input)
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

  /// A packet that DNAT sends back to the bridge it came by is bridged, not routed, where bridges call iptables
  /// (br_nf_pre_routing_finish in net/bridge/br_netfilter_hooks.c): its hop limit stays, and POSTROUTING shows no input.
  private func isBridged(_ packet: PacketState, _ input: String) -> Bool {
    guard packet.status & ConnectionStatus.destinationNAT != 0, packet.routedOutput == packet.input,
      packet.destination != packet.originalDestination, node.links[input]?.kind == "bridge"
    else { return false }
    let key = packet.version == .v4 ? "net.bridge.bridge-nf-call-iptables" : "net.bridge.bridge-nf-call-ip6tables"
    return node.snapshot.sysctl(key) == "1"
  }

  private func forward(_ b: inout Branch) -> Bool {
    if b.packet.bridged { return enter(&b, .forward) }
    b.packet.timeToLiveChanged = Int32(assumptions.count)
    if let hops = b.packet.timeToLive {
      if hops <= 1 {
        finish(b, .drop, detail: "hop limit exceeded: the packet arrives with \(hops)")
        return false
      }
      b.packet.timeToLive = hops - 1
    }
    return enter(&b, .forward)
  }

  /// With rules alone: an address of the node is delivered, anything else is forwarded to an interface unknown.
  private func routeInputWithoutRoutes(_ b: inout Branch, _ destination: IPAddress) -> Bool {
    if isLocal(b, destination) == nil { forkOnLocality(&b, destination, clause: 0) }
    b.packet.routeKnown = false
    if isLocal(b, destination) == true {
      b.packet.routedLocally = true
      return enter(&b, .input)
    }
    b.packet.routedLocally = false
    b.packet.outputUnknown = true
    assumeOnce(&b, "there is a route to \(destination) (the snapshot has no routes)")
    return forward(&b)
  }

  /// Several next hops: the kernel hashes the flow over their weights.
  private func choose(_ b: inout Branch, _ index: Int32, _ hops: [(hop: Int32, weight: Int)]) -> RoutingTables.Result {
    // A fork re-enters the routing decision with its choice made.
    let total = Double(hops.reduce(0) { $0 + $1.weight })
    if b.choice < 0 {
      for position in hops.indices.dropFirst() {
        fork(b, probability: Double(hops[position].weight) / total) { $0.choice = Int32(position) }
      }
      b.probability *= Double(hops[0].weight) / total
      b.choice = 0
    }
    let hop = hops[min(Int(b.choice), hops.count - 1)].hop
    b.choice = -1
    return .route(index: index, hop: hop)
  }

  private func martian4(_ b: Branch, _ source: IPAddress, _ destination: IPAddress, _ input: String) -> String? {
    if source.isMulticast || source.v4 == .max { return "martian source \(source): not a unicast address" }
    if destination.isUnspecified || (source.v4 >> 24 == 0 && !source.isUnspecified) {
      return "martian address in 0.0.0.0/8"
    }
    let loops = input == "lo"
    if !loops, destination.isLoopback || source.isLoopback {
      let allowed = node.interfaceSetting(.v4, input, "route_localnet") { $0 | $1 }
      if allowed != 1 {
        return
          "martian: \(destination.isLoopback ? "destination \(destination)" : "source \(source)") is a loopback address and route_localnet is off on \(printable(input))"
      }
    }
    return nil
  }

  private func forwardingAllowed(_ b: inout Branch, _ input: String) -> Bool {
    let version = b.packet.version
    let setting =
      version == .v4
      ? node.interfaceSetting(.v4, input, "forwarding") { $1 } ?? node.snapshot.sysctlInt("net.ipv4.ip_forward")
      : node.interfaceSetting(.v6, input, "forwarding") { all, _ in all }
    let key = version == .v4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
    guard let setting else {
      assumeOnce(&b, "\(key) is 1 (the snapshot has no sysctls)")
      return true
    }
    if setting == 0 {
      finish(b, .noroute, detail: "forwarding is off: \(key) = 0 (on \(printable(input)))")
      return false
    }
    return true
  }

  /// fib_validate_source: rp_filter, and martian sources.
  private func sourceAccepted(_ b: inout Branch, _ source: IPAddress, _ input: String, output: String?) -> Bool {
    guard b.packet.version == .v4, input != "lo" else { return true }
    if source.isUnspecified { return true }
    let filter = node.interfaceSetting(.v4, input, "rp_filter") { max($0, $1) }
    let acceptsLocal = node.interfaceSetting(.v4, input, "accept_local") { $0 | $1 } == 1
    if (filter ?? 0) == 0, node.routing.hasCustomRules[.v4] != true {
      if !acceptsLocal, node.routing.isLocal(source), source.isLoopback == false {
        finish(b, .noroute, detail: "martian source: \(source) is an address of this node")
        return false
      }
      if filter == nil, reversePath(b, source, input, mark: 0) == .elsewhere {
        assumeOnce(&b, "rp_filter is not strict on \(printable(input)) (the snapshot has no sysctls)")
      }
      return true
    }
    let mark = node.interfaceSetting(.v4, input, "src_valid_mark") { $0 | $1 } == 1 ? b.packet.mark : 0
    switch reversePath(b, source, input, mark: mark) {
    case .same: return true
    case .local:
      if acceptsLocal { return true }
      finish(b, .noroute, detail: "martian source: \(source) is an address of this node")
      return false
    case .elsewhere:
      guard filter == 1 else { return true }
      finish(b, .noroute, detail: "rp_filter: the way back to \(source) does not lead through \(printable(input))")
      return false
    case .invalid:
      finish(b, .noroute, detail: "martian source: \(source) has a blackhole, unreachable or broadcast route")
      return false
    case .none:
      guard let filter, filter != 0 else { return true }
      finish(b, .noroute, detail: "rp_filter: no way back to \(source)")
      return false
    }
  }

  enum ReversePath { case same, elsewhere, local, invalid, none }

  /// Where a packet to the source would go.
  func reversePath(_ b: Branch, _ source: IPAddress, _ input: String, mark: UInt32) -> ReversePath {
    var reverse = RoutingTables.Query(
      version: b.packet.version, destination: source.bits, source: b.packet.destination, inputInterface: "lo",
      mark: mark,
      typeOfService: b.packet.typeOfService & 0x1C)
    reverse.ipProtocol = b.packet.ipProtocol
    switch node.routing.lookup(reverse) {
    case .none: return .none
    case .refused: return .none
    case .route(let index, _), .multipath(let index, _):
      let route = node.routing.routes[Int(index)]
      if route.type == .local { return .local }
      if route.type != .unicast { return .invalid }
      return route.nextHops.contains { $0.interface == input } ? .same : .elsewhere
    }
  }

  func assumeOnce(_ b: inout Branch, _ text: String) {
    var at = b.assumptions
    while at >= 0 {
      if case .text(let known) = assumptions[Int(at)].assumption, known == text { return }
      at = assumptions[Int(at)].previous
    }
    assume(&b, .text(text))
  }

  // MARK: - Output

  /// Before OUTPUT: which device a local packet leaves by. False: the branch ended.
  func routeOutput(_ b: inout Branch) -> Bool {
    guard let refusal = lookUpOutput(&b) else {
      b.packet.output = b.packet.routedOutput
      return true
    }
    finish(b, .noroute, detail: refusal)
    return false
  }

  /// ip_route_me_harder: the decision again, for a packet that was changed in OUTPUT. The hook goes on showing the
  /// first device.
  func reroute(_ b: inout Branch) -> Bool {
    let shown = b.packet.output
    guard let refusal = lookUpOutput(&b) else {
      b.packet.output = shown
      return true
    }
    finish(b, .noroute, detail: refusal)
    return false
  }

  /// Nil: routed; otherwise why not.
  private func lookUpOutput(_ b: inout Branch) -> String? {
    let destination = address(b.packet.destination, b)
    let source = address(b.packet.source, b)
    if b.packet.version == .v4, destination.v4 >> 24 == 0, !destination.isUnspecified {
      return "destination in 0.0.0.0/8"
    }
    guard node.routing.known[b.packet.version] == true else {
      b.packet.routeKnown = false
      if isLocal(b, destination) == nil { forkOnLocality(&b, destination, clause: 0) }
      if isLocal(b, destination) == true {
        b.packet.routedLocally = true
        b.packet.routedOutput = Self.loopback
        return nil
      }
      b.packet.routedLocally = false
      b.packet.outputUnknown = true
      assumeOnce(&b, "there is a route to \(destination) (the snapshot has no routes)")
      return nil
    }
    var result = node.routing.lookup(query(b, input: ""))
    if case .multipath(let index, let hops) = result { result = choose(&b, index, hops) }
    switch result {
    case .none, .multipath: return "no route to \(destination)"
    case .refused(let type): return "route to \(destination) is of type \(type)"
    case .route(let index, let hop):
      let route = node.routing.routes[Int(index)]
      b.packet.route = index
      b.packet.nextHop = hop
      b.packet.routeKnown = true
      if route.type == .local || route.type == .anycast {
        b.packet.routedLocally = true
        b.packet.routedOutput = Self.loopback
        return nil
      }
      let output = hop >= 0 ? route.nextHops[Int(hop)].interface ?? "" : ""
      if b.packet.version == .v4, source.isLoopback, node.links[output]?.loopback != true,
        node.interfaceSetting(.v4, output, "route_localnet", combine: { $0 | $1 }) != 1
      {
        return "a packet from \(source) may not leave through \(printable(output)): route_localnet is off"
      }
      b.packet.routedLocally = false
      b.packet.routedOutput = Bits128(leftAligned: output.utf8)
      return nil
    }
  }
}

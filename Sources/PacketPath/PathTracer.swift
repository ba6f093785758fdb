import Input
import Ruleset
import Snapshot
import Wire

/// Traces flows through one node. One tracer serves one thread; tracers share a `NodeModel`.
public final class PathTracer {
  /// The node as far as it was read: tracing through a running kernel reads on.
  public private(set) var model: NodeModel
  var engine: Engine
  /// By version, whether some rule may stop replies; see `Engine.mayStopReplies`.
  var repliesMayStop: [IPVersion: Bool] = [:]
  /// By version; see `elsewhereDevices`.
  var devicesElsewhere: [IPVersion: [Bits128]] = [:]
  private var merger = EndingMerger()

  public init(_ model: NodeModel) {
    self.model = model
    engine = Engine(model)
  }

  public convenience init(_ snapshot: Snapshot, indexed: Bool = false) {
    self.init(NodeModel(snapshot, indexed: indexed))
  }

  /// What happens to the flow. Outcomes in order of probability, those that are alike merged.
  public func trace(_ flow: Flow) -> Trace {
    if let frontend = ebpfFrontend(of: flow) { return traceBehindEBPF(flow, frontend) }
    return walk(flow)
  }

  /// What happens to a packet of a connection that this node knows.
  public func trace(_ flow: Flow, of connection: Connection) -> Trace { walk(flow, replyOf: connection) }

  /// Through the rules, as the flow stands.
  func walk(_ flow: Flow, replyOf connection: Connection? = nil) -> Trace {
    engine.run(flow, replyOf: connection)
    while !engine.unread.isEmpty {
      readOn()
      engine.run(flow, replyOf: connection)
    }
    return finished(flow)
  }

  private func finished(_ flow: Flow) -> Trace {
    var trace = Trace(model, flow: flow, outcomes: outcomes())
    trace.truncated = engine.cut
    if engine.finished.count > 1, !engine.assumptions.isEmpty {
      var places = [Int](repeating: 0, count: merger.groups.count)
      for (place, group) in merger.order.enumerated() { places[group] = place }
      trace.walk = Worlds.Walk(engine, outcomes: merger.membership.lazy.map { $0 < 0 ? nil : places[Int($0)] })
    }
    return trace
  }

  /// Reads what the walk asked for. What cannot be read counts as empty, with a message.
  private func readOn() {
    var snapshot = model.snapshot
    do {
      guard let source = snapshot.unreadRules else { throw UnreadableRules() }
      try source.read(engine.unread, into: &snapshot)
    } catch {
      snapshot.diagnostics.add(Diagnostic(.error, file: snapshot.name, .whole, "\(error)"))
      for chain in engine.unread.chains { snapshot.ruleset.chains[Int(chain.index)].isUnread = false }
      for set in engine.unread.sets { snapshot.ruleset.sets[Int(set.index)].isUnread = false }
    }
    model = NodeModel(snapshot, indexed: false)
    engine = Engine(model)
    repliesMayStop = [:]
    devicesElsewhere = [:]
  }

  private struct UnreadableRules: Error, CustomStringConvertible {
    var description: String { "chains and sets are declared and cannot be read" }
  }

  /// Which bits of the sources of flows were looked at since this was last set.
  public var inspected: SourceInspection {
    get { engine.inspection.pointee }
    set { engine.inspection.pointee = newValue }
  }

  /// The source address that the kernel would choose for a local packet to a destination.
  public func sourceAddress(to destination: IPAddress) -> IPAddress? {
    let query = RoutingTables.Query(
      version: destination.version, destination: destination.bits, source: .zero, inputInterface: .zero, mark: 0)
    guard case .route(let index, let hop) = model.routing.lookup(query) else { return nil }
    let route = model.routing.routes[Int(index)]
    if route.type == .local { return destination }
    if let source = route.source { return source }
    let output = hop >= 0 ? route.nextHops[Int(hop)].interface ?? "" : ""
    if destination.version == .v6 { return engine.sourceAddress6(destination, output) }
    let gateway = hop >= 0 ? route.nextHops[Int(hop)].gateway : nil
    let own = engine.interface(Bits128(leftAligned: output.utf8)).addresses.filter {
      $0.address.version == .v4 && !$0.secondary
    }
    let near = own.first { IPPrefix($0.address, length: $0.prefixLength).contains(gateway ?? destination) }
    return near?.address ?? own.first?.address
      ?? model.snapshot.addresses?.first { $0.address.version == .v4 && $0.scope == "global" }?.address
  }

  /// Whether a node stands in for an address that a host behind an interface asks for: it would route its packets on
  /// through another (proxy ARP; net/ipv4/arp.c, arp_process).
  public func standsIn(for address: IPAddress, askedBy source: IPAddress, on interface: String) -> Bool {
    let input = Bits128(leftAligned: interface.utf8)
    let query = RoutingTables.Query(
      version: address.version, destination: address.bits, source: source.bits, inputInterface: input, mark: 0)
    switch model.routing.lookup(query) {
    case .route(let index, let hop):
      return model.routing.type(of: index) == .unicast && model.routing.interface(of: index, hop: hop) != input
    case .multipath: return true
    case .none, .refused: return false
    }
  }

  /// Whether packets that come by an interface are sent on; nil: not in the snapshot.
  public func forwards(on interface: String, _ version: IPVersion) -> Bool? {
    let facts = engine.interface(Bits128(leftAligned: interface.utf8))
    return (version == .v4 ? facts.forwarding4 : facts.forwarding6).map { $0 != 0 }
  }

  /// Where the node's own packets for an address go: the gateway or the address itself, and the interface if it is certain;
  /// nil: it has no route.
  public func nextHop(to destination: IPAddress) -> (address: IPAddress, interface: String?)? {
    let query = RoutingTables.Query(
      version: destination.version, destination: destination.bits, source: .zero, inputInterface: .zero, mark: 0)
    switch model.routing.lookup(query) {
    case .route(let index, let hop):
      guard hop >= 0 else { return (destination, nil) }
      let hop = model.routing.routes[Int(index)].nextHops[Int(hop)]
      return (hop.gateway ?? destination, hop.interface)
    case .multipath: return (destination, nil)
    case .none, .refused: return nil
    }
  }

  /// The interface through which a packet from this source would reach the node; nil: not known. From behind a router
  /// that is the interface which owns the destination, whatever the way back is; else the one the way back leads through.
  public func inputInterface(from source: IPAddress, to destination: IPAddress? = nil) -> String? {
    let back = wayBack(to: source)
    guard let destination, back?.isRouted ?? true, let owner = wire(owning: destination) else { return back?.interface }
    return owner
  }

  /// The interface on the way to a source, and whether a router stands behind it.
  private func wayBack(to source: IPAddress) -> (interface: String, isRouted: Bool)? {
    let query = RoutingTables.Query(
      version: source.version, destination: source.bits, source: .zero, inputInterface: .zero, mark: 0)
    switch model.routing.lookup(query) {
    case .route(let index, let hop):
      let route = model.routing.routes[Int(index)]
      if route.type == .local { return (Flow.local, false) }
      return hop >= 0 ? Self.named(route.nextHops[Int(hop)]) : nil
    case .multipath(let index, let hops):
      return Self.named(model.routing.routes[Int(index)].nextHops[Int(hops[0].hop)])
    default: return nil
    }
  }

  private static func named(_ hop: Route.NextHop) -> (interface: String, isRouted: Bool)? {
    hop.interface.map { ($0, hop.gateway != nil) }
  }

  /// The interface that has an address, where hosts outside reach that by a cable of its own: one with a subnet, and
  /// neither a bridge, a tunnel nor a device that only holds addresses.
  private func wire(owning address: IPAddress) -> String? {
    guard let own = model.snapshot.addresses?.first(where: { $0.address == address }),
      own.prefixLength < address.version.width, let link = model.snapshot.link(named: own.interface), !link.loopback,
      link.master == nil
    else { return nil }
    switch link.kind {
    case nil, "veth", "vlan", "bond", "macvlan", "ipvlan", "team":
      return engine.interface(Bits128(leftAligned: own.interface.utf8)).isBridge ? nil : own.interface
    default: return nil
    }
  }

  /// The endings of the last walk, in order of probability, those that are alike merged.
  private func outcomes() -> [Outcome] {
    merger.merge(engine)
    var outcomes: [Outcome] = []
    outcomes.reserveCapacity(merger.groups.count)
    for at in merger.order {
      let group = merger.groups[at]
      var outcome = outcome(engine.finished[group.ending])
      outcome.probability = group.probability
      let leaf = engine.finished[group.ending].branch.assumptions
      if leaf >= 0 { outcome.assumed = Assumptions(engine.assumptions, leaf: leaf, common: group.common, model) }
      outcomes.append(outcome)
    }
    return outcomes
  }

  private func outcome(_ ending: Engine.Ending) -> Outcome {
    let p = ending.branch.packet
    let output = ending.verdict == .forward ? engine.interface(p.routedOutput).name : ""
    var outcome = Outcome(
      verdict: ending.verdict, probability: ending.branch.probability,
      source: IPAddress(bits: p.rawSource, version: p.version), sourcePort: p.sourcePortOpen ? nil : p.rawSourcePort,
      destination: IPAddress(bits: p.destination, version: p.version), destinationPort: p.destinationPort,
      outInterface: output.isEmpty ? nil : output, rejectWith: ending.rejectWith?.rawValue, mark: p.mark,
      steps: StepPath(engine.steps, leaf: ending.branch.steps, count: Int(ending.branch.stepCount)),
      reason: ending.reason, destinationRule: p.destinationRule == .max ? nil : RuleID(Int(p.destinationRule)),
      sourceRule: p.sourceRule == .max ? nil : RuleID(Int(p.sourceRule)), routeIndex: p.route, nextHop: p.nextHop,
      routeKnown: p.routeKnown, connectionMark: p.connectionMark, untracked: p.tracking == .untracked,
      balancer: Self.balancer(p), sourceIsFlows: p.sourceIsFlows, sourcePortIsFlows: p.sourcePortIsFlows)
    if p.realServer >= 0, ending.verdict == .forward {
      let target = model.snapshot.virtualServers![Int(p.virtualServer)].realServers[Int(p.realServer)]
      if target.forwarding == .route { outcome.gateway = target.address }
    }
    return outcome
  }

  private static func balancer(_ packet: PacketState) -> Balancer? {
    guard packet.virtualServer >= 0 else { return nil }
    return .virtualServer(
      Int(packet.virtualServer), realServer: packet.realServer >= 0 ? Int(packet.realServer) : nil)
  }
}

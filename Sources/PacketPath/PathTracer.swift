import Input
import Ruleset
import Snapshot
import Wire

/// Traces flows through one node. One tracer serves one thread; tracers share a `NodeModel`.
public final class PathTracer {
  /// The node as far as it was read: tracing through a running kernel reads on.
  public private(set) var model: NodeModel
  private var engine: Engine

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

  /// Through the rules, as the flow stands.
  func walk(_ flow: Flow) -> Trace {
    engine.run(flow)
    while !engine.unread.isEmpty {
      readOn()
      engine.run(flow)
    }
    var trace = Trace(flow: flow, outcomes: merged())
    trace.truncated = engine.cut
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
  }

  private struct UnreadableRules: Error, CustomStringConvertible {
    var description: String { "chains and sets are declared and cannot be read" }
  }

  /// The source address that the kernel would choose for a local packet to a destination.
  public func sourceAddress(to destination: IPAddress) -> IPAddress? {
    let query = RoutingTables.Query(
      version: destination.version, destination: destination.bits, source: .zero, inputInterface: "", mark: 0)
    guard case .route(let index, let hop) = model.routing.lookup(query) else { return nil }
    let route = model.routing.routes[Int(index)]
    if route.type == .local { return destination }
    if let source = route.source { return source }
    let output = hop >= 0 ? route.nextHops[Int(hop)].interface ?? "" : ""
    if destination.version == .v6 { return engine.sourceAddress6(destination, output) }
    let gateway = hop >= 0 ? route.nextHops[Int(hop)].gateway : nil
    let own = (model.addresses[output] ?? []).filter { $0.address.version == .v4 && !$0.secondary }
    let near = own.first { IPPrefix($0.address, length: $0.prefixLength).contains(gateway ?? destination) }
    return near?.address ?? own.first?.address
      ?? model.snapshot.addresses?.first { $0.address.version == .v4 && $0.scope == "global" }?.address
  }

  /// The interface through which a packet from this source would reach the node; nil: not known.
  public func inputInterface(from source: IPAddress) -> String? {
    let query = RoutingTables.Query(
      version: source.version, destination: source.bits, source: .zero, inputInterface: "", mark: 0)
    switch model.routing.lookup(query) {
    case .route(let index, let hop):
      let route = model.routing.routes[Int(index)]
      if route.type == .local { return Flow.local }
      return hop >= 0 ? route.nextHops[Int(hop)].interface : nil
    case .multipath(let index, let hops): return model.routing.routes[Int(index)].nextHops[Int(hops[0].hop)].interface
    default: return nil
    }
  }

  /// Endings with the same result and the same steps are one outcome; what only some of them assumed is no assumption.
  private func merged() -> [Outcome] {
    var outcomes: [Outcome] = []
    var groups: [Int: [Int]] = [:]
    var assumptions: [Set<Engine.Assumption>] = []
    for ending in engine.finished where ending.branch.probability > 0 {
      let list = stepList(ending)
      var hasher = Hasher()
      hasher.combine(ending.verdict)
      hasher.combine(list)
      if arrives(ending) {
        hasher.combine(ending.branch.packet.destination)
        hasher.combine(ending.branch.packet.source)
      }
      let key = hasher.finalize()
      let made = assumptionSet(ending)
      if let at = groups[key]?.first(where: { same(outcomes[$0], ending, list) }) {
        outcomes[at].probability += ending.branch.probability
        assumptions[at].formIntersection(made)
      } else {
        groups[key, default: []].append(outcomes.count)
        outcomes.append(outcome(ending, list))
        assumptions.append(made)
      }
    }
    for index in outcomes.indices where !assumptions[index].isEmpty {
      outcomes[index].assumptions = assumptions[index].map(describe).sorted()
    }
    return outcomes.enumerated().sorted {
      $0.element.probability != $1.element.probability
        ? $0.element.probability > $1.element.probability : $0.offset < $1.offset
    }.map(\.element)
  }

  private func stepList(_ ending: Engine.Ending) -> [Step] {
    var list: [Step] = []
    list.reserveCapacity(Int(ending.branch.stepCount))
    var at = ending.branch.steps
    while at >= 0 {
      list.append(engine.steps[Int(at)].step)
      at = engine.steps[Int(at)].previous
    }
    list.reverse()
    return list
  }

  private func assumptionSet(_ ending: Engine.Ending) -> Set<Engine.Assumption> {
    var set: Set<Engine.Assumption> = []
    var at = ending.branch.assumptions
    while at >= 0 {
      set.insert(engine.assumptions[Int(at)].assumption)
      at = engine.assumptions[Int(at)].previous
    }
    return set
  }

  private func same(_ outcome: Outcome, _ ending: Engine.Ending, _ steps: [Step]) -> Bool {
    guard
      outcome.verdict == ending.verdict && outcome.steps == steps && outcome.detail == ending.detail
        && outcome.rejectWith == ending.rejectWith?.rawValue && outcome.balancer == Self.balancer(ending.branch.packet)
    else { return false }
    // Of a packet that ends here, what it would have become makes no difference; which real server it was on the way to
    // does.
    guard arrives(ending) || outcome.balancer != nil else { return true }
    let p = ending.branch.packet
    return outcome.source.bits == p.source
      && outcome.destination.bits == p.destination
      && outcome.destinationPort == p.destinationPort && outcome.sourcePort == (p.sourcePortOpen ? nil : p.sourcePort)
      && outcome.mark == p.mark && outcome.outInterface == outInterface(ending)
  }

  private func arrives(_ ending: Engine.Ending) -> Bool { ending.verdict == .forward || ending.verdict == .deliver }

  private func outInterface(_ ending: Engine.Ending) -> String? {
    guard ending.verdict == .forward else { return nil }
    let name = NodeModel.name(ending.branch.packet.routedOutput)
    return name.isEmpty ? nil : name
  }

  private func outcome(_ ending: Engine.Ending, _ steps: [Step]) -> Outcome {
    let p = ending.branch.packet
    var outcome = Outcome(
      verdict: ending.verdict, probability: ending.branch.probability,
      source: IPAddress(bits: p.source, version: p.version),
      sourcePort: p.sourcePortOpen ? nil : p.sourcePort,
      destination: IPAddress(bits: p.destination, version: p.version),
      destinationPort: p.destinationPort, outInterface: outInterface(ending), rejectWith: ending.rejectWith?.rawValue,
      mark: p.mark, steps: steps, detail: ending.detail)
    outcome.destinationRule = p.destinationRule == .max ? nil : RuleID(Int(p.destinationRule))
    outcome.sourceRule = p.sourceRule == .max ? nil : RuleID(Int(p.sourceRule))
    if p.route >= 0 {
      outcome.route = model.routing.routes[Int(p.route)]
      if p.nextHop >= 0 { outcome.gateway = outcome.route!.nextHops[Int(p.nextHop)].gateway }
    }
    outcome.routeKnown = p.routeKnown
    outcome.balancer = Self.balancer(p)
    if case .virtualServer(let server, let real?) = outcome.balancer {
      let target = model.snapshot.virtualServers![server].realServers[real]
      if target.forwarding == .route, ending.verdict == .forward { outcome.gateway = target.address }
    }
    outcome.connectionMark = p.connectionMark
    outcome.untracked = p.tracking == .untracked
    return outcome
  }

  private static func balancer(_ packet: PacketState) -> Balancer? {
    guard packet.virtualServer >= 0 else { return nil }
    return .virtualServer(
      Int(packet.virtualServer), realServer: packet.realServer >= 0 ? Int(packet.realServer) : nil)
  }

  private func describe(_ assumption: Engine.Assumption) -> String {
    switch assumption {
    case .text(let text): return text
    case .local(let address, let local):
      return "\(address) is \(local ? "" : "not ")an address of this node"
    case .clause(let rule, let clause, let holds):
      let place = engine.describe(Int(rule))
      let text = clauseText(model.ruleset.clauses[Int(model.ruleset.rules[Int(rule)].firstClause) + Int(clause)])
      return "'\(text)' \(holds ? "holds" : "does not hold") (\(place))"
    }
  }

  /// What an undecided clause asks, in the dump's words where they were kept.
  private func clauseText(_ clause: Clause) -> String {
    switch clause {
    case .match(let match):
      let sign = match.negated ? "! " : ""
      switch match.test {
      case .unknown(let text), .timeDependent(let text): return sign + model.ruleset[text]
      case .ipset(let id): return sign + "set " + printable(model.ruleset.ipsetTests[Int(id.index)].name)
      case .equal(let field, let value, let mask): return "\(sign)\(field) & 0x\(String(mask, radix: 16)) == \(value)"
      case .range(let field, let low, let high):
        return low == high ? "\(sign)\(field) == \(low)" : "\(sign)\(field) in \(low)-\(high)"
      case .equalWide(let field, let id):
        let pair = model.ruleset.wide[Int(id.index)]
        let isMAC = field == .sourceMAC || field == .destinationMAC
        let value =
          isMAC
          ? pair.a.bytes.suffix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
          : printable(NodeModel.name(pair.a)) + (pair.b == .ones ? "" : "+")
        return "\(sign)\(field) == \(value)"
      case .rangeWide(let field, _): return "\(sign)\(field) is set"
      case .tcpOption(let kind): return "\(sign)TCP option \(kind)"
      default: return "\(sign)\(match.test)"
      }
    case .statement(.timeDependent(let text)), .statement(.unknown(let text)): return model.ruleset[text]
    case .statement(let statement): return "\(statement)"
    }
  }
}

import Ruleset
import Snapshot
import Wire

/// What happens to a flow: its possible ends. Their probabilities add up to 1.
public struct Trace: Sendable {
  public var flow: Flow
  public var outcomes: [Outcome]
  /// What is not known and decides; empty: nothing. Made anew for each call: of many traces nobody asks.
  public var worlds: Worlds { together ?? walk.map { Worlds($0, model.ruleset) } ?? Worlds() }
  /// Those of several traces.
  var together: Worlds?
  /// Nil: it had one ending, or nothing had to be assumed.
  var walk: Worlds.Walk?
  /// Branches that were cut off because there were too many; 0 almost always.
  public var truncated = 0
  let model: NodeModel

  init(_ model: NodeModel, flow: Flow, outcomes: [Outcome]) {
    self.model = model
    self.flow = flow
    self.outcomes = outcomes
  }

  /// What a fact says where it holds, or where it does not: one clause.
  public func sentence(_ fact: Fact, holds: Bool) -> String { fact.sentence(holds, model.ruleset) }

  /// The chain whose rule or policy ended an outcome; position 0: the policy. Nil: no rule was met.
  public func ender(of outcome: Outcome) -> (chain: String, position: Int)? {
    guard let step = outcome.steps.last else { return nil }
    return (model.ruleset.name(of: step.chain), step.position)
  }

  /// The route that an outcome's last routing decision took, and the gateway of its next hop.
  public func route(of outcome: Outcome) -> (route: Route, gateway: IPAddress?)? {
    guard outcome.routeIndex >= 0 else { return nil }
    let route = model.routing.routes[Int(outcome.routeIndex)]
    let gateway = outcome.nextHop >= 0 ? route.nextHops[Int(outcome.nextHop)].gateway : nil
    return (route, outcome.gateway ?? gateway)
  }
}

/// One possible end of a flow.
public struct Outcome: Sendable {
  public enum Verdict: String, Sendable, Hashable {
    /// Leaves through `outInterface`.
    case forward
    /// Reaches a local socket, if one listens.
    case deliver
    case drop
    /// Dropped with an answer: `rejectWith`.
    case reject
    /// The routing decision refuses it: `reason`.
    case noroute
  }

  public var verdict: Verdict
  public var probability: Double
  /// What had to be assumed; nil: nothing.
  var assumed: Assumptions?
  public var source: IPAddress
  /// Nil where source NAT may choose another.
  public var sourcePort: UInt16?
  public var destination: IPAddress
  public var destinationPort: UInt16
  public var outInterface: String?
  public var rejectWith: String?
  public var mark: UInt32
  public var steps: StepPath
  /// Why, where no rule says it: the routing decision, a martian, a hop limit.
  public var reason: Reason?
  /// The rules that translated destination and source; nil: none did.
  public var destinationRule: RuleID?
  public var sourceRule: RuleID?
  /// The route that the last routing decision took; `Trace.route(of:)` has it. -1: none.
  var routeIndex: Int32 = -1
  var nextHop: Int32 = -1
  /// The next hop, where IPVS and not the route names it.
  var gateway: IPAddress?
  /// Whether the route was looked up (false: the snapshot has none).
  public var routeKnown = true
  public var connectionMark: UInt32 = 0
  public var untracked = false
  /// What picked the endpoint where no rule did; nil: nothing.
  public var balancer: Balancer?

  /// The flow's own, not replaced on the way.
  public internal(set) var sourceIsFlows = true
  public internal(set) var sourcePortIsFlows = true

  /// Whether something had to be assumed.
  public var isAssumed: Bool { assumed.map { !$0.isEmpty } ?? false }
  /// What it needed and the snapshot does not have.
  public var gaps: Gaps { assumed?.gaps ?? [] }
  /// What had to be assumed, to be kept longer than the trace; nil: nothing.
  public var keptAssumptions: Assumptions? { isAssumed ? assumed?.detached : nil }
  /// What had to be assumed, each a sentence. Made anew for each call.
  public var assumptions: [String] { assumed?.sentences ?? [] }

  mutating func assume(_ remark: String, _ model: NodeModel) {
    if assumed == nil { assumed = Assumptions(remark, model) } else { assumed!.remarks.append(remark) }
  }

  /// Whether the connection was given to an endpoint: by a rule, IPVS or eBPF programs.
  public var isTranslated: Bool { balancer?.hasEndpoint ?? (destinationRule != nil) }
}

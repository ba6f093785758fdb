import Ruleset
import Snapshot
import Wire

/// What happens to a flow: its possible ends. Their probabilities add up to 1.
public struct Trace: Sendable {
  public var flow: Flow
  public var outcomes: [Outcome]
  /// Branches that were cut off because there were too many; 0 almost always.
  public var truncated = 0

  public init(flow: Flow, outcomes: [Outcome]) {
    self.flow = flow
    self.outcomes = outcomes
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
    /// The routing decision refuses it: `detail`.
    case noroute
  }

  public var verdict: Verdict
  public var probability: Double
  /// What had to be assumed, each a sentence.
  public var assumptions: [String] = []
  public var source: IPAddress
  /// Nil where source NAT may choose another.
  public var sourcePort: UInt16?
  public var destination: IPAddress
  public var destinationPort: UInt16
  public var outInterface: String?
  public var rejectWith: String?
  public var mark: UInt32
  public var steps: [Step]
  /// Why, where no rule says it: the routing decision, a martian, a hop limit.
  public var detail: String?
  /// The rules that translated destination and source; nil: none did.
  public var destinationRule: RuleID?
  public var sourceRule: RuleID?
  /// The route that the last routing decision took, as an index into the snapshot's routes, and the next hop.
  public var route: Route?
  public var gateway: IPAddress?
  /// Whether the route was looked up (false: the snapshot has none).
  public var routeKnown = true
  public var connectionMark: UInt32 = 0
  public var untracked = false
  /// What picked the endpoint where no rule did; nil: nothing.
  public var balancer: Balancer?

  /// Whether the connection was given to an endpoint: by a rule, IPVS or eBPF programs.
  public var isTranslated: Bool { balancer?.hasEndpoint ?? (destinationRule != nil) }
}

/// One rule all of whose matches held, or the policy that ended a base chain.
public struct Step: Sendable, Hashable {
  public var hook: Hook
  public var chain: ChainID
  /// Nil: the base chain's policy.
  public var rule: RuleID?
  /// From 1 inside the chain; 0 for a policy.
  public var position: Int
  public var verdict: StepVerdict
}

/// What a matched rule did, as the kernel's tracing names it.
public enum StepVerdict: Sendable, Hashable {
  case accept, drop, `return`, `continue`, queue
  case jump(ChainID)
  case goto(ChainID)
  case policyAccept, policyDrop
}

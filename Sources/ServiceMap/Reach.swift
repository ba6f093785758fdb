import Intent
import PacketPath
import Ruleset
import Snapshot
import Wire

/// What becomes of new connections to one frontend from one source: a trace, summed up.
public struct Reach: Sendable {
  public struct Loss: Sendable {
    public var verdict: Outcome.Verdict
    public var probability: Double
    /// The rule or policy that ended it.
    public var step: Step?
    /// Why, where no rule says it.
    public var reason: Reason?
    /// After the address was translated to an endpoint.
    public var translatedTo: EndpointAddress?
    public var untracked: Bool
    /// The route that its last routing decision took.
    public var route: Route?

    public init(
      verdict: Outcome.Verdict, probability: Double, step: Step? = nil, reason: Reason? = nil,
      translatedTo: EndpointAddress? = nil,
      untracked: Bool = false, route: Route? = nil
    ) {
      self.verdict = verdict
      self.probability = probability
      self.step = step
      self.reason = reason
      self.translatedTo = translatedTo
      self.untracked = untracked
      self.route = route
    }
  }

  public init() {}

  /// Endpoints that are reached, and the share of connections that each gets.
  public var endpoints = EndpointSet()
  public var shares: [Double] = []
  /// Share of connections that arrive translated, and of these the ones whose source was rewritten.
  public var translated = 0.0
  public var masqueraded = 0.0
  /// Of the translated share: delivered to a socket of this node, where postrouting is not passed.
  public var deliveredHere = 0.0
  /// Some translated packet left with a mark and was not masqueraded: nobody read the mark.
  public var leftMarked = false
  /// Share that goes on to the frontend's own address: forwarded, or delivered to a socket of the node.
  public var untranslated = 0.0
  public var untranslatedIsLocal = false
  public var losses: [Loss] = []
  /// What had to be assumed for the first outcome that needed something; nil: nothing for any.
  private var assumed: Assumptions?
  public var isUncertain: Bool { assumed != nil }
  /// A sentence each; made anew for each call.
  public var assumptions: [String] { assumed?.sentences ?? [] }
  /// The endpoints that are reached with the source rewritten.
  public var masqueradedEndpoints = EndpointSet()
  public var firstTranslatingRule: RuleID?
  /// What picked the endpoint where no rule did.
  public var balancer: Balancer?
  public var label: String?
  /// Chains that packets went through, each once; only where a label was asked for.
  public var chains: [ChainID] = []
  public var untracked = false
  /// The rule that takes packets out of connection tracking.
  public var untrackingRule: RuleID?

  public var rejected: Double { lost { $0.verdict == .reject && $0.translatedTo == nil } }
  public var dropped: Double { lost { $0.verdict == .drop && $0.translatedTo == nil } }
  public var lostBehindTranslation: Double { lost { $0.translatedTo != nil } }

  private func lost(_ holds: (Loss) -> Bool) -> Double {
    var sum = 0.0
    for loss in losses where holds(loss) { sum += loss.probability }
    return sum
  }

  /// Where the rules translate to, whether or not the packet gets there.
  public var programmed: EndpointSet {
    losses.isEmpty ? endpoints : endpoints.union(EndpointSet(losses.compactMap(\.translatedTo)))
  }

  /// Share of connections that an endpoint gets.
  public func share(of endpoint: EndpointAddress) -> Double { endpoints.position(of: endpoint).map { shares[$0] } ?? 0 }
}

extension Reach {
  init(_ trace: borrowing Trace, _ snapshot: borrowing Snapshot) {
    var reached: [EndpointAddress] = []
    var rewritten: [EndpointAddress] = []
    reached.reserveCapacity(trace.outcomes.count)
    shares.reserveCapacity(trace.outcomes.count)
    for outcome in trace.outcomes {
      let isTranslated = outcome.isTranslated
      if balancer == nil { balancer = outcome.balancer }
      if assumed == nil { assumed = outcome.keptAssumptions }
      if outcome.untracked {
        untracked = true
        if untrackingRule == nil { untrackingRule = Self.ruleThatUntracks(outcome, snapshot.ruleset) }
      }
      switch outcome.verdict {
      case .forward, .deliver:
        guard isTranslated else {
          untranslated += outcome.probability
          if outcome.verdict == .deliver { untranslatedIsLocal = true }
          continue
        }
        let backend = Self.endpoint(outcome, snapshot)
        reached.append(backend)
        shares.append(outcome.probability)
        translated += outcome.probability
        if firstTranslatingRule == nil { firstTranslatingRule = outcome.destinationRule }
        if outcome.sourceRule != nil {
          masqueraded += outcome.probability
          rewritten.append(backend)
        } else if outcome.verdict == .deliver {
          deliveredHere += outcome.probability
        } else if outcome.mark != 0 {
          leftMarked = true
        }
      case .drop, .reject, .noroute:
        losses.append(
          Loss(
            verdict: outcome.verdict, probability: outcome.probability,
            step: outcome.balancer.map { $0.hasEndpoint } == false ? nil : outcome.steps.last, reason: outcome.reason,
            translatedTo: isTranslated ? Self.endpoint(outcome, snapshot) : nil, untracked: outcome.untracked,
            route: outcome.verdict == .noroute ? trace.route(of: outcome)?.route : nil))
      }
    }
    order(reached)
    masqueradedEndpoints = rewritten.count == reached.count ? endpoints : EndpointSet(rewritten)
  }

  /// Puts endpoints, whose shares are in `shares`, in order; one that is met again gets the sum.
  private mutating func order(_ reached: [EndpointAddress]) {
    endpoints = EndpointSet(reached)
    guard !endpoints.elementsEqual(reached) else { return }
    var sums = Array(repeating: 0.0, count: endpoints.count)
    for (endpoint, share) in zip(reached, shares) { sums[endpoints.position(of: endpoint)!] += share }
    shares = sums
  }

  private static func ruleThatUntracks(_ outcome: Outcome, _ ruleset: Ruleset) -> RuleID? {
    outcome.steps.lazy.compactMap(\.rule).first { id in
      ruleset.clauses(of: ruleset[id]).contains { if case .statement(.noTrack) = $0 { true } else { false } }
    }
  }

  /// Where the connection goes; IPVS' direct routing and tunnels leave the packet's own address as it is.
  private static func endpoint(_ outcome: Outcome, _ snapshot: borrowing Snapshot) -> EndpointAddress {
    guard case .virtualServer(let server, let real?) = outcome.balancer else {
      return EndpointAddress(outcome.destination, outcome.destinationPort)
    }
    let target = snapshot.virtualServers![server].realServers[real]
    return EndpointAddress(target.address, target.port == 0 ? outcome.destinationPort : target.port)
  }
}

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
    public var detail: String?
    /// After the address was translated to an endpoint.
    public var translatedTo: EndpointAddress?
    public var untracked: Bool

    public init(
      verdict: Outcome.Verdict, probability: Double, step: Step? = nil, detail: String? = nil,
      translatedTo: EndpointAddress? = nil,
      untracked: Bool = false
    ) {
      self.verdict = verdict
      self.probability = probability
      self.step = step
      self.detail = detail
      self.translatedTo = translatedTo
      self.untracked = untracked
    }
  }

  public init() {}

  /// Endpoints that are reached, with the share of connections.
  public var endpoints: [EndpointAddress: Double] = [:]
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
  /// Something had to be assumed.
  public var isUncertain = false
  public var assumptions: [String] = []
  /// The endpoints that are reached with the source rewritten.
  public var masqueradedEndpoints: Set<EndpointAddress> = []
  public var firstTranslatingRule: RuleID?
  /// What picked the endpoint where no rule did.
  public var balancer: Balancer?
  public var label: String?
  /// Chains that packets went through, each once; only where a label was asked for.
  public var chains: [ChainID] = []
  public var untracked = false

  public var rejected: Double { lost { $0.verdict == .reject && $0.translatedTo == nil } }
  public var dropped: Double { lost { $0.verdict == .drop && $0.translatedTo == nil } }
  public var lostBehindTranslation: Double { lost { $0.translatedTo != nil } }

  private func lost(_ holds: (Loss) -> Bool) -> Double {
    var sum = 0.0
    for loss in losses where holds(loss) { sum += loss.probability }
    return sum
  }

  /// Where the rules translate to, whether or not the packet gets there.
  public var programmed: Set<EndpointAddress> { Set(endpoints.keys).union(losses.compactMap(\.translatedTo)) }
}

/// Sends flows to frontends of one node. One probe serves one thread.
public final class Probe {
  public let model: NodeModel
  public let tracer: PathTracer
  private var labels: ServiceLabels?

  public init(_ model: NodeModel) {
    self.model = model
    tracer = PathTracer(model)
  }

  /// `from`: an interface or `local`; nil: where the route back to the source leads.
  public func reach(_ frontend: Frontend, source: IPAddress, from: String?, labelled: Bool = false) -> Reach {
    let flow = Flow(
      ipProtocol: frontend.ipProtocol, source: source, sourcePort: 41234, destination: frontend.address,
      destinationPort: frontend.port, from: from ?? tracer.inputInterface(from: source) ?? "eth0")
    let trace = tracer.trace(flow)
    var reach = Self.sum(trace, model.snapshot)
    if labelled {
      if labels == nil { labels = ServiceLabels(model.snapshot.ruleset) }
      reach.label = labels!.label(of: trace)
      for step in trace.outcomes.lazy.flatMap(\.steps) {
        guard let chain = step.verdict.target, !reach.chains.contains(chain) else { continue }
        reach.chains.append(chain)
      }
    }
    return reach
  }

  private static func sum(_ trace: Trace, _ snapshot: Snapshot) -> Reach {
    var reach = Reach()
    for outcome in trace.outcomes {
      let isTranslated = outcome.isTranslated
      let backend = endpoint(outcome, snapshot)
      if reach.balancer == nil { reach.balancer = outcome.balancer }
      if !outcome.assumptions.isEmpty {
        reach.isUncertain = true
        if reach.assumptions.count < 5 { reach.assumptions += outcome.assumptions.prefix(2) }
      }
      if outcome.untracked { reach.untracked = true }
      switch outcome.verdict {
      case .forward, .deliver:
        if isTranslated {
          reach.endpoints[backend, default: 0] += outcome.probability
          reach.translated += outcome.probability
          if outcome.verdict == .deliver, outcome.sourceRule == nil { reach.deliveredHere += outcome.probability }
          if outcome.verdict == .forward, outcome.sourceRule == nil, outcome.mark != 0 { reach.leftMarked = true }
          if reach.firstTranslatingRule == nil { reach.firstTranslatingRule = outcome.destinationRule }
          if outcome.sourceRule != nil {
            reach.masqueraded += outcome.probability
            reach.masqueradedEndpoints.insert(backend)
          }
        } else {
          reach.untranslated += outcome.probability
          if outcome.verdict == .deliver { reach.untranslatedIsLocal = true }
        }
      case .drop, .reject, .noroute:
        reach.losses.append(
          Reach.Loss(
            verdict: outcome.verdict, probability: outcome.probability,
            step: outcome.balancer.map { $0.hasEndpoint } == false ? nil : outcome.steps.last, detail: outcome.detail,
            translatedTo: isTranslated ? backend : nil, untracked: outcome.untracked))
      }
    }
    return reach
  }

  /// Where the connection goes; IPVS' direct routing and tunnels leave the packet's own address as it is.
  private static func endpoint(_ outcome: Outcome, _ snapshot: Snapshot) -> EndpointAddress {
    guard case .virtualServer(let server, let real?) = outcome.balancer else {
      return EndpointAddress(outcome.destination, outcome.destinationPort)
    }
    let target = snapshot.virtualServers![server].realServers[real]
    return EndpointAddress(target.address, target.port == 0 ? outcome.destinationPort : target.port)
  }
}

extension StepVerdict {
  /// The chain that a jump or goto leads to.
  fileprivate var target: ChainID? {
    switch self {
    case .jump(let chain), .goto(let chain): chain
    default: nil
    }
  }
}

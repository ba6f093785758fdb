import Intent
import PacketPath
import Ruleset
import Snapshot
import Wire

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
  public func trace(_ frontend: Frontend, source: IPAddress, from: String?) -> Trace {
    tracer.trace(flow(frontend, source, from))
  }

  /// The same, summed up.
  public func reach(_ frontend: Frontend, source: IPAddress, from: String?, labelled: Bool = false) -> Reach {
    reach(trace(frontend, source: source, from: from), labelled: labelled)
  }

  public func reach(_ trace: borrowing Trace, labelled: Bool = false) -> Reach {
    var reach = Reach(trace, model.snapshot)
    if labelled {
      if labels == nil { labels = ServiceLabels(model.snapshot.ruleset) }
      reach.label = labels!.label(of: trace)
      reach.chains = trace.enteredChains
    }
    return reach
  }

  /// The rule that translates to an endpoint; nil: none does. Traces again, for a finding's evidence.
  public func rule(to endpoint: EndpointAddress, of frontend: Frontend, source: IPAddress, from: String?) -> RuleID? {
    tracer.trace(flow(frontend, source, from)).outcomes.first {
      $0.destination == endpoint.address && $0.destinationPort == endpoint.port && $0.destinationRule != nil
    }?.destinationRule
  }

  private func flow(_ frontend: Frontend, _ source: IPAddress, _ from: String?) -> Flow {
    var flow = Flow(
      ipProtocol: frontend.ipProtocol, source: source, sourcePort: 41234, destination: frontend.address,
      destinationPort: frontend.port,
      from: from ?? tracer.inputInterface(from: source, to: frontend.address) ?? "eth0")
    flow.isFrame = from == nil && !flow.isLocal
    return flow
  }
}

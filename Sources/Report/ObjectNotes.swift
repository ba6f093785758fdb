import PacketPath

/// What the cluster's objects say of a flow that rules do not show.
public struct ObjectNotes: Sendable {
  /// The Service that a flow dials, where no rule names it.
  public var service: @Sendable (Flow) -> String?
  /// The Service whose ClusterIP a flow dials, where the node's kube-proxy ought to translate it.
  public var clusterIP: (@Sendable (Flow) -> String?)?
  /// What NetworkPolicies have against the connection with the endpoint that an outcome reaches: a sentence; nil: nothing.
  /// Only a CNI that enforces policies drops it then. The whole is nil where the objects have no policies.
  public var denial: (@Sendable (Flow, Outcome) -> String?)?

  public init(service: @escaping @Sendable (Flow) -> String?) { self.service = service }

  /// The trace with what objects know of its outcomes.
  public func completed(_ trace: Trace) -> Trace {
    guard let name = clusterIP?(trace.flow) else { return trace }
    var trace = trace
    trace.markUnserved(name)
    return trace
  }

  /// The denials of all endpoints that a trace reaches, each once, in the order of its outcomes.
  public func denials(_ trace: Trace) -> [String] {
    guard let denial else { return [] }
    var list: [String] = []
    for outcome in trace.outcomes {
      if let text = denial(trace.flow, outcome), !list.contains(text) { list.append(text) }
    }
    return list
  }
}

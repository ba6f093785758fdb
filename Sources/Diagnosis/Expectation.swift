import Intent
import ServiceMap
import Wire

/// Who sends.
public enum Origin: String, Sendable, Hashable {
  case pod = "a Pod on this node"
  case remotePod = "a Pod on another node"
  case node = "the node itself"
  case outside = "outside"
}

/// What a correct kube-proxy does with new connections of one origin to one frontend.
public struct Expectation: Sendable {
  public enum Result: Sendable, Hashable { case serve, reject, drop }
  public var result: Result
  /// Any of these is right; kube-proxy's versions differ.
  public var acceptable: [EndpointSet] = []
  /// It may also refuse instead of serving (versions and modes differ).
  public var mayRefuse = false
  /// True: the source must be rewritten; false: it must be kept; nil: depends on options that rules alone tell.
  public var masquerade: Bool?
  /// Policy Local does not count for this client: it must be sent to any of `shortCircuit`.
  public var shortCircuit: [EndpointSet] = []

  public static func of(
    _ kind: Frontend.Kind, _ origin: Origin, _ service: Service, _ selection: EndpointSelection, source: IPAddress,
    isIPVS: Bool
  ) -> Expectation {
    if kind == .loadBalancer, !service.sourceRanges.isEmpty {
      let ranges = service.sourceRanges.filter { $0.address.version == source.version }
      if !ranges.contains(where: { $0.contains(source) }), !ranges.isEmpty {
        var refused = Expectation(result: .drop)
        refused.mayRefuse = true
        if origin == .node, !selection.cluster.isEmpty || !selection.local.isEmpty {
          // The node's own traffic passes where a range holds the node's address.
          refused.result = .serve
          refused.acceptable = selection.acceptableCluster + selection.acceptableLocal
        }
        return refused
      }
    }
    guard !selection.cluster.isEmpty || !selection.local.isEmpty else { return Expectation(result: .reject) }
    if kind == .clusterIP {
      if service.internalPolicyLocal {
        if selection.local.isEmpty {
          return Expectation(
            result: isIPVS ? .serve : .drop, acceptable: selection.acceptableCluster, mayRefuse: isIPVS)
        }
        return Expectation(result: .serve, acceptable: selection.acceptableLocal, masquerade: nil)
      }
      return Expectation(
        result: .serve, acceptable: selection.acceptableCluster, mayRefuse: selection.readyOnly.isEmpty,
        masquerade: origin == .node || origin == .outside ? true : nil)
    }
    if service.externalPolicyLocal {
      switch origin {
      case .outside:
        if selection.local.isEmpty {
          // IPVS mode falls back to all endpoints, whose answers then bypass the node.
          return Expectation(
            result: isIPVS ? .serve : .drop, acceptable: selection.acceptableCluster, mayRefuse: isIPVS)
        }
        return Expectation(
          result: .serve, acceptable: selection.acceptableLocal, mayRefuse: selection.localReadyOnly.isEmpty,
          masquerade: false)
      case .pod, .node, .remotePod:
        return Expectation(
          result: .serve, acceptable: selection.acceptableCluster + selection.acceptableLocal,
          mayRefuse: selection.local.isEmpty || selection.readyOnly.isEmpty,
          masquerade: origin == .node && !isIPVS ? true : nil,
          shortCircuit: isIPVS || origin == .remotePod || selection.readyOnly.isEmpty
            ? [] : selection.acceptableCluster)
      }
    }
    return Expectation(
      result: .serve, acceptable: selection.acceptableCluster, mayRefuse: selection.readyOnly.isEmpty,
      masquerade: origin == .pod || origin == .remotePod ? nil : true)
  }
}

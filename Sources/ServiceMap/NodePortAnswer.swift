import Wire

/// How one node answers at one NodePort, by who asks.
public struct NodePortAnswer: Sendable {
  public enum Result: String, Sendable {
    case served
    case partly = "served in part"
    case refused, dropped
    /// Translated, and lost on the way to the endpoint.
    case lost = "lost behind translation"
    case ignored = "not translated"
  }

  public var node: String
  /// `namespace/name:port`.
  public var service: String
  public var address: IPAddress
  public var port: UInt16
  public var ipProtocol: IPProtocol
  public var outside: Result
  public var fromNode: Result?
  /// Nil: no Pod of the node is known.
  public var fromPod: Result?
  public var localhost: Result
  /// Whether endpoints see the address of an outside client; nil: none is reached.
  public var keepsClientAddress: Bool?
  /// 0: none.
  public var healthCheckPort: UInt16 = 0
  /// Whether the node's rules let a health check in, and whether something listens; nil: not known.
  public var healthCheckAccepted: Bool?
  public var healthCheckListening: Bool?
  /// Whether load balancer addresses refuse sources outside loadBalancerSourceRanges; nil: there are none. NodePorts
  /// themselves never do.
  public var sourceRangesKept: Bool?
  /// Nil: the snapshot does not tell.
  public var inEphemeralRange: Bool?
  /// The host process that listens at the port; nil: none, or no list of sockets.
  public var heldBy: String?

  public init(
    node: String, service: String, address: IPAddress, port: UInt16, ipProtocol: IPProtocol, outside: Result,
    localhost: Result
  ) {
    self.node = node
    self.service = service
    self.address = address
    self.port = port
    self.ipProtocol = ipProtocol
    self.outside = outside
    self.localhost = localhost
  }
}

extension Reach {
  /// The reach in one word.
  public var result: NodePortAnswer.Result {
    let tiny = 1e-6
    if translated > 1 - tiny { return .served }
    if translated > tiny { return .partly }
    if lostBehindTranslation > tiny { return .lost }
    if rejected > tiny { return .refused }
    if dropped > tiny { return .dropped }
    return .ignored
  }
}

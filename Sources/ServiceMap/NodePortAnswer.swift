import Findings
import Wire

/// How one node answers at one NodePort, by who asks.
public struct NodePortAnswer: Sendable {
  public var node: String
  /// `namespace/name:port`.
  public var service: String
  public var address: IPAddress
  public var port: UInt16
  public var ipProtocol: IPProtocol
  public var outside: Answer
  public var fromNode: Answer?
  /// Nil: no Pod of the node is known.
  public var fromPod: Answer?
  public var localhost: Answer
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
    node: String, service: String, address: IPAddress, port: UInt16, ipProtocol: IPProtocol, outside: Answer,
    localhost: Answer
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

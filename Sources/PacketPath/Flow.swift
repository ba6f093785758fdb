import Wire

/// The first packet of a connection: addresses, ports, protocol, and where it enters. The JSON contract's `flow`.
public struct Flow: Sendable, Hashable {
  public var id: String
  public var ipProtocol: IPProtocol
  public var source: IPAddress
  public var destination: IPAddress
  /// 0 where the protocol has no ports.
  public var sourcePort: UInt16
  public var destinationPort: UInt16
  /// The interface that IP sees (a bridge, not its port), or `local`.
  public var from: String
  /// `from` was found by the source, not named: where it is a bridge, the packet came as a frame through one of its
  /// ports, and to the bridge itself only if the sender reaches the destination through it.
  public var isFrame = false
  public var icmpType: UInt8?
  public var icmpCode: UInt8?
  /// Bytes of the IP packet.
  public var length: UInt32?
  public var mark: UInt32?
  /// FIN 1, SYN 2, RST 4, PSH 8, ACK 16; nil: SYN alone.
  public var tcpFlags: UInt8?
  /// Owner of the local socket.
  public var uid: UInt32?
  public var gid: UInt32?
  public var dontFragment: Bool?
  /// Where in a bundle it begins, where the flow says so.
  public var origin: FlowOrigin?

  public static let local = "local"

  public init(
    id: String = "f1", ipProtocol: IPProtocol, source: IPAddress, sourcePort: UInt16 = 0, destination: IPAddress,
    destinationPort: UInt16 = 0, from: String
  ) {
    self.id = id
    self.ipProtocol = ipProtocol
    self.source = source
    self.sourcePort = sourcePort
    self.destination = destination
    self.destinationPort = destinationPort
    self.from = from
  }

  public var isLocal: Bool { from == Flow.local }
  public var version: IPVersion { destination.version }
}

/// Where in a bundle a flow begins.
public final class FlowOrigin: Sendable, Hashable {
  public let node: String?
  /// `NAMESPACE/NAME`.
  public let pod: String?
  /// The node to which the network outside brings it.
  public let enters: String?

  public init(node: String? = nil, pod: String? = nil, enters: String? = nil) {
    self.node = node
    self.pod = pod
    self.enters = enters
  }

  public static func == (a: FlowOrigin, b: FlowOrigin) -> Bool {
    a.node == b.node && a.pod == b.pod && a.enters == b.enters
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(node)
    hasher.combine(pod)
    hasher.combine(enters)
  }
}

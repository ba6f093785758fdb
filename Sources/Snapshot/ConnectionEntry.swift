import Wire

/// One line of `conntrack -L` or /proc/net/nf_conntrack, or a ctnetlink entry.
public struct ConnectionEntry: Sendable, Hashable {
  public struct Tuple: Sendable, Hashable {
    public var source: IPAddress
    public var destination: IPAddress
    /// ICMP: id in both.
    public var sourcePort: UInt16
    public var destinationPort: UInt16
    public init(source: IPAddress, destination: IPAddress, sourcePort: UInt16, destinationPort: UInt16) {
      self.source = source
      self.destination = destination
      self.sourcePort = sourcePort
      self.destinationPort = destinationPort
    }
  }
  public var ipProtocol: UInt8
  /// Seconds.
  public var timeout: Int?
  /// `ESTABLISHED`, `SYN_SENT` … of TCP.
  public var state: String?
  public var original: Tuple
  public var reply: Tuple
  public var unreplied = false
  public var assured = false
  public var mark: UInt32 = 0
  public var zone: UInt16 = 0
  /// Where it stands: an index in the ruleset's files, and its line; 0: not known.
  public var file: UInt32 = 0
  public var line = 0

  public init(ipProtocol: UInt8, original: Tuple, reply: Tuple) {
    self.ipProtocol = ipProtocol
    self.original = original
    self.reply = reply
  }
}

/// A listening or connected socket, from `ss -lntup` and the like.
public struct SocketEntry: Sendable, Hashable {
  public var `protocol`: String
  public var state: String
  /// Nil: any address.
  public var localAddress: IPAddress?
  public var localPort: UInt16
  public var interface: String?
  /// `("nginx",pid=12,fd=6)` → nginx.
  public var process: String?
  /// The other end, of a socket that has one.
  public var peerAddress: IPAddress?
  public var peerPort: UInt16 = 0
  @NotCompared public var place = FilePlace()
  public init(protocol: String, state: String, localAddress: IPAddress?, localPort: UInt16) {
    self.protocol = `protocol`
    self.state = state
    self.localAddress = localAddress
    self.localPort = localPort
  }
}

/// A virtual server of IPVS and its real servers, from `ipvsadm -Sn` or `-Ln`.
public struct VirtualServer: Sendable, Hashable {
  public struct RealServer: Sendable, Hashable {
    public enum Forwarding: String, Sendable, Hashable {
      case masquerade = "Masq"
      case route = "Route"
      case tunnel = "Tunnel"
    }
    public var address: IPAddress
    public var port: UInt16
    public var forwarding: Forwarding
    public var weight: Int
    public var activeConnections: Int?
    public var inactiveConnections: Int?
    public var line = 0
    public init(address: IPAddress, port: UInt16, forwarding: Forwarding = .masquerade, weight: Int = 1) {
      self.address = address
      self.port = port
      self.forwarding = forwarding
      self.weight = weight
    }
  }
  /// 6, 17, 132; 0 where `firewallMark` names it.
  public var ipProtocol: UInt8
  public var address: IPAddress
  public var port: UInt16
  public var firewallMark: UInt32?
  public var scheduler: String
  public var schedulerFlags: [String] = []
  /// Seconds of persistence; nil: none.
  public var persistence: Int?
  /// Persistence granularity, a prefix length.
  public var persistenceMask: Int?
  public var onePacket = false
  public var realServers: [RealServer] = []
  public var file: UInt32 = 0
  public var line = 0
  public init(ipProtocol: UInt8, address: IPAddress, port: UInt16, scheduler: String) {
    self.ipProtocol = ipProtocol
    self.address = address
    self.port = port
    self.scheduler = scheduler
  }
}

import Ruleset
import Wire

/// A route, from `ip route show table all` or rtnetlink.
public struct Route: Sendable, Hashable {
  public struct NextHop: Sendable, Hashable {
    public var gateway: IPAddress?
    /// Output interface; nil where the dump does not say (then the gateway decides).
    public var interface: String?
    public var weight = 1
    public var dead = false
    public var onlink = false
    public init(gateway: IPAddress? = nil, interface: String? = nil) {
      self.gateway = gateway
      self.interface = interface
    }
  }

  /// Routing table ids that have names (include/uapi/linux/rtnetlink.h).
  public enum TableNumber {
    public static let local: UInt32 = 255
    public static let main: UInt32 = 254
    public static let `default`: UInt32 = 253
  }

  /// `unicast`, `local`, `broadcast`, `anycast`, `multicast`, `blackhole`, `unreachable`, `prohibit`, `throw`.
  public var type: AddressType
  public var destination: IPPrefix
  public var table: UInt32
  public var nextHops: [NextHop]
  /// Preferred source address.
  public var source: IPAddress?
  /// `from PREFIX` of an IPv6 subtree.
  public var from: IPPrefix?
  public var metric: UInt32
  public var typeOfService: UInt8 = 0
  public var mtu: Int?
  public var scope: String?
  public var `protocol`: String?
  /// Where it stands.
  public var file: UInt32 = 0
  public var line: Int = 0

  public init(
    type: AddressType = .unicast, destination: IPPrefix, table: UInt32 = TableNumber.main, nextHops: [NextHop] = [],
    source: IPAddress? = nil, metric: UInt32 = 0
  ) {
    self.type = type
    self.destination = destination
    self.table = table
    self.nextHops = nextHops
    self.source = source
    self.metric = metric
  }
}

/// A policy routing rule, from `ip rule`.
public struct RoutingRule: Sendable, Hashable {
  public enum Action: Sendable, Hashable {
    case lookup(UInt32)
    case goto(UInt32)
    case nop, blackhole, unreachable, prohibit
  }

  public var version: IPVersion
  public var priority: UInt32
  public var inverted = false
  public var from: IPPrefix?
  public var to: IPPrefix?
  public var inputInterface: String?
  public var outputInterface: String?
  public var mark: UInt32?
  public var markMask: UInt32 = .max
  public var typeOfService: UInt8 = 0
  public var ipProtocol: UInt8?
  public var sourcePorts: ClosedRange<UInt16>?
  public var destinationPorts: ClosedRange<UInt16>?
  public var userIDs: ClosedRange<UInt32>?
  /// `suppress_prefixlength N`: routes found with a prefix of at most N are ignored.
  public var suppressPrefixLength: Int?
  /// `l3mdev`: the VRF table of the device.
  public var l3mdev = false
  public var action: Action
  /// Where it stands.
  public var file: UInt32 = 0
  public var line: Int = 0

  public init(version: IPVersion, priority: UInt32, action: Action) {
    self.version = version
    self.priority = priority
    self.action = action
  }
}

/// An entry of the neighbour table (ARP, NDP), from `ip neigh`.
public struct Neighbour: Sendable, Hashable {
  public var address: IPAddress
  public var interface: String
  public var mac: String?
  /// `REACHABLE`, `STALE`, `FAILED`, `INCOMPLETE`, `PERMANENT`, `NOARP` …
  public var state: String
  @NotCompared public var place = FilePlace()
  public init(address: IPAddress, interface: String, mac: String? = nil, state: String) {
    self.address = address
    self.interface = interface
    self.mac = mac
    self.state = state
  }
}

/// An entry of a bridge's or VXLAN device's forwarding table, from `bridge fdb`.
public struct ForwardingEntry: Sendable, Hashable {
  public var mac: String
  public var interface: String
  /// The remote VTEP of a VXLAN device.
  public var destination: IPAddress?
  public var master: String?
  public init(mac: String, interface: String, destination: IPAddress? = nil, master: String? = nil) {
    self.mac = mac
    self.interface = interface
    self.destination = destination
    self.master = master
  }
}

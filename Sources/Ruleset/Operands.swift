import Wire

/// Two values of up to 128 bits: value and mask of `equalWide`, low and high of `rangeWide`.
public struct WidePair: Hashable, Sendable {
  public var a: Bits128
  public var b: Bits128
  @inlinable public init(_ a: Bits128, _ b: Bits128) {
    self.a = a
    self.b = b
  }
}

/// Inclusive port ranges of xt_multiport.
public struct PortList: Hashable, Sendable {
  public var ranges: [ClosedRange<UInt16>]
  public init(_ ranges: [ClosedRange<UInt16>]) { self.ranges = ranges }
}

/// xt_set's `--match-set NAME src,dst…`.
public struct IPSetTest: Hashable, Sendable {
  public var name: String
  /// One a dimension; true: from the source.
  public var fromSource: [Bool]
  public var returnNoMatch: Bool
  /// Options that need counters the flow does not state (`--packets-gt` …); empty: none.
  public var otherOptions: String
  public init(name: String, fromSource: [Bool], returnNoMatch: Bool = false, otherOptions: String = "") {
    self.name = name
    self.fromSource = fromSource
    self.returnNoMatch = returnNoMatch
    self.otherOptions = otherOptions
  }
}

/// The kind of an address by the routing tables (RTN_*, include/uapi/linux/rtnetlink.h), as bit numbers.
public enum AddressType: UInt8, Sendable, Hashable, CaseIterable {
  case unspec = 0
  case unicast, local, broadcast, anycast, multicast, blackhole, unreachable, prohibit
  case `throw`, nat, xresolve
  @inlinable public var bit: UInt16 { 1 << UInt16(rawValue) }

  /// Of routes: the packet goes nowhere.
  public var isRefusal: Bool { self == .blackhole || self == .unreachable || self == .prohibit }
}

/// xt_addrtype and nft's `fib … type`. All given parts must hold.
public struct AddressTypeTest: Hashable, Sendable {
  /// Bits of AddressType; nil: not asked.
  public var sourceTypes: UInt16?
  public var destinationTypes: UInt16?
  public var invertSource = false
  public var invertDestination = false
  /// The address must be of that type on the packet's own input/output interface.
  public var limitToInput = false
  public var limitToOutput = false
  public init(sourceTypes: UInt16? = nil, destinationTypes: UInt16? = nil) {
    self.sourceTypes = sourceTypes
    self.destinationTypes = destinationTypes
  }
}

/// xt_socket.
public struct SocketTest: Hashable, Sendable {
  /// One with IP_TRANSPARENT.
  public var transparent = false
  /// One bound to any address counts too (`--nowildcard`; without it xtables passes those over).
  public var wildcard = false
  public init() {}
}

/// xt_rpfilter.
public struct ReversePathTest: Hashable, Sendable {
  public var loose = false
  public var validMark = false
  public var acceptLocal = false
  public var invert = false
  public init() {}
}

/// The masks of xt_CONNMARK's --save-mark and --restore-mark.
public struct MarkCopy: Hashable, Sendable {
  public var packetMask: UInt32
  public var connectionMask: UInt32
  public init(packetMask: UInt32, connectionMask: UInt32) {
    self.packetMask = packetMask
    self.connectionMask = connectionMask
  }
}

public struct TransparentProxy: Hashable, Sendable {
  public var address: Bits128?
  public var port: UInt16
  public var markValue: UInt32
  public var markMask: UInt32
  /// nft's tproxy does not end the chain; xt_TPROXY accepts.
  public var accepts: Bool
  public init(address: Bits128?, port: UInt16, markValue: UInt32 = 0, markMask: UInt32 = 0, accepts: Bool) {
    self.address = address
    self.port = port
    self.markValue = markValue
    self.markMask = markMask
    self.accepts = accepts
  }
}

/// A NAT statement other than the plain IPv4 DNAT.
public struct Translation: Hashable, Sendable {
  public enum Kind: UInt8, Sendable, Hashable { case destination, source, masquerade, redirect, netmap }
  public enum PortChoice: UInt8, Sendable, Hashable { case first, random, fullyRandom }

  public var kind: Kind
  /// First and last address; for `netmap` the prefix's first and last.
  public var addresses: ClosedRange<Bits128>?
  public var ports: ClosedRange<UInt16>?
  public var choice: PortChoice = .first
  public var persistent = false
  /// nft: address and port computed or looked up instead of constant. Where one map yields both, `addressAndPort`.
  public var addressExpression: ExpressionID?
  public var portExpression: ExpressionID?
  public var addressAndPort: ExpressionID?
  /// nft `dnat ip to` in an inet table: only packets of this version are translated. Nil: any.
  public var version: IPVersion?
  /// nft `dnat ip prefix to`: the address part behind the mapped prefix is kept.
  public var prefix = false
  public init(_ kind: Kind, addresses: ClosedRange<Bits128>? = nil, ports: ClosedRange<UInt16>? = nil) {
    self.kind = kind
    self.addresses = addresses
    self.ports = ports
  }
}

/// nft's `add|update|delete @set { key … }`: what the packet meets when it asks the set again, and what others meet.
public struct SetUpdate: Hashable, Sendable {
  public enum Operation: String, Sendable, Hashable { case add, update, delete }

  public var operation: Operation
  public var set: SetID
  public var key: Expression
  /// Of a map: what the key leads to.
  public var data: Expression?
  /// The element's other properties as nft spells them (`timeout 1h`, `counter packets 0 bytes 0`); empty: none.
  public var details: TextID?
  /// The details hold a rate, a quota or a number of connections: the rule goes on only while it is kept.
  public var isLimited: Bool

  public init(
    _ operation: Operation, set: SetID, key: Expression, data: Expression? = nil, details: TextID? = nil,
    isLimited: Bool = false
  ) {
    self.operation = operation
    self.set = set
    self.key = key
    self.data = data
    self.details = details
    self.isLimited = isLimited
  }
}

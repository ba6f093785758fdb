import Wire

/// Addresses that MetalLB may give to Services.
public struct AddressPool: Sendable {
  public var namespace: String
  public var name: String
  public var ranges: [AddressRange] = []
  public var assignsByItself = true
  /// Index into `Cluster.files`.
  public var file = 0

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  public func contains(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }

  /// How many addresses of a version it has; no more than a million are counted.
  public func count(_ version: IPVersion) -> Int {
    ranges.reduce(0) { $0 + ($1.first.version == version ? $1.count : 0) }
  }
}

/// Both ends are in it.
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
  public var first: IPAddress
  public var last: IPAddress
  private let text: String

  static let countable = 1 << 20

  /// `203.0.113.0/28` or `203.0.113.5-203.0.113.9`
  public init?(_ text: String) {
    self.text = text
    let parts = text.split(separator: "-").map { $0.filter { $0 != " " } }
    if parts.count == 2, let first = IPAddress(parts[0]), let last = IPAddress(parts[1]), first.version == last.version,
      !(last < first)
    {
      self.first = first
      self.last = last
    } else if let range = IPPrefix(text.filter { $0 != " " }) {
      (first, last) = (range.address, range.last)
    } else {
      return nil
    }
  }

  public func contains(_ address: IPAddress) -> Bool {
    address.version == first.version && !(address < first) && !(last < address)
  }

  public var count: Int {
    guard last.bits.high == first.bits.high else { return Self.countable }
    return Int(min(last.bits.low - first.bits.low, UInt64(Self.countable - 1))) + 1
  }

  public var description: String { text }
}

/// How MetalLB makes addresses of pools known.
public struct PoolAdvertisement: Sendable {
  public enum Kind: String, Sendable {
    case layer2 = "L2Advertisement"
    case bgp = "BGPAdvertisement"
  }
  public var kind: Kind
  public var namespace: String
  public var name: String
  /// Names of pools; together with `selectsByLabel` false and empty: all of them.
  public var pools: [String] = []
  public var selectsByLabel = false
  /// Which nodes may announce; empty: all.
  public var nodeSelectors: [LabelSelector] = []

  public init(_ kind: Kind, namespace: String, name: String) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
  }

  /// Nil: labels decide, which are not known.
  public func covers(_ pool: AddressPool) -> Bool? {
    if pools.contains(pool.name) { return true }
    if selectsByLabel { return nil }
    return pools.isEmpty
  }
}

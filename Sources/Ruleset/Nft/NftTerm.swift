import Wire

/// A key of nft's language (`ip daddr`, `ct state`, `numgen random mod 2` …, or several joined by `.`) as the readers
/// hand it to `NftLowering`: what the walk computes, and what the spelled language knows about it besides.
public struct NftTerm: Sendable {
  public var expression: Expression
  public var type: NftType
  /// Bits.
  public var width: Int
  /// What must hold for the header to be there.
  public var needs: NftNeeds
  /// The parts of a concatenation; empty for a single key.
  public var parts: [NftTerm] = []

  @inlinable public init(_ expression: Expression, _ type: NftType, width: Int? = nil, needs: NftNeeds = .init()) {
    self.expression = expression
    self.type = type
    self.width = width ?? type.width
    self.needs = needs
  }

  /// A constant.
  @inlinable public init(constant value: Bits128, _ type: NftType) {
    self.init(.constant(value), type)
  }

  /// A concatenation.
  public init(parts: [NftTerm]) {
    self.init(
      .concatenation(parts.map(\.expression)), .integer, width: parts.reduce(0) { $0 + ($1.width + 31) / 32 * 32 })
    self.parts = parts
  }

  public var types: [NftType] { parts.isEmpty ? [type] : parts.map(\.type) }

  /// Whether anything in it is not modelled.
  public var isUnknown: Bool { parts.isEmpty ? expression.isUnknown : parts.contains { $0.isUnknown } }
}

extension Expression {
  public var isUnknown: Bool {
    switch self {
    case .unknown: true
    case .concatenation(let parts): parts.contains { $0.isUnknown }
    case .and(let a, let b), .or(let a, let b), .xor(let a, let b), .shiftLeft(let a, let b), .shiftRight(let a, let b):
      a.isUnknown || b.isUnknown
    case .map(let key, _): key.isUnknown
    case .jenkinsHash(let key, _, _, _): key.isUnknown
    default: false
    }
  }
}

/// What a key needs of a packet: nft writes these tests before the key's own, unless the rule already made them.
public struct NftNeeds: Sendable, Hashable {
  /// 0: any; otherwise NFPROTO_IPV4 or NFPROTO_IPV6.
  public var network: UInt8 = 0
  /// The transport protocol + 1; 0: any.
  public var transport: UInt16 = 0

  @inlinable public init() {}
  @inlinable public init(network: UInt8) { self.network = network }
  @inlinable public init(transport: UInt8) { self.transport = UInt16(transport) + 1 }

  public static let ip = NftNeeds(network: 2)
  public static let ip6 = NftNeeds(network: 10)
}

/// Operators of a match. `implicit`: none is written, which for flags asks for any of them.
public enum NftOperator: Sendable, Hashable {
  case implicit, equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
}

/// The right side of a match.
public enum NftOperand: Sendable {
  /// A value (`low == high`), a prefix, a wildcard name or a range.
  case interval(low: Bits128, high: Bits128)
  /// `tcp flags VALUE / MASK`.
  case masked(Bits128, mask: Bits128)
  /// `! flags`: none of them.
  case noneOf(Bits128)
  case set(SetID)
  case term(NftTerm)
  /// Spelled in a way that is not understood.
  case unknown
}

/// An address or port argument of a NAT statement.
public enum NftArgument: Sendable {
  case absent
  case range(Bits128, Bits128)
  case computed(Expression)
}

import Wire

/// A value computed from a packet: nft's right-hand sides, lookup keys and statement arguments.
public enum Expression: Sendable, Hashable {
  case field(Field)
  case constant(Bits128)
  /// Parts of a concatenation, as in `ip daddr . tcp dport`.
  case concatenation([Expression])
  indirect case and(Expression, Expression)
  indirect case or(Expression, Expression)
  indirect case xor(Expression, Expression)
  indirect case shiftLeft(Expression, Expression)
  indirect case shiftRight(Expression, Expression)
  /// The data that a map holds for a key; no element, and the rule ends.
  indirect case map(key: Expression, SetID)
  /// A uniformly distributed number in offset ..< offset + modulus.
  case randomNumber(modulus: UInt32, offset: UInt32)
  /// Takes turns: 0, 1, … modulus - 1, plus offset.
  case counterNumber(modulus: UInt32, offset: UInt32)
  /// Jenkins hash with a seed; nil: a seed the kernel drew.
  indirect case jenkinsHash(Expression, modulus: UInt32, seed: UInt32?, offset: UInt32)
  /// A hash that is symmetric in the flow's addresses; its seed is drawn at boot.
  case symmetricHash(modulus: UInt32, offset: UInt32)
  /// `fib …`: what a route lookup yields.
  case routeLookup(RouteLookup)
  /// `length` bits, `offset` bits into a header.
  case payload(PayloadBase, offset: UInt32, length: UInt32)
  /// Not modelled; the text is nft's spelling.
  case unknown(TextID)
}

public enum PayloadBase: UInt8, Sendable, Hashable { case link, network, transport, inner, tunnel }

/// nft's `fib` expression.
public struct RouteLookup: Sendable, Hashable {
  public enum Result: UInt8, Sendable, Hashable { case interfaceIndex, interfaceName, addressType }
  public var result: Result
  public var fromSource: Bool
  /// Which of the packet's facts restrict the lookup.
  public var withMark = false
  public var withInputInterface = false
  public var withOutputInterface = false
  /// Asked as `missing`/`exists` (a boolean: 1 exists).
  public var presenceOnly = false
  public init(_ result: Result, fromSource: Bool) {
    self.result = result
    self.fromSource = fromSource
  }
}

/// `left OP right` for expressions that the plain tests do not cover.
public struct Comparison: Sendable, Hashable {
  public enum Operator: UInt8, Sendable, Hashable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, inRange, notInRange
  }
  public var left: Expression
  public var comparator: Operator
  public var right: Bits128
  /// The upper end of a range.
  public var high: Bits128
  /// Where the right side is computed too.
  public var rightExpression: Expression?
  public init(
    _ left: Expression, _ comparator: Operator, _ right: Bits128, high: Bits128 = .zero,
    rightExpression: Expression? = nil
  ) {
    self.left = left
    self.comparator = comparator
    self.right = right
    self.high = high
    self.rightExpression = rightExpression
  }
}

/// A key looked up in a set, map or verdict map.
public struct Lookup: Sendable, Hashable {
  public var key: Expression
  public var set: SetID
  public init(key: Expression, set: SetID) {
    self.key = key
    self.set = set
  }
}

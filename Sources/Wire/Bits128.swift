/// 128 bits, most significant first: an IPv6 address, an IPv4 address or number in the low bits, or an interface name
/// (at most 15 bytes) in the high bytes. Comparable as an unsigned number, so prefixes and ranges of all three are
/// masks and intervals.
public struct Bits128: Hashable, Comparable, Sendable {
  public var high: UInt64
  public var low: UInt64

  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  @inlinable public init(_ value: UInt32) { self.init(high: 0, low: UInt64(value)) }
  @inlinable public init(_ value: UInt64) { self.init(high: 0, low: value) }

  public static let zero = Bits128(high: 0, low: 0)
  public static let ones = Bits128(high: .max, low: .max)

  /// Up to 16 bytes, the first becomes the most significant; what is missing is zero.
  @inlinable public init(leftAligned bytes: some Sequence<UInt8>) {
    var high: UInt64 = 0
    var low: UInt64 = 0
    var index: UInt64 = 0
    for byte in bytes {
      if index < 8 {
        high |= UInt64(byte) << (56 - 8 * index)
      } else if index < 16 {
        low |= UInt64(byte) << (120 - 8 * index)
      }
      index += 1
    }
    self.init(high: high, low: low)
  }

  /// The bytes, most significant first.
  public var bytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
      + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
  }

  /// The leading `length` bits set; `length` in 0...128.
  @inlinable public static func mask(leading length: Int) -> Bits128 {
    if length <= 0 { return zero }
    if length < 64 { return Bits128(high: ~(UInt64.max >> UInt64(length)), low: 0) }
    if length == 64 { return Bits128(high: .max, low: 0) }
    if length >= 128 { return ones }
    return Bits128(high: .max, low: ~(UInt64.max >> UInt64(length - 64)))
  }

  @inlinable public static func < (a: Bits128, b: Bits128) -> Bool {
    a.high != b.high ? a.high < b.high : a.low < b.low
  }
  @inlinable public static func & (a: Bits128, b: Bits128) -> Bits128 {
    .init(high: a.high & b.high, low: a.low & b.low)
  }
  @inlinable public static func | (a: Bits128, b: Bits128) -> Bits128 {
    .init(high: a.high | b.high, low: a.low | b.low)
  }
  @inlinable public static func ^ (a: Bits128, b: Bits128) -> Bits128 {
    .init(high: a.high ^ b.high, low: a.low ^ b.low)
  }
  @inlinable public static prefix func ~ (a: Bits128) -> Bits128 { .init(high: ~a.high, low: ~a.low) }

  @inlinable public static func << (a: Bits128, n: Int) -> Bits128 {
    if n <= 0 { return a }
    if n >= 128 { return zero }
    if n >= 64 { return .init(high: a.low << UInt64(n - 64), low: 0) }
    return .init(high: a.high << UInt64(n) | a.low >> UInt64(64 - n), low: a.low << UInt64(n))
  }
  @inlinable public static func >> (a: Bits128, n: Int) -> Bits128 {
    if n <= 0 { return a }
    if n >= 128 { return zero }
    if n >= 64 { return .init(high: 0, low: a.high >> UInt64(n - 64)) }
    return .init(high: a.high >> UInt64(n), low: a.low >> UInt64(n) | a.high << UInt64(64 - n))
  }

  /// The next number, wrapping at the end.
  @inlinable public var successor: Bits128 {
    let (low, carry) = low.addingReportingOverflow(1)
    return .init(high: carry ? high &+ 1 : high, low: low)
  }

  @inlinable public var isZero: Bool { high == 0 && low == 0 }
}

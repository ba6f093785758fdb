import Wire

/// Some bytes of an input, not copied. Compares with literals, so that `switch word { case "dev": … }` costs a memcmp.
/// Valid as long as the bytes that it points into.
public struct ByteText {
  public let bytes: UnsafeRawBufferPointer
  @inlinable public init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  public var string: String { String(decoding: bytes, as: UTF8.self) }
  @inlinable public var count: Int { bytes.count }
  @inlinable public var isEmpty: Bool { bytes.isEmpty }
  @inlinable public var first: UInt8? { bytes.first }
  @inlinable public var last: UInt8? { bytes.last }

  @inlinable public static func == (text: ByteText, literal: StaticString) -> Bool { text.bytes.equals(literal) }
  @inlinable public static func == (a: ByteText, b: ByteText) -> Bool { a.bytes.elementsEqual(b.bytes) }
  @inlinable public static func ~= (literal: StaticString, text: ByteText) -> Bool { text == literal }

  @inlinable public func hasPrefix(_ literal: StaticString) -> Bool {
    count >= literal.utf8CodeUnitCount && self[0..<literal.utf8CodeUnitCount] == literal
  }

  /// Whether the bytes of a literal stand anywhere in it.
  public func contains(_ literal: StaticString) -> Bool {
    let length = literal.utf8CodeUnitCount
    guard length > 0, count >= length else { return length == 0 }
    let start = literal.utf8Start[0]
    for at in 0...(count - length) where bytes[at] == start && self[at..<at + length] == literal { return true }
    return false
  }

  /// A part; the range is clamped.
  @inlinable public subscript(range: Range<Int>) -> ByteText {
    ByteText(bytes: UnsafeRawBufferPointer(rebasing: bytes[range.clamped(to: 0..<count)]))
  }

  @inlinable public func dropFirst(_ amount: Int) -> ByteText { self[min(amount, count)..<count] }
  @inlinable public func dropLast(_ amount: Int) -> ByteText { self[0..<max(count - amount, 0)] }

  /// The parts before and behind the first such byte.
  public func split(at byte: UInt8) -> (before: ByteText, after: ByteText)? {
    guard let at = bytes.firstIndex(of: byte) else { return nil }
    return (self[0..<at], self[at + 1..<count])
  }

  /// The parts before and behind the last such byte.
  public func splitLast(at byte: UInt8) -> (before: ByteText, after: ByteText)? {
    guard let at = bytes.lastIndex(of: byte) else { return nil }
    return (self[0..<at], self[at + 1..<count])
  }

  /// Without white space at both ends.
  public var trimmed: ByteText {
    var low = 0
    var high = count
    while low < high, bytes[low] == 0x20 || bytes[low] == 0x09 || bytes[low] == 0x0D { low += 1 }
    while high > low, bytes[high - 1] == 0x20 || bytes[high - 1] == 0x09 || bytes[high - 1] == 0x0D { high -= 1 }
    return self[low..<high]
  }

  /// Decimal digits with an optional minus, or nil.
  public var int: Int? {
    guard !isEmpty, count <= 20 else { return nil }
    let negative = bytes[0] == UInt8(ascii: "-")
    guard let value = (negative ? dropFirst(1) : self).uint64 else { return nil }
    guard negative else { return Int(exactly: value) }
    return Int(exactly: value).map { -$0 }
  }

  var uint64: UInt64? {
    guard !isEmpty else { return nil }
    var value: UInt64 = 0
    for byte in bytes {
      let digit = UInt64(byte) &- 48
      guard digit < 10 else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(digit)
      guard !overflow, !carry else { return nil }
      value = sum
    }
    return value
  }

  /// Decimal, or hexadecimal with 0x.
  public func number<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type = T.self) -> T? {
    if hasPrefix("0x") || hasPrefix("0X") {
      guard count > 2, count <= 18 else { return nil }
      return UInt64(dropFirst(2).string, radix: 16).flatMap { T(exactly: $0) }
    }
    return uint64.flatMap { T(exactly: $0) }
  }

  public var address: IPAddress? { IPAddress(parsing: bytes) }

  /// `address/length`, or an address alone.
  public var prefix: IPPrefix? {
    guard let (before, after) = split(at: UInt8(ascii: "/")) else {
      return address.map { IPPrefix($0, length: $0.version.width) }
    }
    guard let address = before.address else { return nil }
    if let length = after.int, length >= 0, length <= address.version.width { return IPPrefix(address, length: length) }
    return IPPrefix(string)
  }

  /// For a message: at most 60 bytes, control characters escaped.
  public var printable: String { escaped(self[0..<60].string) + (count > 60 ? "…" : "") }
}

/// A name or a line from an input, made safe to print.
public func escaped(_ text: String) -> String { VisibleText.string(text) }

extension UnsafeRawBufferPointer {
  /// Some bytes at a time: with a literal's length known, one or two comparisons are left.
  @inlinable @inline(__always) public func equals(_ literal: StaticString) -> Bool {
    let length = literal.utf8CodeUnitCount
    guard count == length else { return false }
    guard let mine = baseAddress else { return true }
    let other = UnsafeRawPointer(literal.utf8Start)
    func same<T: FixedWidthInteger>(_ offset: Int, _ type: T.Type) -> Bool {
      mine.loadUnaligned(fromByteOffset: offset, as: type) == other.loadUnaligned(fromByteOffset: offset, as: type)
    }
    if length >= 8 {
      var at = 0
      while at < length &- 8 {
        guard same(at, UInt64.self) else { return false }
        at &+= 8
      }
      return same(length &- 8, UInt64.self)
    }
    if length >= 4 { return same(0, UInt32.self) && same(length &- 4, UInt32.self) }
    if length >= 2 { return same(0, UInt16.self) && same(length &- 1, UInt8.self) }
    return length == 0 || same(0, UInt8.self)
  }
}

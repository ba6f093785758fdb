/// The two versions of IP that kubepath walks.
public enum IPVersion: UInt8, Sendable, Hashable {
  case v4 = 4
  case v6 = 6

  /// Bits of an address.
  @inlinable public var width: Int { self == .v4 ? 32 : 128 }
}

/// An IPv4 or IPv6 address. IPv4 stands in the low 32 bits.
public struct IPAddress: Hashable, Sendable, Comparable {
  public var bits: Bits128
  public var version: IPVersion

  @inlinable public init(bits: Bits128, version: IPVersion) {
    self.bits = bits
    self.version = version
  }

  @inlinable public init(v4 value: UInt32) { self.init(bits: Bits128(value), version: .v4) }
  @inlinable public init(v6 bits: Bits128) { self.init(bits: bits, version: .v6) }

  public init?(_ text: some StringProtocol) {
    var copy = String(text)
    guard let value = copy.withUTF8({ IPAddress(parsing: UnsafeRawBufferPointer($0)) }) else { return nil }
    self = value
  }

  /// The IPv4 address as a number; only for `version == .v4`.
  @inlinable public var v4: UInt32 { UInt32(truncatingIfNeeded: bits.low) }

  @inlinable public static func < (a: IPAddress, b: IPAddress) -> Bool {
    a.version != b.version ? a.version.rawValue < b.version.rawValue : a.bits < b.bits
  }

  public var isLoopback: Bool {
    version == .v4 ? v4 >> 24 == 127 : bits == Bits128(high: 0, low: 1)
  }
  public var isMulticast: Bool {
    version == .v4 ? v4 >> 28 == 0xE : bits.high >> 56 == 0xFF
  }
  public var isUnspecified: Bool { bits.isZero }
  /// Of a range that is not routed outside (RFC 1918, RFC 6598, RFC 4193).
  public var isPrivate: Bool {
    guard version == .v4 else { return bits.high >> 57 == 0x7E }
    return v4 >> 24 == 10 || v4 >> 20 == 0xAC1 || v4 >> 16 == 0xC0A8 || v4 >> 22 == 0x191
  }
  /// 169.254.0.0/16 or fe80::/10.
  public var isLinkLocal: Bool {
    version == .v4 ? v4 >> 16 == 0xA9FE : bits.high >> 54 == 0x3FA
  }
}

extension IPAddress: CustomStringConvertible {
  /// Dotted quad, or RFC 5952.
  public var description: String {
    var out: [UInt8] = []
    append(to: &out)
    return String(decoding: out, as: UTF8.self)
  }

  public func append(to out: inout [UInt8]) {
    switch version {
    case .v4: Self.appendV4(v4, to: &out)
    case .v6: appendV6(to: &out)
    }
  }

  static func appendV4(_ value: UInt32, to out: inout [UInt8]) {
    for shift in [24, 16, 8, 0] as [UInt32] {
      appendDecimal(UInt64(value >> shift & 0xFF), to: &out)
      if shift > 0 { out.append(UInt8(ascii: ".")) }
    }
  }

  private func appendV6(to out: inout [UInt8]) {
    let groups = (0..<8).map { index -> UInt16 in
      let half = index < 4 ? bits.high : bits.low
      return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (index & 3)))
    }
    if groups[0..<5].allSatisfy({ $0 == 0 }), groups[5] == 0xFFFF {
      out.append(contentsOf: "::ffff:".utf8)
      return Self.appendV4(UInt32(truncatingIfNeeded: bits.low), to: &out)
    }
    var best = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > best.count, end - start > 1 { best = start..<end }
      start = max(end, start + 1)
    }
    var index = 0
    while index < 8 {
      if index == best.lowerBound, !best.isEmpty {
        out.append(contentsOf: "::".utf8)
        index = best.upperBound
        continue
      }
      if index > 0, index != best.upperBound || best.isEmpty { out.append(UInt8(ascii: ":")) }
      out.append(contentsOf: String(groups[index], radix: 16).utf8)
      index += 1
    }
  }
}

/// Decimal digits of a number, appended as bytes.
public func appendDecimal(_ value: UInt64, to out: inout [UInt8]) {
  if value < 10 { return out.append(0x30 + UInt8(value)) }
  var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
  withUnsafeMutableBytes(of: &digits) { buffer in
    var at = 24
    var rest = value
    while rest > 0 {
      at -= 1
      buffer[at] = 0x30 + UInt8(rest % 10)
      rest /= 10
    }
    out.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[at..<24]))
  }
}

extension IPAddress {
  /// Reads the whole buffer as an address: a dotted quad (each part at most 255), or RFC 4291 text with an optional
  /// `%zone`, which is dropped. Nil for anything else.
  public init?(parsing bytes: UnsafeRawBufferPointer) {
    if let value = Self.parseV4(bytes) {
      self.init(v4: value)
    } else if let value = Self.parseV6(bytes) {
      self.init(v6: value)
    } else {
      return nil
    }
  }

  @inlinable static func parseV4(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
    guard bytes.count >= 7, bytes.count <= 15 else { return nil }
    var value: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var dots = 0
    for byte in bytes {
      if byte == UInt8(ascii: ".") {
        guard digits > 0, dots < 3 else { return nil }
        value = value << 8 | part
        part = 0
        digits = 0
        dots += 1
      } else {
        let digit = UInt32(byte) &- 48
        guard digit < 10, digits < 3 else { return nil }
        part = part * 10 + digit
        guard part < 256 else { return nil }
        digits += 1
      }
    }
    guard dots == 3, digits > 0 else { return nil }
    return value << 8 | part
  }

  static func parseV6(_ whole: UnsafeRawBufferPointer) -> Bits128? {
    var bytes = whole
    if let zone = bytes.firstIndex(of: UInt8(ascii: "%")) { bytes = UnsafeRawBufferPointer(rebasing: bytes[..<zone]) }
    guard bytes.count >= 2, bytes.count <= 45 else { return nil }
    var groups: [UInt16] = []
    groups.reserveCapacity(8)
    var gap: Int?
    var at = 0
    if bytes[0] == UInt8(ascii: ":") {
      guard bytes[1] == UInt8(ascii: ":") else { return nil }
      gap = 0
      at = 2
    }
    while at < bytes.count {
      let start = at
      var value: UInt32 = 0
      while at < bytes.count, let digit = hexDigit(bytes[at]), at - start < 4 {
        value = value << 4 | UInt32(digit)
        at += 1
      }
      if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
        guard let tail = parseV4(UnsafeRawBufferPointer(rebasing: bytes[start...])), groups.count <= 6 else {
          return nil
        }
        groups.append(UInt16(tail >> 16))
        groups.append(UInt16(tail & 0xFFFF))
        at = bytes.count
        break
      }
      guard at > start, groups.count < 8 else { return nil }
      groups.append(UInt16(value))
      if at == bytes.count { break }
      guard bytes[at] == UInt8(ascii: ":") else { return nil }
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: ":") {
        guard gap == nil else { return nil }
        gap = groups.count
        at += 1
      } else if at == bytes.count {
        return nil
      }
    }
    if let gap {
      guard groups.count < 8 else { return nil }
      groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
    }
    guard groups.count == 8 else { return nil }
    let high = groups[0..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    let low = groups[4..<8].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    return Bits128(high: high, low: low)
  }
}

@inlinable func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 48...57: byte - 48
  case 65...70: byte - 55
  case 97...102: byte - 87
  default: nil
  }
}

/// An address with a prefix length; bits behind the prefix are zero.
public struct IPPrefix: Hashable, Sendable {
  public var address: IPAddress
  public var length: Int

  /// Clears the bits behind the prefix. `length` in 0...32 or 0...128.
  @inlinable public init(_ address: IPAddress, length: Int) {
    self.length = length
    self.address = IPAddress(bits: address.bits & Self.mask(length, address.version), version: address.version)
  }

  /// Its first address that a host may have: behind the network's own one, where it has more than two.
  public var firstHost: IPAddress {
    guard length < address.version.width - 1 else { return address }
    return IPAddress(bits: address.bits | Bits128(UInt32(1)), version: address.version)
  }

  /// `a.b.c.d/len`, `a.b.c.d/mask` (contiguous), or a bare address.
  public init?(_ text: some StringProtocol) {
    guard let slash = text.firstIndex(of: "/") else {
      guard let address = IPAddress(text) else { return nil }
      self.init(address, length: address.version.width)
      return
    }
    guard let address = IPAddress(text[..<slash]) else { return nil }
    let tail = text[text.index(after: slash)...]
    if let length = Int(tail), length >= 0, length <= address.version.width {
      self.init(address, length: length)
    } else if let mask = IPAddress(tail), mask.version == address.version {
      let length = address.version == .v4 ? mask.v4.leadingOnes : mask.bits.leadingOnes
      guard mask.bits == Self.mask(length, address.version) else { return nil }
      self.init(address, length: length)
    } else {
      return nil
    }
  }

  /// The mask of a prefix length, in the bits of `IPAddress`.
  @inlinable public static func mask(_ length: Int, _ version: IPVersion) -> Bits128 {
    version == .v6
      ? .mask(leading: length) : Bits128(length == 0 ? UInt32(0) : UInt32.max << UInt32(32 - min(max(length, 0), 32)))
  }

  @inlinable public func contains(_ other: IPAddress) -> Bool {
    other.version == address.version && other.bits & Self.mask(length, address.version) == address.bits
  }

  public func contains(_ other: IPPrefix) -> Bool { other.length >= length && contains(other.address) }

  /// The last address of the prefix.
  public var last: IPAddress {
    let all = address.version == .v4 ? Bits128(UInt32.max) : .ones
    return IPAddress(bits: address.bits | (all & ~Self.mask(length, address.version)), version: address.version)
  }
}

extension IPAddress {
  /// Leading bits that two addresses of one version share: 0 ... 32 or 0 ... 128.
  public func commonPrefixLength(with other: IPAddress) -> Int {
    let difference = bits ^ other.bits
    let common = difference.high != 0 ? difference.high.leadingZeroBitCount : 64 + difference.low.leadingZeroBitCount
    return version == .v4 ? max(common - 96, 0) : common
  }
}

extension IPPrefix: CustomStringConvertible {
  public var description: String { "\(address)/\(length)" }
}

extension FixedWidthInteger {
  @usableFromInline var leadingOnes: Int { (~self).leadingZeroBitCount }
}

extension Bits128 {
  @usableFromInline var leadingOnes: Int { high == .max ? 64 + low.leadingOnes : high.leadingOnes }
}

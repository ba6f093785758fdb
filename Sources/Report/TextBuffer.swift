import Snapshot
import Wire

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Bytes of text in the making, for output that comes a hundred thousand times: one check of the capacity a call, no
/// reference counts, used again after `removeAll`.
public struct TextBuffer: ~Copyable {
  private var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  public private(set) var count = 0

  public init(capacity: Int = 1 << 16) {
    self.capacity = max(capacity, 64)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  /// What was written so far. Valid until the next call that writes.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  public mutating func removeAll() { count = 0 }
  public mutating func newline() { byte(10) }

  /// Room for `more` bytes.
  @inline(__always) private mutating func reserve(_ more: Int) {
    if count &+ more > capacity { grow(more) }
  }

  private mutating func grow(_ more: Int) {
    capacity = max(capacity * 2, count + more)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
  }

  @inline(__always) mutating func byte(_ value: UInt8) {
    reserve(1)
    base[count] = value
    count &+= 1
  }

  @inline(__always) mutating func literal(_ text: StaticString) {
    let length = text.utf8CodeUnitCount
    reserve(length)
    memcpy(base + count, text.utf8Start, length)
    count &+= length
  }

  mutating func raw(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    reserve(bytes.count)
    memcpy(base + count, start, bytes.count)
    count &+= bytes.count
  }

  mutating func raw(_ text: String) {
    var copy = text
    copy.withUTF8 { raw(UnsafeRawBufferPointer($0)) }
  }

  /// Text from an input, control characters escaped.
  mutating func printable(_ text: String) {
    var copy = text
    let clean = copy.withUTF8 { utf8 in
      guard utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return false }
      raw(UnsafeRawBufferPointer(utf8))
      return true
    }
    // Beyond ASCII there are more control characters than can be told byte by byte.
    if !clean { raw(visible(text)) }
  }

  mutating func decimal(_ value: some BinaryInteger) {
    if value < 0 { byte(UInt8(ascii: "-")) }
    decimal(UInt64(value.magnitude))
  }

  @inline(__always) mutating func decimal(_ value: UInt64) {
    var digits = 1
    var rest = value
    while rest >= 10 {
      rest /= 10
      digits &+= 1
    }
    reserve(digits)
    var at = count &+ digits
    count = at
    rest = value
    repeat {
      at &-= 1
      base[at] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
  }

  mutating func address(_ value: IPAddress) {
    guard value.version == .v4 else { return raw(value.description) }
    reserve(15)
    let bits = value.v4
    octet(UInt8(truncatingIfNeeded: bits >> 24))
    byte(UInt8(ascii: "."))
    octet(UInt8(truncatingIfNeeded: bits >> 16))
    byte(UInt8(ascii: "."))
    octet(UInt8(truncatingIfNeeded: bits >> 8))
    byte(UInt8(ascii: "."))
    octet(UInt8(truncatingIfNeeded: bits))
  }

  @inline(__always) private mutating func octet(_ value: UInt8) {
    if value >= 100 { byte(0x30 &+ value / 100) }
    if value >= 10 { byte(0x30 &+ value / 10 % 10) }
    byte(0x30 &+ value % 10)
  }

  /// `address:port`, IPv6 in brackets.
  mutating func socket(_ address: IPAddress, _ port: UInt16) {
    if address.version == .v6 { byte(UInt8(ascii: "[")) }
    self.address(address)
    if address.version == .v6 { byte(UInt8(ascii: "]")) }
    byte(UInt8(ascii: ":"))
    decimal(UInt64(port))
  }

  /// A JSON string. Valid UTF-8 stays, control characters are escaped.
  mutating func quoted(_ text: String) {
    var copy = text
    copy.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
  }

  /// The same; bytes that are no UTF-8 must be replaced before.
  mutating func quoted(_ text: UnsafeRawBufferPointer) {
    byte(UInt8(ascii: "\""))
    var clean = 0
    for (index, character) in text.enumerated() {
      guard character < 0x20 || character == 0x22 || character == 0x5C || character == 0x7F else { continue }
      raw(UnsafeRawBufferPointer(rebasing: text[clean..<index]))
      clean = index + 1
      escape(character)
    }
    raw(UnsafeRawBufferPointer(rebasing: text[clean...]))
    byte(UInt8(ascii: "\""))
  }

  private mutating func escape(_ character: UInt8) {
    byte(0x5C)
    switch character {
    case 0x22, 0x5C: byte(character)
    case 0x0A: byte(UInt8(ascii: "n"))
    case 0x09: byte(UInt8(ascii: "t"))
    default:
      literal("u00")
      for digit in [character >> 4, character & 15] { byte(digit < 10 ? 0x30 + digit : 0x57 + digit) }
    }
  }
}

private func visible(_ text: String) -> String { printable(text, limit: 400) }

import Wire

/// The private bytes of an xtables extension: a C structure of include/uapi/linux/netfilter/xt_*.h in the kernel's own
/// byte order. What stands behind the end reads as zero.
struct XtBlob {
  let bytes: UnsafeRawBufferPointer
  let version: IPVersion

  func u8(_ at: Int) -> UInt8 { at < bytes.count ? bytes[at] : 0 }
  func u16(_ at: Int) -> UInt16 {
    at + 2 <= bytes.count ? bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self) : 0
  }
  func u32(_ at: Int) -> UInt32 {
    at + 4 <= bytes.count ? bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self) : 0
  }
  func u64(_ at: Int) -> UInt64 {
    at + 8 <= bytes.count ? bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) : 0
  }
  /// A number in network order.
  func be16(_ at: Int) -> UInt16 { u16(at).bigEndian }

  /// A string of at most `length` bytes.
  func string(_ at: Int, _ length: Int) -> String {
    let end = min(at + length, bytes.count)
    guard at < end else { return "" }
    return String(decoding: bytes[at..<end].prefix { $0 != 0 }, as: UTF8.self)
  }

  /// union nf_inet_addr; of version 4 its first four bytes.
  func address(_ at: Int) -> IPAddress {
    let size = version == .v4 ? 4 : 16
    guard at + size <= bytes.count else { return IPAddress(bits: .zero, version: version) }
    let raw = UnsafeRawBufferPointer(rebasing: bytes[at..<at + size])
    return IPAddress(bits: Bits128(leftAligned: raw) >> (128 - size * 8), version: version)
  }

  /// An address and its mask, as iptables-save prints them: a length where the mask is a prefix.
  func network(_ at: Int, mask: Int) -> String {
    let bits = address(mask).bits
    let width = version == .v4 ? 32 : 128
    let full = width == 128 ? Bits128.ones : ~(Bits128.ones << width)
    if bits == full { return "\(address(at))" }
    guard let length = XtBlob.prefixLength(bits, width: width) else { return "\(address(at))/\(address(mask))" }
    return "\(address(at))/\(length)"
  }

  /// How many leading ones a mask is; nil: it has gaps.
  static func prefixLength(_ mask: Bits128, width: Int) -> Int? {
    let full = width == 128 ? Bits128.ones : ~(Bits128.ones << width)
    let rest = ~mask & full
    guard (rest & rest.successor).isZero else { return nil }
    return width - rest.low.nonzeroBitCount - rest.high.nonzeroBitCount
  }
}

/// Words as iptables-save spells them.
enum XtText {
  static func hex(_ value: some BinaryInteger) -> String { "0x" + String(value, radix: 16) }

  /// xtables_save_string: quoted unless it is one plain word.
  static func quoted(_ text: String) -> String {
    func plain(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    if !text.isEmpty, text.utf8.allSatisfy(plain) { return text }
    var out = "\""
    for character in text.unicodeScalars {
      if character == "\"" || character == "\\" || character == "'" { out += "\\" }
      // A line break would end the rule.
      out.unicodeScalars.append(character.value < 0x20 ? " " : character)
    }
    return out + "\""
  }

  static func not(_ inverted: Bool) -> String { inverted ? "! " : "" }

  /// `first:last`, or one number.
  static func range(_ first: some BinaryInteger, _ last: some BinaryInteger, _ separator: String = ":") -> String {
    first == last ? "\(first)" : "\(first)\(separator)\(last)"
  }

  static func masked(_ value: UInt32, _ mask: UInt32) -> String {
    mask == .max ? hex(value) : "\(hex(value))/\(hex(mask))"
  }

  /// A word that iptables-save never quotes; quoted where it would not be one word.
  static func bare(_ text: String) -> String {
    text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
      && !text.isEmpty ? text : quoted(text)
  }

  /// `10/min` of a period in ten-thousandths of a second.
  static func rate(period: UInt32) -> String { rate(period: UInt64(period), scale: 10_000).text }

  /// `10/min` of a period, of which `scale` make a second; and how long that unit is, in seconds.
  static func rate(period: UInt64, scale: UInt64) -> (text: String, unit: UInt64) {
    let units: [(name: String, length: UInt64)] = [("day", 86400), ("hour", 3600), ("min", 60), ("sec", 1)]
    let period = max(period, 1)
    var chosen = units[0]
    for unit in units.dropFirst() {
      let length = unit.length * scale
      if period > length || length / period < length % period { break }
      chosen = unit
    }
    return ("\(chosen.length * scale / period)/\(chosen.name)", chosen.length)
  }

  /// The names of a list whose bits are set, in the list's order.
  static func names(_ bits: UInt32, _ list: [(String, UInt32)]) -> String {
    list.filter { bits & $0.1 != 0 }.map(\.0).joined(separator: ",")
  }

  static func tcpFlags(_ bits: UInt8) -> String {
    let text = names(
      UInt32(bits), [("FIN", 1), ("SYN", 2), ("RST", 4), ("PSH", 8), ("ACK", 16), ("URG", 32)])
    return text.isEmpty ? "NONE" : text
  }

  static func transport(_ number: UInt8) -> String {
    switch number {
    case 1: "icmp"
    case 6: "tcp"
    case 17: "udp"
    case 33: "dccp"
    case 50: "esp"
    case 51: "ah"
    case 58: "ipv6-icmp"
    case 132: "sctp"
    case 136: "udplite"
    default: "\(number)"
    }
  }
}

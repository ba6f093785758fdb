import Wire

/// The data types of nft: how a value of a key is spelled, and how wide it is.
public enum NftType: UInt8, Sendable, Hashable, CaseIterable {
  case integer, ipv4, ipv6, ethernet, interfaceName, interfaceIndex, interfaceType, interfaceGroup
  case port, transport, mark, networkFamily, etherType, vlan, arpOperation
  case connectionState, connectionStatus, connectionDirection, connectionLabel, connectionEvent
  case tcpFlags, icmpType, icmpCode, icmp6Type, icmp6Code, icmpxCode, igmpType, dccpType, mobilityType
  case dscp, ecn, packetType, addressType, boolean, user, group, realm, classID, cgroup, duration
  case time, day, hour, string, verdict, object

  /// The word that `type …` uses.
  public var name: String {
    switch self {
    case .integer: "integer"
    case .ipv4: "ipv4_addr"
    case .ipv6: "ipv6_addr"
    case .ethernet: "ether_addr"
    case .interfaceName: "ifname"
    case .interfaceIndex: "iface_index"
    case .interfaceType: "iface_type"
    case .interfaceGroup: "devgroup"
    case .port: "inet_service"
    case .transport: "inet_proto"
    case .mark: "mark"
    case .networkFamily: "nf_proto"
    case .etherType: "ether_type"
    case .vlan: "vlan_id"
    case .arpOperation: "arp_op"
    case .connectionState: "ct_state"
    case .connectionStatus: "ct_status"
    case .connectionDirection: "ct_dir"
    case .connectionLabel: "ct_label"
    case .connectionEvent: "ct_event"
    case .tcpFlags: "tcp_flag"
    case .icmpType: "icmp_type"
    case .icmpCode: "icmp_code"
    case .icmp6Type: "icmpv6_type"
    case .icmp6Code: "icmpv6_code"
    case .icmpxCode: "icmpx_code"
    case .igmpType: "igmp_type"
    case .dccpType: "dccp_pkttype"
    case .mobilityType: "mh_type"
    case .dscp: "dscp"
    case .ecn: "ecn"
    case .packetType: "pkt_type"
    case .addressType: "fib_addrtype"
    case .boolean: "boolean"
    case .user: "uid"
    case .group: "gid"
    case .realm: "realm"
    case .classID: "classid"
    case .cgroup: "cgroupsv2"
    case .duration: "time"
    case .time: "time_type"
    case .day: "day"
    case .hour: "hour"
    case .string: "string"
    case .verdict: "verdict"
    case .object: "object"
    }
  }

  /// Bits of a value; for `integer`, where the key does not say, as many as a register holds.
  public var width: Int {
    switch self {
    case .ipv6, .interfaceName, .connectionLabel, .string, .integer: 128
    case .ethernet: 48
    case .port, .etherType, .arpOperation, .interfaceType: 16
    case .transport, .networkFamily, .tcpFlags, .icmpType, .icmpCode, .icmp6Type, .icmp6Code, .icmpxCode, .igmpType,
      .packetType, .boolean, .day, .connectionDirection, .mobilityType:
      8
    case .dscp: 6
    case .vlan: 12
    case .ecn: 2
    case .dccpType: 4
    case .time, .duration, .cgroup: 64
    default: 32
    }
  }

  /// Flags: `KEY a,b` asks for any of them, not for equality.
  public var isBitmask: Bool {
    switch self {
    case .connectionState, .connectionStatus, .connectionLabel, .connectionEvent, .tcpFlags: true
    default: false
    }
  }

  /// Whether a value may be written `value/length`.
  public var hasPrefixes: Bool {
    switch self {
    case .ipv4, .ipv6, .integer, .mark, .ethernet, .port: true
    default: false
    }
  }

  /// Text, left-aligned in 128 bits.
  public var isText: Bool {
    switch self {
    case .interfaceName, .interfaceIndex, .string, .object: true
    default: false
    }
  }

  /// By the word of `type …`.
  public init?(named bytes: UnsafeRawBufferPointer) {
    for type in Self.allCases where type.name.utf8.count == bytes.count && type.name.utf8.elementsEqual(bytes) {
      self = type
      return
    }
    return nil
  }
}

// MARK: - Values

extension NftType {
  /// The value that a word spells; nil where it spells none.
  public func parse(_ bytes: UnsafeRawBufferPointer) -> Bits128? {
    switch self {
    case .ipv4:
      guard let address = IPAddress(parsing: bytes) else { return nil }
      return address.version == .v4 ? address.bits : nil
    case .ipv6:
      guard let address = IPAddress(parsing: bytes) else { return nil }
      return address.version == .v6 ? address.bits : nil
    case .port:
      return Self.number(bytes) ?? symbol(bytes).map { Bits128($0) }
    case .transport:
      return IPProtocol(parsing: bytes).map { Bits128(UInt32($0.rawValue)) } ?? Self.number(bytes)
    case .interfaceName, .interfaceIndex, .string, .object:
      guard bytes.count <= 16 else { return nil }
      return Bits128(leftAligned: bytes)
    case .ethernet: return Self.hardwareAddress(bytes)
    case .duration: return Self.number(bytes) ?? Self.duration(bytes).map { Bits128($0 / 1000) }
    case .hour: return Self.hour(bytes) ?? Self.number(bytes)
    case .realm, .classID: return Self.classID(bytes) ?? Self.number(bytes)
    case .time, .verdict: return nil
    case .connectionLabel:
      guard let bit = Self.number(bytes), bit < Bits128(UInt32(128)) else { return nil }
      return Bits128(UInt32(1)) << Int(bit.low)
    default:
      if let first = bytes.first, first &- 48 < 10, let number = Self.number(bytes) { return number }
      return symbol(bytes).map { Bits128($0) }
    }
  }

  /// Decimal or 0x….
  public static func number(_ bytes: UnsafeRawBufferPointer) -> Bits128? {
    guard !bytes.isEmpty else { return nil }
    if bytes.count > 2, bytes[0] == 48, bytes[1] | 0x20 == 120 {
      guard bytes.count <= 34 else { return nil }
      var value = Bits128.zero
      for byte in bytes[2...] {
        let digit: UInt8
        switch byte {
        case 48...57: digit = byte - 48
        case 65...70: digit = byte - 55
        case 97...102: digit = byte - 87
        default: return nil
        }
        value = value << 4 | Bits128(UInt32(digit))
      }
      return value
    }
    var value: UInt64 = 0
    for byte in bytes {
      let digit = UInt64(byte) &- 48
      guard digit < 10 else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(digit)
      guard !overflow, !carry else { return nil }
      value = sum
    }
    return Bits128(value)
  }

  static func hardwareAddress(_ bytes: UnsafeRawBufferPointer) -> Bits128? {
    var value: UInt64 = 0
    var digits = 0
    var parts = 1
    for byte in bytes {
      if byte == UInt8(ascii: ":") {
        guard digits > 0 else { return nil }
        digits = 0
        parts += 1
        continue
      }
      let digit: UInt8
      switch byte {
      case 48...57: digit = byte - 48
      case 65...70: digit = byte - 55
      case 97...102: digit = byte - 87
      default: return nil
      }
      guard digits < 2 else { return nil }
      value = digits == 0 ? value << 8 | UInt64(digit) : value & ~0xFF | (value & 0xFF) << 4 | UInt64(digit)
      digits += 1
    }
    return parts == 6 && digits > 0 ? Bits128(value) : nil
  }

  /// `1d2h3m4s5ms` in milliseconds.
  public static func duration(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
    var total: UInt64 = 0
    var at = 0
    guard !bytes.isEmpty else { return nil }
    while at < bytes.count {
      var value: UInt64 = 0
      let start = at
      while at < bytes.count, bytes[at] &- 48 < 10, at - start < 12 {
        value = value * 10 + UInt64(bytes[at] - 48)
        at += 1
      }
      guard at > start, at < bytes.count else { return nil }
      switch bytes[at] {
      case UInt8(ascii: "d"): total += value * 86_400_000
      case UInt8(ascii: "h"): total += value * 3_600_000
      case UInt8(ascii: "m"):
        if at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "s") {
          total += value
          at += 1
        } else {
          total += value * 60_000
        }
      case UInt8(ascii: "s"): total += value * 1000
      default: return nil
      }
      at += 1
    }
    return total
  }

  /// `17:00` or `17:00:30` as seconds of the day.
  static func hour(_ bytes: UnsafeRawBufferPointer) -> Bits128? {
    let parts = bytes.split(separator: UInt8(ascii: ":"))
    guard parts.count == 2 || parts.count == 3 else { return nil }
    var seconds: UInt64 = 0
    for part in parts {
      guard let value = number(UnsafeRawBufferPointer(rebasing: part)), value < Bits128(UInt32(60)) else { return nil }
      seconds = seconds * 60 + value.low
    }
    return Bits128(parts.count == 2 ? seconds * 60 : seconds)
  }

  /// tc's `major:minor`, hexadecimal.
  static func classID(_ bytes: UnsafeRawBufferPointer) -> Bits128? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let colon = text.firstIndex(of: ":"), let major = UInt32(text[..<colon], radix: 16), major < 65536,
      let minor = UInt32(text[text.index(after: colon)...], radix: 16), minor < 65536
    else { return nil }
    return Bits128(major << 16 | minor)
  }

  func symbol(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
    for (name, value) in symbols where name.utf8CodeUnitCount == bytes.count {
      var same = true
      for index in 0..<bytes.count where name.utf8Start[index] != bytes[index] {
        same = false
        break
      }
      if same { return value }
    }
    return nil
  }

  /// The value as nft prints it.
  public func spell(_ value: Bits128, width: Int = 0) -> String {
    switch self {
    case .ipv4: return IPAddress(v4: UInt32(truncatingIfNeeded: value.low)).description
    case .ipv6: return IPAddress(v6: value).description
    case .transport: return IPProtocol(rawValue: UInt8(truncatingIfNeeded: value.low)).description
    case .mark: return "0x" + Self.hex(value.low, digits: 8)
    case .interfaceName, .interfaceIndex, .string, .object:
      let text = String(decoding: value.bytes.prefix { $0 != 0 }, as: UTF8.self)
      return "\"\(text)\""
    case .ethernet:
      return (0..<6).map { Self.hex(value.low >> UInt64(40 - 8 * $0) & 0xFF, digits: 2) }.joined(separator: ":")
    case .boolean: return value.isZero ? "missing" : "exists"
    case .duration: return "\(value.low)s"
    case .connectionLabel:
      return "\(value.low != 0 ? value.low.trailingZeroBitCount : 64 + value.high.trailingZeroBitCount)"
    case .hour:
      let seconds = value.low
      let parts = [seconds / 3600, seconds / 60 % 60] + (seconds % 60 == 0 ? [] : [seconds % 60])
      return "\"" + parts.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":") + "\""
    case .day:
      if let (name, _) = symbols.first(where: { UInt64($0.1) == value.low }) { return "\"\(name.description)\"" }
    case .port: return "\(value.low)"
    default: break
    }
    if isBitmask, let flags = spellFlags(value, separator: ",") { return flags }
    if let (name, _) = symbols.first(where: { UInt64($0.1) == value.low && value.high == 0 }) {
      return name.description
    }
    if value.high != 0 { return "0x" + Self.hex(value.high, digits: 1) + Self.hex(value.low, digits: 16) }
    return width > 32 ? "0x" + Self.hex(value.low, digits: 1) : "\(value.low)"
  }

  /// `syn | ack`; nil where a bit has no name.
  public func spellFlags(_ value: Bits128, separator: String) -> String? {
    guard value.high == 0, value.low != 0 else { return nil }
    var names: [String] = []
    var rest = value.low
    for (name, bit) in symbols where rest & UInt64(bit) != 0 && bit.nonzeroBitCount == 1 {
      names.append(name.description)
      rest &= ~UInt64(bit)
    }
    return rest == 0 ? names.joined(separator: separator) : nil
  }

  static func hex(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// A number of the IANA protocol registry, as in the IPv4 protocol and IPv6 next-header fields.
public struct IPProtocol: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let icmp = IPProtocol(rawValue: 1)
  public static let igmp = IPProtocol(rawValue: 2)
  public static let ipip = IPProtocol(rawValue: 4)
  public static let tcp = IPProtocol(rawValue: 6)
  public static let udp = IPProtocol(rawValue: 17)
  public static let dccp = IPProtocol(rawValue: 33)
  public static let ipv6 = IPProtocol(rawValue: 41)
  public static let gre = IPProtocol(rawValue: 47)
  public static let esp = IPProtocol(rawValue: 50)
  public static let ah = IPProtocol(rawValue: 51)
  public static let icmpv6 = IPProtocol(rawValue: 58)
  public static let sctp = IPProtocol(rawValue: 132)
  public static let udplite = IPProtocol(rawValue: 136)

  /// Names as /etc/protocols and the iptables and nft tools spell them; the first of a number is the one printed.
  static let names: [(StaticString, UInt8)] = [
    ("icmp", 1), ("igmp", 2), ("ggp", 3), ("ipencap", 4), ("ipip", 4), ("ipv4", 4), ("st", 5), ("tcp", 6), ("egp", 8),
    ("igp", 9), ("pup", 12), ("udp", 17), ("hmp", 20), ("xns-idp", 22), ("rdp", 27), ("iso-tp4", 29), ("dccp", 33),
    ("xtp", 36), ("ddp", 37), ("idpr-cmtp", 38), ("ipv6", 41), ("ipv6-route", 43), ("ipv6-frag", 44), ("idrp", 45),
    ("rsvp", 46), ("gre", 47), ("esp", 50), ("ipv6-crypt", 50), ("ah", 51), ("ipv6-auth", 51), ("skip", 57),
    ("ipv6-icmp", 58), ("icmpv6", 58), ("icmp6", 58), ("ipv6-nonxt", 59), ("ipv6-opts", 60), ("rspf", 73), ("vmtp", 81),
    ("eigrp", 88), ("ospf", 89), ("ospfigp", 89), ("ax.25", 93), ("etherip", 97), ("encap", 98), ("pim", 103),
    ("ipcomp", 108), ("comp", 108), ("vrrp", 112), ("l2tp", 115), ("isis", 124), ("sctp", 132), ("fc", 133),
    ("mobility-header", 135), ("ipv6-mh", 135), ("mh", 135), ("udplite", 136), ("mpls-in-ip", 137), ("hip", 139),
    ("shim6", 140), ("wesp", 141), ("rohc", 142), ("hopopt", 0), ("ip", 0),
  ]

  /// By name in any case, or by number 0...255.
  public init?(parsing bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return nil }
    if first >= 48, first <= 57 {
      var value: UInt32 = 0
      for byte in bytes {
        let digit = UInt32(byte) &- 48
        guard digit < 10, value < 256 else { return nil }
        value = value * 10 + digit
      }
      guard value < 256 else { return nil }
      self.init(rawValue: UInt8(value))
      return
    }
    for (name, number) in Self.names where name.utf8CodeUnitCount == bytes.count {
      var same = true
      for index in 0..<bytes.count
      where name.utf8Start[index] != bytes[index] | 0x20 && name.utf8Start[index] != bytes[index] {
        same = false
        break
      }
      if same {
        self.init(rawValue: number)
        return
      }
    }
    return nil
  }

  public init?(_ text: some StringProtocol) {
    var copy = String(text)
    guard let value = copy.withUTF8({ IPProtocol(parsing: UnsafeRawBufferPointer($0)) }) else { return nil }
    self = value
  }

  /// Whether the first four bytes of its header are source and destination port.
  @inlinable public var hasPorts: Bool {
    switch self {
    case .tcp, .udp, .sctp, .dccp, .udplite: true
    default: false
    }
  }

  @inlinable public var isICMP: Bool { self == .icmp || self == .icmpv6 }
}

extension IPProtocol: CustomStringConvertible {
  public var description: String {
    if self == .icmpv6 { return "icmpv6" }
    for (name, number) in Self.names where number == rawValue { return name.description }
    return String(rawValue)
  }
}

/// What stands before the network layer in a frame: the numbers of the tcpdump.org link-type registry.
public struct LinkType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public var rawValue: UInt16
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  @inlinable public static var null: LinkType { LinkType(rawValue: 0) }
  @inlinable public static var ethernet: LinkType { LinkType(rawValue: 1) }
  @inlinable public static var ppp: LinkType { LinkType(rawValue: 9) }
  @inlinable public static var pppHDLC: LinkType { LinkType(rawValue: 50) }
  @inlinable public static var raw: LinkType { LinkType(rawValue: 101) }
  @inlinable public static var loop: LinkType { LinkType(rawValue: 108) }
  @inlinable public static var linuxCooked: LinkType { LinkType(rawValue: 113) }
  @inlinable public static var ipv4: LinkType { LinkType(rawValue: 228) }
  @inlinable public static var ipv6: LinkType { LinkType(rawValue: 229) }
  @inlinable public static var nflog: LinkType { LinkType(rawValue: 239) }
  @inlinable public static var infiniband: LinkType { LinkType(rawValue: 242) }
  @inlinable public static var linuxCooked2: LinkType { LinkType(rawValue: 276) }

  /// Of the device `any`, which shows a packet once for each interface that it passes.
  @inlinable public var isLinuxCooked: Bool { self == .linuxCooked || self == .linuxCooked2 }

  public var description: String {
    switch rawValue {
    case 0: "NULL"
    case 1: "ETHERNET"
    case 9: "PPP"
    case 12, 14, 101: "RAW"
    case 50: "PPP_HDLC"
    case 105: "IEEE802_11"
    case 117: "PFLOG"
    case 119: "IEEE802_11_PRISM"
    case 163: "IEEE802_11_AVS"
    case 187, 201: "BLUETOOTH"
    case 189, 220: "USB"
    case 249: "USBPCAP"
    case 258: "PKTAP"
    case 108: "LOOP"
    case 113: "LINUX_SLL"
    case 127: "IEEE802_11_RADIOTAP"
    case 192: "PPI"
    case 228: "IPV4"
    case 229: "IPV6"
    case 239: "NFLOG"
    case 242: "IP_OVER_IB"
    case 253: "NETLINK"
    case 276: "LINUX_SLL2"
    default: String(rawValue)
    }
  }
}

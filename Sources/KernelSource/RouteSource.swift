import Glibc
import Input
import Ruleset
import Snapshot
import Wire

/// Routes of all tables: `ip route show table all`, then `ip -6 route show table all`.
enum RouteSource {
  static func read(_ socket: NetlinkSocket, _ names: InterfaceNames) throws -> [Route] {
    var list: [Route] = []
    for version in [IPVersion.v4, .v6] {
      var part: [Route] = []
      var payload = [UInt8](repeating: 0, count: 12)
      payload[0] = UInt8(version == .v4 ? AF_INET : AF_INET6)
      try socket.dump("list of routes", type: 26, payload: payload) { type, message in
        if type == NetlinkSocket.restarted {
          part = []
          return
        }
        if let route = route(message, version, names) { part.append(route) }
      }
      list += part
    }
    return list
  }

  /// struct rtmsg and its attributes.
  private static func route(_ message: UnsafeRawBufferPointer, _ version: IPVersion, _ names: InterfaceNames) -> Route?
  {
    guard message.count >= 12, message[0] == (version == .v4 ? AF_INET : AF_INET6) else { return nil }
    let flags = message.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    // Cached routes are what a lookup left behind.
    if flags & 0x200 != 0 { return nil }
    let attributes = Attributes(message, after: 12)
    let zero = IPAddress(bits: .zero, version: version)
    func prefix(_ type: Int, _ length: UInt8) -> IPPrefix {
      IPPrefix(
        attributes[type].flatMap { LinkSource.address($0.bytes) } ?? zero, length: min(Int(length), version.width))
    }
    var route = Route(
      type: AddressType(rawValue: message[7]) ?? .unspec, destination: prefix(1, message[1]),
      table: attributes[15]?.u32 ?? UInt32(message[4]))
    if message[2] > 0 { route.from = prefix(2, message[2]) }
    route.typeOfService = message[3]
    route.protocol = protocolName(message[5])
    if version == .v4, message[6] != 0 { route.scope = AddressSource.scope(message[6]) }
    route.metric = attributes[6]?.u32 ?? 0
    route.source = attributes[7].flatMap { LinkSource.address($0.bytes) }
    if let metrics = attributes[8] { route.mtu = metrics[2].map { Int($0.u32) } }
    if let hops = attributes[9] { route.nextHops = nextHops(hops.bytes, version, names) }
    if route.nextHops.isEmpty {
      let hop = hop(attributes, index: attributes[4].map { Int($0.u32) }, flags: flags, names)
      if hop != Route.NextHop() { route.nextHops = [hop] }
    }
    return route
  }

  private static func hop(_ attributes: Attributes, index: Int?, flags: UInt32, _ names: InterfaceNames)
    -> Route.NextHop
  {
    var hop = Route.NextHop()
    hop.gateway = attributes[5].flatMap { LinkSource.address($0.bytes) }
    // RTA_VIA: a gateway of the other family behind its own.
    if let via = attributes[18], via.bytes.count > 2 {
      hop.gateway = LinkSource.address(UnsafeRawBufferPointer(rebasing: via.bytes[2...]))
    }
    hop.interface = index.map { names[$0] }
    hop.dead = flags & 1 != 0
    hop.onlink = flags & 4 != 0 || flags & 2 != 0
    return hop
  }

  /// struct rtnexthop, one behind the other.
  private static func nextHops(
    _ bytes: UnsafeRawBufferPointer, _ version: IPVersion, _ names: InterfaceNames
  ) -> [Route.NextHop] {
    var list: [Route.NextHop] = []
    var at = 0
    while at + 8 <= bytes.count, list.count < 4096 {
      let length = Int(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
      guard length >= 8, at + length <= bytes.count else { break }
      let index = Int(bytes.loadUnaligned(fromByteOffset: at + 4, as: Int32.self))
      let attributes = Attributes(UnsafeRawBufferPointer(rebasing: bytes[at + 8..<at + length]))
      var hop = hop(attributes, index: index == 0 ? nil : index, flags: UInt32(bytes[at + 2]), names)
      hop.weight = Int(bytes[at + 3]) + 1
      list.append(hop)
      at += (length + 3) & ~3
    }
    return list
  }

  static func protocolName(_ value: UInt8) -> String? {
    switch value {
    // RTPROT_BOOT is what ip leaves out: a route that somebody added by hand.
    case 0, 3: nil
    case 1: "redirect"
    case 2: "kernel"
    case 4: "static"
    case 8: "gated"
    case 9: "ra"
    case 10: "mrt"
    case 11: "zebra"
    case 12: "bird"
    case 13: "dnrouted"
    case 14: "xorp"
    case 15: "ntk"
    case 16: "dhcp"
    case 18: "keepalived"
    case 42: "babel"
    case 186: "bgp"
    case 187: "isis"
    case 188: "ospf"
    case 189: "rip"
    case 192: "eigrp"
    default: "\(value)"
    }
  }
}

/// Policy routing rules of both versions.
enum RoutingRuleSource {
  static func read(_ socket: NetlinkSocket) throws -> [RoutingRule] {
    var list: [RoutingRule] = []
    for version in [IPVersion.v4, .v6] {
      var part: [RoutingRule] = []
      var payload = [UInt8](repeating: 0, count: 12)
      payload[0] = UInt8(version == .v4 ? AF_INET : AF_INET6)
      try socket.dump("list of routing rules", type: 34, payload: payload) { type, message in
        if type == NetlinkSocket.restarted {
          part = []
          return
        }
        if let rule = rule(message, version) { part.append(rule) }
      }
      list += part
    }
    return list
  }

  /// struct fib_rule_hdr and its attributes.
  private static func rule(_ message: UnsafeRawBufferPointer, _ version: IPVersion) -> RoutingRule? {
    guard message.count >= 12, message[0] == (version == .v4 ? AF_INET : AF_INET6) else { return nil }
    let attributes = Attributes(message, after: 12)
    let table = attributes[15]?.u32 ?? UInt32(message[4])
    let action: RoutingRule.Action =
      switch message[7] {
      case 1: .lookup(table)
      case 2: .goto(attributes[4]?.u32 ?? 0)
      case 6: .blackhole
      case 7: .unreachable
      case 8: .prohibit
      default: .nop
      }
    var rule = RoutingRule(version: version, priority: attributes[6]?.u32 ?? 0, action: action)
    rule.inverted = message.loadUnaligned(fromByteOffset: 8, as: UInt32.self) & 2 != 0
    func prefix(_ type: Int, _ length: UInt8) -> IPPrefix? {
      guard let address = attributes[type].flatMap({ LinkSource.address($0.bytes) }) else { return nil }
      return IPPrefix(address, length: min(Int(length), version.width))
    }
    rule.to = prefix(1, message[1])
    rule.from = prefix(2, message[2])
    rule.typeOfService = message[3]
    rule.inputInterface = attributes[3]?.string
    rule.outputInterface = attributes[17]?.string
    if let mark = attributes[10] { rule.mark = mark.u32 }
    if let mask = attributes[16]?.u32 {
      rule.markMask = mask
      if mask != 0, rule.mark == nil { rule.mark = 0 }
    }
    rule.ipProtocol = attributes[22]?.u8
    rule.sourcePorts = attributes[23].flatMap { range16($0) }
    rule.destinationPorts = attributes[24].flatMap { range16($0) }
    if let users = attributes[20], users.bytes.count >= 8 {
      let low = users.u32
      let high = users.bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
      if low <= high, high != .max || low != 0 { rule.userIDs = low...high }
    }
    if let length = attributes[14]?.u32, length != .max { rule.suppressPrefixLength = Int(length) }
    if let l3mdev = attributes[19], l3mdev.u8 != 0 {
      rule.l3mdev = true
      rule.action = .lookup(0)
    }
    return rule
  }

  private static func range16(_ value: Attributes) -> ClosedRange<UInt16>? {
    guard value.bytes.count >= 4 else { return nil }
    let high = value.bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
    return value.u16 <= high ? value.u16...high : nil
  }
}

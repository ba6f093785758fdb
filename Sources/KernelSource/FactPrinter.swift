import Ruleset
import Snapshot
import Wire

/// Prints facts as the ip tool does, for nodes that do not have it.
enum FactPrinter {
  static func addresses(_ links: [Link], _ addresses: [InterfaceAddress]) -> String {
    var out = ""
    for link in links {
      let below = link.parent ?? link.peerIndex.map { "if\($0)" }
      let flags = [
        link.lacksCarrier ? "NO-CARRIER" : nil, link.loopback ? "LOOPBACK" : nil, link.promiscuous ? "PROMISC" : nil,
        link.up ? "UP" : nil,
      ]
      out +=
        "\(link.index): \(link.name)\(below.map { "@\($0)" } ?? ""): <\(flags.compactMap { $0 }.joined(separator: ","))>"
      if let mtu = link.mtu { out += " mtu \(mtu)" }
      if let master = link.master { out += " master \(master)" }
      out += " group \(link.group == 0 ? "default" : "\(link.group)")\n"
      if let type = link.hardwareType {
        let name =
          type == 1
          ? "ether"
          : type == 772 ? "loopback" : type == 768 ? "ipip" : type == 776 ? "sit" : type == 65534 ? "none" : "[\(type)]"
        out += "    link/\(name)\(link.mac.map { " \($0)" } ?? "")\n"
      }
      if let vxlan = link.vxlan {
        out += "    vxlan \(vxlan.isExternal ? "external " : "")id \(vxlan.id)"
        if let remote = vxlan.remote { out += " remote \(remote)" }
        if let local = vxlan.local { out += " local \(local)" }
        if let device = vxlan.device { out += " dev \(device)" }
        if let port = vxlan.port { out += " dstport \(port)" }
        out += vxlan.learning ? "\n" : " nolearning\n"
      } else if let kind = link.kind {
        out += "    \(kind)"
        if let ends = link.tunnelEnds {
          if ends.isExternal { out += " external" }
          if let identifier = ends.identifier { out += " id \(identifier)" }
          if let remote = ends.remote { out += " remote \(remote)" }
          if let local = ends.local { out += " local \(local)" }
          if let port = ends.port { out += " dstport \(port)" }
        }
        out += "\n"
      }
      if let hairpin = link.hairpin {
        out += "    bridge_slave state \(link.forwards == false ? "disabled" : "forwarding")"
        out += " hairpin \(hairpin ? "on" : "off") isolated \(link.isolated == true ? "on" : "off")\n"
      }
      for address in addresses where address.interface == link.name {
        out += "    inet\(address.address.version == .v6 ? "6" : "") \(address.address)"
        out += address.peer.map { " peer \($0)/\(address.prefixLength)" } ?? "/\(address.prefixLength)"
        if let broadcast = address.broadcast { out += " brd \(broadcast)" }
        out += " scope \(address.scope)"
        if address.secondary { out += " secondary" }
        if address.deprecated { out += " deprecated" }
        if address.tentative { out += " tentative" }
        out += "\n"
      }
    }
    return out
  }

  private static func table(_ number: UInt32) -> String {
    switch number {
    case 253: "default"
    case 254: "main"
    case 255: "local"
    default: "\(number)"
    }
  }

  static func routes(_ routes: [Route], _ version: IPVersion) -> String {
    var out = ""
    for route in routes where route.destination.address.version == version {
      if route.type != .unicast { out += "\(route.type) " }
      let plain = route.destination.length == version.width
      out += route.destination.length == 0 ? "default" : plain ? "\(route.destination.address)" : "\(route.destination)"
      if let from = route.from { out += " from \(from)" }
      let single = route.nextHops.count == 1
      if single { out += hop(route.nextHops[0]) }
      if route.table != 254 { out += " table \(table(route.table))" }
      if route.typeOfService != 0 { out += " tos \(route.typeOfService)" }
      if let proto = route.protocol { out += " proto \(proto)" }
      if let scope = route.scope { out += " scope \(scope)" }
      if let source = route.source { out += " src \(source)" }
      if route.metric != 0 { out += " metric \(route.metric)" }
      if let mtu = route.mtu { out += " mtu \(mtu)" }
      if version == .v6 { out += " pref medium" }
      out += "\n"
      if !single { for next in route.nextHops { out += "\tnexthop\(hop(next)) weight \(next.weight)\n" } }
    }
    return out
  }

  private static func hop(_ hop: Route.NextHop) -> String {
    (hop.gateway.map { " via \($0)" } ?? "") + (hop.interface.map { " dev \($0)" } ?? "")
      + (hop.onlink ? " onlink" : "")
      + (hop.dead ? " dead" : "")
  }

  static func rules(_ rules: [RoutingRule], _ version: IPVersion) -> String {
    var out = ""
    for rule in rules where rule.version == version {
      out += "\(rule.priority):\t\(rule.inverted ? "not " : "")from \(rule.from.map { "\($0)" } ?? "all")"
      if let to = rule.to { out += " to \(to)" }
      if rule.typeOfService != 0 { out += " tos \(rule.typeOfService)" }
      if let mark = rule.mark {
        out += " fwmark 0x\(String(mark, radix: 16))"
        if rule.markMask != .max { out += "/0x\(String(rule.markMask, radix: 16))" }
      }
      if let name = rule.inputInterface { out += " iif \(name)" }
      if let name = rule.outputInterface { out += " oif \(name)" }
      if let users = rule.userIDs { out += " uidrange \(users.lowerBound)-\(users.upperBound)" }
      if let number = rule.ipProtocol { out += " ipproto \(IPProtocol(rawValue: number))" }
      if let ports = rule.sourcePorts { out += " sport \(range(ports))" }
      if let ports = rule.destinationPorts { out += " dport \(range(ports))" }
      switch rule.action {
      case .lookup where rule.l3mdev: out += " lookup [l3mdev-table]"
      case .lookup(let number): out += " lookup \(table(number))"
      case .goto(let target): out += " goto \(target)"
      case .nop: out += " nop"
      case .blackhole: out += " blackhole"
      case .unreachable: out += " unreachable"
      case .prohibit: out += " prohibit"
      }
      if let length = rule.suppressPrefixLength { out += " suppress_prefixlength \(length)" }
      out += "\n"
    }
    return out
  }

  private static func range(_ ports: ClosedRange<UInt16>) -> String {
    ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
  }
}

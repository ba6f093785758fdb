import Input
import Snapshot
import Wire

/// `ip route`, `ip rule`, `ip address` and `ip link set`. Routes and rules are read by the readers of dumps.
enum IPTrial {
  static func apply(_ arguments: [String], to snapshot: inout Snapshot) throws(Trial.Failure) {
    var words = arguments[...]
    var version: IPVersion?
    while let first = words.first, first.hasPrefix("-") {
      if first == "-6" || first == "-family" && words.dropFirst().first == "inet6" { version = .v6 }
      if first == "-4" { version = .v4 }
      words = words.dropFirst(first == "-family" || first == "-f" ? 2 : 1)
    }
    guard let object = words.first, words.count > 1 else { throw unknown(arguments) }
    let verb = words[words.startIndex + 1]
    let rest = Array(words.dropFirst(2))
    switch object {
    case "route", "r", "ro": try route(verb, rest, version, &snapshot)
    case "rule", "ru": try rule(verb, rest, version ?? .v4, &snapshot)
    case "address", "addr", "a": try address(verb, rest, &snapshot)
    case "link", "l": try link(verb, rest, &snapshot)
    default: throw unknown(arguments)
    }
  }

  private static func unknown(_ arguments: [String]) -> Trial.Failure {
    Trial.Failure(
      "'ip \(printable(arguments.joined(separator: " ")))' cannot be tried: ip route, ip rule and ip address add and del, ip route replace and ip link set can."
    )
  }

  // MARK: Routes

  private static func route(
    _ verb: String, _ words: [String], _ version: IPVersion?, _ snapshot: inout Snapshot
  ) throws(Trial.Failure) {
    guard ["add", "append", "replace", "change", "del", "delete"].contains(verb) else {
      throw Trial.Failure("'ip route \(printable(verb))' cannot be tried: add, replace, change, append and del can.")
    }
    guard snapshot.routes != nil else { throw Trial.Failure("The snapshot holds no routes (ip route show table all).") }
    var temporary = Snapshot(name: snapshot.name)
    temporary.routingTableNames = snapshot.routingTableNames
    let line = words.joined(separator: " ")
    IPRouteReader.read(SourceFile(name: IptablesTrial.source, text: line + "\n"), into: &temporary)
    guard var route = temporary.routes?.first, temporary.diagnostics.list.isEmpty else {
      throw Trial.Failure("'\(printable(line))' is no route.")
    }
    if route.destination.length == 0, let version {
      route.destination = IPPrefix(IPAddress(bits: .zero, version: version), length: 0)
    }
    if route.destination.address.version == .v6, route.metric == 0 { route.metric = 1024 }
    route.line = 0
    let isDeletion = verb.hasPrefix("del")
    let same = snapshot.routes!.indices.filter { index in
      let other = snapshot.routes![index]
      return other.destination == route.destination && other.table == route.table
        && other.typeOfService == route.typeOfService
        && (other.metric == route.metric || isDeletion && !words.contains("metric"))
    }
    if isDeletion {
      let matching = same.first { index in
        let other = snapshot.routes![index]
        let hop = route.nextHops.first
        return (hop?.interface == nil || other.nextHops.first?.interface == hop?.interface)
          && (hop?.gateway == nil || other.nextHops.first?.gateway == hop?.gateway)
          && (route.type == .unicast || other.type == route.type)
      }
      guard let matching else { throw Trial.Failure("There is no such route.") }
      snapshot.routes!.remove(at: matching)
      return
    }
    try complete(&route, snapshot)
    switch verb {
    case "add":
      guard same.isEmpty else {
        throw Trial.Failure("The kernel has a route to \(route.destination) already: replace it.")
      }
      snapshot.routes!.append(route)
    case "append": snapshot.routes!.append(route)
    default:
      guard let first = same.first else {
        if verb == "change" { throw Trial.Failure("There is no route to \(route.destination) that could be changed.") }
        snapshot.routes!.append(route)
        return
      }
      snapshot.routes![first] = route
    }
  }

  /// The kernel wants a gateway on a network of its own, and finds the interface there.
  private static func complete(_ route: inout Route, _ snapshot: Snapshot) throws(Trial.Failure) {
    for index in route.nextHops.indices {
      guard let gateway = route.nextHops[index].gateway, !route.nextHops[index].onlink, !gateway.isLinkLocal else {
        continue
      }
      let near = snapshot.routes!.filter { other in
        other.type == .unicast && other.destination.contains(gateway) && other.nextHops.contains { $0.gateway == nil }
      }.max { $0.destination.length < $1.destination.length }
      guard let interface = near?.nextHops.first(where: { $0.gateway == nil })?.interface else {
        throw Trial.Failure("The kernel refuses this route: \(gateway) is on no network of this node.")
      }
      if route.nextHops[index].interface == nil { route.nextHops[index].interface = interface }
    }
  }

  // MARK: Rules

  private static func rule(
    _ verb: String, _ words: [String], _ version: IPVersion, _ snapshot: inout Snapshot
  ) throws(Trial.Failure) {
    guard ["add", "del", "delete"].contains(verb) else {
      throw Trial.Failure("'ip rule \(printable(verb))' cannot be tried: add and del can.")
    }
    var words = words
    var priority: UInt32?
    if let at = words.firstIndex(where: { ["priority", "pref", "preference", "order"].contains($0) }),
      at + 1 < words.count
    {
      priority = UInt32(words[at + 1])
      words.removeSubrange(at...at + 1)
    }
    var rules = snapshot.routingRules ?? []
    if !rules.contains(where: { $0.version == version }) { rules += kernelsOwn(version) }
    let own = rules.filter { $0.version == version }.map(\.priority)
    // The kernel puts a rule before the first that is not the local table's.
    let place = priority ?? (own.filter { $0 > 0 }.min() ?? 32766) - 1
    var temporary = Snapshot(name: snapshot.name)
    temporary.routingTableNames = snapshot.routingTableNames
    let from = words.contains("from") ? "" : "from all "
    let acts = !Set(words).isDisjoint(with: ["lookup", "table", "goto", "blackhole", "unreachable", "prohibit", "nop"])
    let line = "\(place): \(from)\(words.joined(separator: " "))\(acts ? "" : " lookup main")"
    IPRuleReader.read(
      DumpSection(SourceFile(name: IptablesTrial.source, text: line + "\n")), version: version, into: &temporary)
    guard var rule = temporary.routingRules?.first, temporary.diagnostics.list.isEmpty else {
      throw Trial.Failure("'\(printable(words.joined(separator: " ")))' is no routing rule.")
    }
    rule.line = 0
    if verb == "add" {
      rules.append(rule)
    } else {
      let found = rules.firstIndex { other in
        var other = other
        other.file = rule.file
        other.line = 0
        if priority == nil { other.priority = rule.priority }
        if !acts { other.action = rule.action }
        return other == rule
      }
      guard let found else { throw Trial.Failure("There is no such routing rule.") }
      rules.remove(at: found)
    }
    snapshot.routingRules = rules.enumerated().sorted { a, b in
      a.element.priority != b.element.priority ? a.element.priority < b.element.priority : a.offset < b.offset
    }.map(\.element)
  }

  private static func kernelsOwn(_ version: IPVersion) -> [RoutingRule] {
    [(0, Route.TableNumber.local), (32766, Route.TableNumber.main), (32767, Route.TableNumber.default)].map {
      RoutingRule(version: version, priority: $0.0, action: .lookup($0.1))
    }
  }

  // MARK: Addresses

  private static func address(
    _ verb: String, _ words: [String], _ snapshot: inout Snapshot
  ) throws(Trial.Failure) {
    guard let at = words.firstIndex(of: "dev"), at + 1 < words.count,
      let text = words.first(where: { $0.first?.isNumber == true || $0.contains(":") }),
      let address = IPAddress(text.prefix { $0 != "/" })
    else { throw Trial.Failure("Expected ip address \(printable(verb)) ADDRESS/LENGTH dev INTERFACE.") }
    let interface = words[at + 1]
    guard snapshot.link(named: interface) != nil || snapshot.links == nil else { throw noInterface(interface) }
    let width = address.version.width
    let length = text.firstIndex(of: "/").flatMap { Int(text[text.index(after: $0)...]) } ?? width
    guard (0...width).contains(length) else { throw Trial.Failure("\(printable(text)) has a wrong prefix length.") }
    let network = IPPrefix(address, length: length)
    var local = Route(
      type: .local, destination: IPPrefix(address, length: width), table: Route.TableNumber.local,
      nextHops: [Route.NextHop(interface: interface)])
    local.scope = "host"
    var connected = Route(destination: network, nextHops: [Route.NextHop(interface: interface)], source: address)
    connected.scope = "link"
    switch verb {
    case "add", "replace", "change":
      let entry = InterfaceAddress(interface: interface, address: address, prefixLength: length)
      if snapshot.addresses?.contains(where: { $0.interface == interface && $0.address == address }) == true {
        if verb == "add" { throw Trial.Failure("\(printable(interface)) has address \(address) already.") }
        return
      }
      snapshot.addresses = (snapshot.addresses ?? []) + [entry]
      snapshot.routes?.append(local)
      if length < width { snapshot.routes?.append(connected) }
    case "del", "delete":
      guard let found = snapshot.addresses?.firstIndex(where: { $0.interface == interface && $0.address == address })
      else { throw Trial.Failure("\(printable(interface)) has no address \(address).") }
      snapshot.addresses!.remove(at: found)
      snapshot.routes?.removeAll { route in
        route.type == .local && route.destination == local.destination && route.nextHops.first?.interface == interface
          || route.destination == network && route.source == address
      }
    default: throw Trial.Failure("'ip address \(printable(verb))' cannot be tried: add and del can.")
    }
  }

  private static func noInterface(_ name: String) -> Trial.Failure {
    Trial.Failure("The node has no interface \(printable(name)).")
  }

  // MARK: Links

  private static func link(
    _ verb: String, _ words: [String], _ snapshot: inout Snapshot
  ) throws(Trial.Failure) {
    guard verb == "set" else { throw Trial.Failure("'ip link \(printable(verb))' cannot be tried: ip link set can.") }
    var words = words[...]
    if words.first == "dev" { words = words.dropFirst() }
    guard let name = words.first, let index = snapshot.links?.firstIndex(where: { $0.name == name }) else {
      throw noInterface(words.first ?? "")
    }
    words = words.dropFirst()
    while let word = words.first {
      let value = words.dropFirst().first
      words = words.dropFirst()
      switch word {
      case "up": raise(index, &snapshot)
      case "down": lower(index, &snapshot)
      case "mtu":
        guard let mtu = value.flatMap({ Int($0) }), (68...65536).contains(mtu) else {
          throw Trial.Failure("mtu takes a number of bytes.")
        }
        snapshot.links![index].mtu = mtu
        words = words.dropFirst()
      case "master":
        guard let value, snapshot.link(named: value) != nil else { throw noInterface(value ?? "") }
        snapshot.links![index].master = value
        words = words.dropFirst()
      case "nomaster": snapshot.links![index].master = nil
      default:
        throw Trial.Failure(
          "'ip link set … \(printable(word))' cannot be tried: up, down, mtu, master and nomaster can.")
      }
    }
  }

  /// The kernel routes to the networks of its addresses again.
  private static func raise(_ index: Int, _ snapshot: inout Snapshot) {
    snapshot.links![index].up = true
    snapshot.links![index].lacksCarrier = false
    let name = snapshot.links![index].name
    for address in snapshot.addresses ?? []
    where address.interface == name && address.prefixLength < address.address.version.width {
      let network = IPPrefix(address.address, length: address.prefixLength)
      guard let routes = snapshot.routes,
        !routes.contains(where: { $0.destination == network && $0.table == Route.TableNumber.main })
      else { continue }
      snapshot.routes!.append(
        Route(destination: network, nextHops: [Route.NextHop(interface: name)], source: address.address))
    }
  }

  /// Routes by it go; its addresses stay, but IPv6's.
  private static func lower(_ index: Int, _ snapshot: inout Snapshot) {
    snapshot.links![index].up = false
    let name = snapshot.links![index].name
    snapshot.routes?.removeAll { route in
      route.nextHops.first?.interface == name && (route.type == .unicast || route.destination.address.version == .v6)
    }
    snapshot.addresses?.removeAll { $0.interface == name && $0.address.version == .v6 }
  }
}

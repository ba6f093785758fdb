import Ruleset
import Snapshot
import Wire

/// The routing tables of a node, indexed for longest-prefix lookups; policy rules in order of priority.
struct RoutingTables: Sendable {
  struct PrefixTable: Sendable {
    /// Prefix lengths that occur, longest first, each with its routes by masked address.
    var levels: [(length: Int, mask: Bits128, routes: [Bits128: [Int32]])] = []

    mutating func insert(_ route: Route, _ index: Int) {
      let length = route.destination.length
      let mask = IPPrefix.mask(length, route.destination.address.version)
      let at = levels.firstIndex { $0.length <= length } ?? levels.count
      if at == levels.count || levels[at].length != length { levels.insert((length, mask, [:]), at: at) }
      levels[at].routes[route.destination.address.bits, default: []].append(Int32(index))
    }
  }

  enum Result {
    /// A route and one of its next hops.
    case route(index: Int32, hop: Int32)
    /// Several live next hops: the flow's hash chooses.
    case multipath(index: Int32, hops: [(hop: Int32, weight: Int)])
    case refused(AddressType)
    case none
  }

  let routes: [Route]
  private var tables: [IPVersion: [UInt32: PrefixTable]] = [:]
  private var rules: [IPVersion: [RoutingRule]] = [:]
  /// False: the snapshot tells no routes of that version, and lookups mean nothing.
  private(set) var known: [IPVersion: Bool] = [:]
  private(set) var localKnown: [IPVersion: Bool] = [:]
  let hasCustomRules: [IPVersion: Bool]
  private let nameOfIndex: [Int: String]

  init(_ snapshot: Snapshot) {
    var all = snapshot.routes ?? []
    var hasRoutes: [IPVersion: Bool] = [.v4: false, .v6: false]
    var hasLocal: [IPVersion: Bool] = [.v4: false, .v6: false]
    for route in all {
      hasRoutes[route.destination.address.version] = true
      if route.table == Route.TableNumber.local { hasLocal[route.destination.address.version] = true }
    }
    // Without the local table (`ip route` alone) the addresses make it, as the kernel does.
    for version in [IPVersion.v4, .v6] where hasLocal[version] == false {
      let own = (snapshot.addresses ?? []).filter { $0.address.version == version }
      guard !own.isEmpty else { continue }
      hasLocal[version] = true
      for address in own {
        let host = IPPrefix(address.address, length: version.width)
        all.append(Self.made(.local, host, Route.TableNumber.local, address.interface))
        if version == .v4, address.prefixLength < 31, !address.address.isLoopback {
          let net = IPPrefix(address.address, length: address.prefixLength)
          all.append(Self.made(.broadcast, IPPrefix(net.last, length: 32), Route.TableNumber.local, address.interface))
        }
        if hasRoutes[version] == false {
          all.append(
            Self.made(
              .unicast, IPPrefix(address.address, length: address.prefixLength), Route.TableNumber.main,
              address.interface))
        }
      }
      if version == .v4 {
        all.append(Self.made(.local, IPPrefix(IPAddress(v4: 127 << 24), length: 8), Route.TableNumber.local, "lo"))
      } else if !own.contains(where: { $0.address.isLoopback }) {
        all.append(
          Self.made(
            .local, IPPrefix(IPAddress(v6: Bits128(high: 0, low: 1)), length: 128), Route.TableNumber.local, "lo"))
      }
    }
    var built: [IPVersion: [UInt32: PrefixTable]] = [.v4: [:], .v6: [:]]
    // Of equal prefixes the lowest metric wins, then the first in the dump (fib_table_insert keeps that order).
    let order = all.indices.sorted { all[$0].metric != all[$1].metric ? all[$0].metric < all[$1].metric : $0 < $1 }
    for index in order {
      built[all[index].destination.address.version]![all[index].table, default: PrefixTable()].insert(all[index], index)
    }
    routes = all
    tables = built
    known = hasRoutes
    localKnown = hasLocal
    var custom: [IPVersion: Bool] = [:]
    for version in [IPVersion.v4, .v6] {
      let given = (snapshot.routingRules ?? []).filter { $0.version == version }
      if given.isEmpty {
        rules[version] = [
          RoutingRule(version: version, priority: 0, action: .lookup(Route.TableNumber.local)),
          RoutingRule(version: version, priority: 32766, action: .lookup(Route.TableNumber.main)),
          RoutingRule(version: version, priority: 32767, action: .lookup(Route.TableNumber.default)),
        ]
        custom[version] = false
      } else {
        rules[version] = given.sorted { $0.priority < $1.priority }
        custom[version] = given.contains { ![0, 32766, 32767].contains($0.priority) }
      }
    }
    hasCustomRules = custom
    nameOfIndex = Dictionary((snapshot.links ?? []).map { ($0.index, $0.name) }, uniquingKeysWith: { a, _ in a })
  }

  private static func made(_ type: AddressType, _ prefix: IPPrefix, _ table: UInt32, _ interface: String) -> Route {
    Route(type: type, destination: prefix, table: table, nextHops: [Route.NextHop(interface: interface)])
  }

  /// What a policy rule may ask of a packet.
  struct Query {
    var version: IPVersion
    var destination: Bits128
    var source: Bits128
    /// Empty for output.
    var inputInterface: String
    var outputInterface: String? = nil
    var mark: UInt32
    var typeOfService: UInt8 = 0
    var ipProtocol: UInt8 = 0
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
    var userID: UInt32? = nil
  }

  /// fib_lookup: policy rules in order; in each table the longest prefix; a `throw` route goes on with the next rule.
  func lookup(_ query: Query) -> Result {
    var index = 0
    let list = rules[query.version]!
    var guardCount = 0
    while index < list.count, guardCount < 10_000 {
      guardCount += 1
      let rule = list[index]
      index += 1
      guard matches(rule, query) != rule.inverted else { continue }
      switch rule.action {
      case .nop: continue
      case .goto(let target): index = list.firstIndex { $0.priority >= target } ?? list.count
      case .blackhole: return .refused(.blackhole)
      case .unreachable: return .refused(.unreachable)
      case .prohibit: return .refused(.prohibit)
      case .lookup(let table):
        guard let result = search(table, query, rule) else { continue }
        return result
      }
    }
    return .none
  }

  private func matches(_ rule: RoutingRule, _ query: Query) -> Bool {
    if let from = rule.from, !from.contains(IPAddress(bits: query.source, version: query.version)) { return false }
    if let to = rule.to, !to.contains(IPAddress(bits: query.destination, version: query.version)) { return false }
    if let name = rule.inputInterface, name != (query.inputInterface.isEmpty ? "lo" : query.inputInterface) {
      return false
    }
    if let name = rule.outputInterface, name != query.outputInterface { return false }
    if let mark = rule.mark, (query.mark ^ mark) & rule.markMask != 0 { return false }
    if rule.typeOfService != 0, rule.typeOfService != query.typeOfService { return false }
    if let proto = rule.ipProtocol, proto != query.ipProtocol { return false }
    if let ports = rule.sourcePorts, !ports.contains(query.sourcePort) { return false }
    if let ports = rule.destinationPorts, !ports.contains(query.destinationPort) { return false }
    if let ids = rule.userIDs, !ids.contains(query.userID ?? 0) { return false }
    if rule.l3mdev { return false }
    return true
  }

  private func search(_ table: UInt32, _ query: Query, _ rule: RoutingRule) -> Result? {
    guard let levels = tables[query.version]?[table]?.levels else { return nil }
    for level in levels {
      guard let found = level.routes[query.destination & level.mask] else { continue }
      for index in found {
        let route = routes[Int(index)]
        if let from = route.from, !from.contains(IPAddress(bits: query.source, version: query.version)) { continue }
        if route.typeOfService != 0, route.typeOfService != query.typeOfService { continue }
        switch route.type {
        case .throw: return nil
        case .blackhole, .unreachable, .prohibit: return .refused(route.type)
        default: break
        }
        if let limit = rule.suppressPrefixLength, level.length <= limit { return nil }
        var hops: [(hop: Int32, weight: Int)] = []
        for (hop, next) in route.nextHops.enumerated() where !next.dead {
          if let wanted = query.outputInterface, next.interface != nil, next.interface != wanted { continue }
          hops.append((Int32(hop), next.weight))
        }
        if hops.isEmpty { if route.nextHops.isEmpty { return .route(index: index, hop: -1) } else { continue } }
        return hops.count == 1 ? .route(index: index, hop: hops[0].hop) : .multipath(index: index, hops: hops)
      }
    }
    return nil
  }

  /// The kind of an address by the local table (inet_addr_type); on one interface only when it is named.
  func addressType(_ address: Bits128, _ version: IPVersion, interface: String? = nil) -> AddressType {
    let whole = IPAddress(bits: address, version: version)
    if version == .v4, whole.isUnspecified || address.low == UInt64(UInt32.max) { return .broadcast }
    if whole.isMulticast { return .multicast }
    guard let levels = tables[version]?[Route.TableNumber.local]?.levels else { return .unicast }
    for level in levels {
      guard let found = level.routes[address & level.mask] else { continue }
      for index in found {
        let route = routes[Int(index)]
        if let interface, route.nextHops.first?.interface != interface { continue }
        return route.type
      }
    }
    return .unicast
  }

  func isLocal(_ address: IPAddress) -> Bool { addressType(address.bits, address.version) == .local }
}

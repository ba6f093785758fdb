import Ruleset
import Snapshot
import Wire

/// The routing tables of a node, indexed for longest-prefix lookups; policy rules in order of priority. Interfaces are
/// names in 128 bits (`Bits128(leftAligned:)`).
final class RoutingTables: Sendable {
  enum Result {
    /// A route and one of its next hops.
    case route(index: Int32, hop: Int32)
    /// Several live next hops: the flow's hash chooses.
    case multipath(index: Int32, hops: [(hop: Int32, weight: Int)])
    /// By a route of that type; `route` is -1 where a policy rule does it.
    case refused(AddressType, route: Int32)
    case none
  }

  /// What a lookup reads of a route.
  private struct Target: Sendable {
    var type: AddressType
    var typeOfService: UInt8
    var from: IPPrefix?
    /// Its part of `hops`.
    var firstHop: Int32
    var hopCount: Int32
  }

  private struct Hop: Sendable {
    /// Nil: the dump does not say.
    var interface: Bits128?
    var weight: Int
    var dead: Bool
  }

  /// A policy rule with its table at hand.
  private struct PolicyRule: Sendable {
    var rule: RoutingRule
    var inputInterface: Bits128?
    var outputInterface: Bits128?
    /// Holds for every packet, as the kernel's own three rules do.
    var always: Bool
    /// Index into `tries`; -1: the table has no routes.
    var trie: Int
    var suppressPrefixLength: Int
  }

  /// Tables of one IP version.
  private struct Versioned: Sendable {
    var rules: [PolicyRule] = []
    /// The local table's trie; -1: none.
    var localTrie = -1
    var known: Bool
    var localKnown: Bool
    var hasCustomRules = false
    var readsSource = false
    var readsSourcePort = false
  }

  let routes: [Route]
  private let targets: [Target]
  private let hops: [Hop]
  private let tries: [PrefixTrie]
  private let v4: Versioned
  private let v6: Versioned

  /// False: the snapshot tells no routes of that version, and lookups mean nothing.
  func known(_ version: IPVersion) -> Bool { version == .v4 ? v4.known : v6.known }
  func localKnown(_ version: IPVersion) -> Bool { version == .v4 ? v4.localKnown : v6.localKnown }
  /// Whether lookups ask for the source address or port of a query.
  func readsSource(_ version: IPVersion) -> Bool { version == .v4 ? v4.readsSource : v6.readsSource }
  func readsSourcePort(_ version: IPVersion) -> Bool { version == .v4 ? v4.readsSourcePort : v6.readsSourcePort }
  /// Rules other than the kernel's own three.
  func hasCustomRules(_ version: IPVersion) -> Bool { version == .v4 ? v4.hasCustomRules : v6.hasCustomRules }

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
    routes = all
    var targets: [Target] = []
    var hops: [Hop] = []
    for route in all {
      targets.append(
        Target(
          type: route.type, typeOfService: route.typeOfService, from: route.from, firstHop: Int32(hops.count),
          hopCount: Int32(route.nextHops.count)))
      for hop in route.nextHops {
        let interface = hop.interface.map { Bits128(leftAligned: $0.utf8) }
        hops.append(Hop(interface: interface, weight: hop.weight, dead: hop.dead))
      }
    }
    // Of equal prefixes the lowest metric wins, then the first in the dump (fib_table_insert keeps that order).
    let order = all.indices.sorted { all[$0].metric != all[$1].metric ? all[$0].metric < all[$1].metric : $0 < $1 }
    var tries: [PrefixTrie] = []
    var trieOf: [IPVersion: [UInt32: Int]] = [.v4: [:], .v6: [:]]
    for index in order {
      let version = all[index].destination.address.version
      let table = all[index].table
      if trieOf[version]![table] == nil {
        trieOf[version]![table] = tries.count
        tries.append(PrefixTrie(version))
      }
      tries[trieOf[version]![table]!].insert(all[index].destination, Int32(index))
    }
    self.targets = targets
    self.hops = hops
    self.tries = tries
    v4 = Self.versioned(.v4, snapshot, trieOf[.v4]!, known: hasRoutes[.v4]!, localKnown: hasLocal[.v4]!)
    v6 = Self.versioned(.v6, snapshot, trieOf[.v6]!, known: hasRoutes[.v6]!, localKnown: hasLocal[.v6]!)
  }

  private static func versioned(
    _ version: IPVersion, _ snapshot: Snapshot, _ tries: [UInt32: Int], known: Bool, localKnown: Bool
  ) -> Versioned {
    var made = Versioned(known: known, localKnown: localKnown)
    made.localTrie = tries[Route.TableNumber.local] ?? -1
    var rules = (snapshot.routingRules ?? []).filter { $0.version == version }
    made.hasCustomRules = rules.contains { ![0, 32766, 32767].contains($0.priority) }
    made.readsSource =
      rules.contains { $0.from != nil }
      || (snapshot.routes ?? []).contains { $0.from != nil && $0.destination.address.version == version }
    made.readsSourcePort = rules.contains { $0.sourcePorts != nil }
    if rules.isEmpty {
      rules = [
        RoutingRule(version: version, priority: 0, action: .lookup(Route.TableNumber.local)),
        RoutingRule(version: version, priority: 32766, action: .lookup(Route.TableNumber.main)),
        RoutingRule(version: version, priority: 32767, action: .lookup(Route.TableNumber.default)),
      ]
    }
    made.rules = rules.sorted { $0.priority < $1.priority }.map { rule in
      var plain = RoutingRule(version: version, priority: rule.priority, action: rule.action)
      plain.file = rule.file
      plain.line = rule.line
      var trie = -1
      if case .lookup(let table) = rule.action { trie = tries[table] ?? -1 }
      return PolicyRule(
        rule: rule, inputInterface: rule.inputInterface.map { Bits128(leftAligned: $0.utf8) },
        outputInterface: rule.outputInterface.map { Bits128(leftAligned: $0.utf8) }, always: rule == plain, trie: trie,
        suppressPrefixLength: rule.suppressPrefixLength ?? -1)
    }
    return made
  }

  private static func made(_ type: AddressType, _ prefix: IPPrefix, _ table: UInt32, _ interface: String) -> Route {
    Route(type: type, destination: prefix, table: table, nextHops: [Route.NextHop(interface: interface)])
  }

  /// What a policy rule may ask of a packet.
  struct Query: Sendable, Equatable {
    var version: IPVersion
    var destination: Bits128
    var source: Bits128
    /// Zero for output.
    var inputInterface: Bits128
    var outputInterface: Bits128? = nil
    var mark: UInt32
    var typeOfService: UInt8 = 0
    var ipProtocol: UInt8 = 0
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
    var userID: UInt32? = nil
  }

  private static let loopback = Bits128(leftAligned: "lo".utf8)

  /// fib_lookup: policy rules in order; in each table the longest prefix; a `throw` route goes on with the next rule.
  func lookup(_ query: Query) -> Result {
    let rules = query.version == .v4 ? v4.rules : v6.rules
    var index = 0
    var guardCount = 0
    while index < rules.count, guardCount < 10_000 {
      guardCount += 1
      let at = index
      index += 1
      guard rules[at].always || matches(rules[at], query) != rules[at].rule.inverted else { continue }
      switch rules[at].rule.action {
      case .nop: continue
      case .goto(let target): index = rules.firstIndex { $0.rule.priority >= target } ?? rules.count
      case .blackhole: return .refused(.blackhole, route: -1)
      case .unreachable: return .refused(.unreachable, route: -1)
      case .prohibit: return .refused(.prohibit, route: -1)
      case .lookup:
        guard rules[at].trie >= 0,
          let result = search(rules[at].trie, query, suppressing: rules[at].suppressPrefixLength)
        else { continue }
        return result
      }
    }
    return .none
  }

  private func matches(_ policy: PolicyRule, _ query: Query) -> Bool {
    let rule = policy.rule
    if let from = rule.from, !from.contains(IPAddress(bits: query.source, version: query.version)) { return false }
    if let to = rule.to, !to.contains(IPAddress(bits: query.destination, version: query.version)) { return false }
    if let name = policy.inputInterface, name != (query.inputInterface.isZero ? Self.loopback : query.inputInterface) {
      return false
    }
    if let name = policy.outputInterface, name != query.outputInterface { return false }
    if let mark = rule.mark, (query.mark ^ mark) & rule.markMask != 0 { return false }
    if rule.typeOfService != 0, rule.typeOfService != query.typeOfService { return false }
    if let proto = rule.ipProtocol, proto != query.ipProtocol { return false }
    if let ports = rule.sourcePorts, !ports.contains(query.sourcePort) { return false }
    if let ports = rule.destinationPorts, !ports.contains(query.destinationPort) { return false }
    if let ids = rule.userIDs, !ids.contains(query.userID ?? 0) { return false }
    if rule.l3mdev { return false }
    return true
  }

  /// The longest prefix of one table that is not ruled out; nil: none, or `throw`.
  private func search(_ trie: Int, _ query: Query, suppressing limit: Int) -> Result? {
    var result: Result?
    tries[trie].search(query.destination) { index, length in
      let target = targets[Int(index)]
      if let from = target.from, !from.contains(IPAddress(bits: query.source, version: query.version)) { return true }
      if target.typeOfService != 0, target.typeOfService != query.typeOfService { return true }
      switch target.type {
      case .throw: return false
      case let type where type.isRefusal:
        // IPv6 gives these routes the device lo, and a lookup bound to another device passes them over (rt6_check_dev).
        if query.version == .v6, let wanted = query.outputInterface, wanted != Self.loopback { return true }
        result = .refused(target.type, route: index)
        return false
      default: break
      }
      if length <= limit { return false }
      let first = Int(target.firstHop)
      let all = first..<first + Int(target.hopCount)
      guard !all.isEmpty else {
        result = .route(index: index, hop: -1)
        return false
      }
      var only = -1
      var live = 0
      for hop in all where usable(hops[hop], query) {
        live += 1
        only = hop
      }
      if live == 0 { return true }
      if live == 1 {
        result = .route(index: index, hop: Int32(only - first))
      } else {
        let chosen = all.filter { usable(hops[$0], query) }
        result = .multipath(index: index, hops: chosen.map { (Int32($0 - first), hops[$0].weight) })
      }
      return false
    }
    return result
  }

  @inline(__always) private func usable(_ hop: Hop, _ query: Query) -> Bool {
    if hop.dead { return false }
    guard let wanted = query.outputInterface, let own = hop.interface else { return true }
    return own == wanted
  }

  /// The kind of an address by the local table (inet_addr_type); on one interface only when it is named.
  func addressType(_ address: Bits128, _ version: IPVersion, interface: Bits128? = nil) -> AddressType {
    var bits = 0
    return addressType(address, version, interface: interface, inspecting: &bits)
  }

  /// The same. `bits` becomes the number of leading bits that it took to search the table.
  func addressType(
    _ address: Bits128, _ version: IPVersion, interface: Bits128?, inspecting bits: inout Int
  ) -> AddressType {
    let whole = IPAddress(bits: address, version: version)
    if version == .v4, whole.isUnspecified || address.low == UInt64(UInt32.max) { return .broadcast }
    if whole.isMulticast { return .multicast }
    let trie = version == .v4 ? v4.localTrie : v6.localTrie
    guard trie >= 0 else { return .unicast }
    var type = AddressType.unicast
    bits = tries[trie].search(address) { index, _ in
      let target = targets[Int(index)]
      if let interface, target.hopCount == 0 || hops[Int(target.firstHop)].interface != interface { return true }
      type = target.type
      return false
    }
    return type
  }

  func isLocal(_ address: IPAddress) -> Bool { addressType(address.bits, address.version) == .local }

  /// The way back to a source: `query` with the source as its destination. `input`: where the packet came in.
  func reversePath(to source: Bits128, _ query: Query, through input: Bits128) -> ReversePath {
    var query = query
    query.destination = source
    switch lookup(query) {
    case .none, .refused: return .none
    case .route(let index, _), .multipath(let index, _):
      let type = type(of: index)
      if type == .local { return .local }
      if type != .unicast { return .invalid }
      return leads(index, through: input) ? .same : .elsewhere
    }
  }

  /// The type of a route.
  @inline(__always) func type(of route: Int32) -> AddressType { targets[Int(route)].type }

  /// The interface of a next hop; zero where the dump does not say.
  @inline(__always) func interface(of route: Int32, hop: Int32) -> Bits128 {
    hop < 0 ? .zero : hops[Int(targets[Int(route)].firstHop + hop)].interface ?? .zero
  }

  /// Whether some next hop of a route leads through the interface.
  func leads(_ route: Int32, through interface: Bits128) -> Bool {
    let target = targets[Int(route)]
    return (target.firstHop..<target.firstHop + target.hopCount).contains { hops[Int($0)].interface == interface }
  }
}

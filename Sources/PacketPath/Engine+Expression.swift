import Ruleset
import Snapshot
import Wire

// nft's computed values.
extension Engine {
  enum ExpressionValue {
    /// One value, or the parts of a concatenation.
    case values([Bits128])
    case unknown
    case absent
    case choice(Int)
    case unknownLocal(IPAddress)
  }

  func evaluate(_ expression: Expression, _ b: Branch) -> ExpressionValue {
    switch expression {
    case .field(let field):
      switch value(of: field, b) {
      case .known(let bits): return .values([bits])
      case .unknown: return .unknown
      case .absent: return .absent
      }
    case .constant(let bits): return .values([bits])
    case .concatenation(let parts):
      var all: [Bits128] = []
      var unknown = false
      var drawn: ExpressionValue?
      for part in parts {
        switch evaluate(part, b) {
        case .values(let values): all.append(contentsOf: values)
        case .unknown: unknown = true
        case .choice(let modulus):
          unknown = unknown || drawn != nil  // of two numbers, a branch holds one
          drawn = .choice(modulus)
        case let other: return other
        }
      }
      return unknown ? .unknown : drawn ?? .values(all)
    case .and(let x, let y): return combine(x, y, b) { $0 & $1 }
    case .or(let x, let y): return combine(x, y, b) { $0 | $1 }
    case .xor(let x, let y): return combine(x, y, b) { $0 ^ $1 }
    case .shiftLeft(let x, let y): return combine(x, y, b) { $0 << Int(truncatingIfNeeded: $1.low) }
    case .shiftRight(let x, let y): return combine(x, y, b) { $0 >> Int(truncatingIfNeeded: $1.low) }
    case .map(let key, let set):
      switch evaluate(key, b) {
      case .values(let values):
        switch find(values, in: set, b) {
        case .none: return .absent
        case .unknown: return .unknown
        case .added(let data): return data.map { .values($0) } ?? .unknown
        case .element(let element):
          guard case .values(let data, _, let components) = ruleset.sets[Int(set.index)].data else { return .unknown }
          return .values(Array(data[element * components..<(element + 1) * components]))
        }
      case let other: return other
      }
    case .randomNumber(let modulus, let offset), .counterNumber(let modulus, let offset),
      .symmetricHash(let modulus, let offset):
      return drawn(modulus, offset, b)
    case .jenkinsHash(let key, let modulus, let seed, let offset):
      guard let seed, case .values(let values) = evaluate(key, b), let bytes = keyBytes(key, values, b) else {
        return drawn(modulus, offset, b)
      }
      let hash = UInt64(JenkinsHash.hash(bytes, seed: seed))
      return .values([Bits128(UInt32(truncatingIfNeeded: (hash &* UInt64(modulus)) &>> 32) &+ offset)])
    case .routeLookup(let lookup): return routeLookup(lookup, b)
    case .payload(let base, let offset, let length): return payload(base, offset, length, b)
    case .unknown: return .unknown
    }
  }

  private func drawn(_ modulus: UInt32, _ offset: UInt32, _ b: Branch) -> ExpressionValue {
    if modulus <= 1 { return .values([Bits128(offset)]) }
    guard modulus <= 4096 else { return .unknown }
    guard b.choice >= 0 else { return .choice(Int(modulus)) }
    return .values([Bits128(UInt32(b.choice) + offset)])
  }

  private func combine(_ x: Expression, _ y: Expression, _ b: Branch, _ body: (Bits128, Bits128) -> Bits128)
    -> ExpressionValue
  {
    switch (evaluate(x, b), evaluate(y, b)) {
    case (.values(let a), .values(let c)) where a.count == 1 && c.count == 1: return .values([body(a[0], c[0])])
    case (.absent, _), (_, .absent): return .absent
    case (.choice, .choice): return .unknown
    case (.choice(let n), _), (_, .choice(let n)): return .choice(n)
    case (.unknownLocal(let a), _), (_, .unknownLocal(let a)): return .unknownLocal(a)
    default: return .unknown
    }
  }

  func lookup(_ lookup: Lookup, _ b: Branch) -> Answer {
    switch evaluate(lookup.key, b) {
    case .values(let key):
      switch find(key, in: lookup.set, b) {
      case .element, .added: return .holds(true)
      case .none: return .holds(false)
      case .unknown: return .unknown
      }
    case .unknown: return mayContain(lookup, b) ? .unknown : .holds(false)
    case .absent: return .absent
    case .choice(let modulus): return .choice(modulus)
    case .unknownLocal(let address): return .unknownLocal(address)
    }
  }

  /// Whether some element agrees with the parts of a concatenated key that are known.
  func mayContain(_ lookup: Lookup, _ b: Branch) -> Bool {
    guard case .concatenation(let parts) = lookup.key, b.setChanges < 0 else { return true }
    let set = ruleset.sets[Int(lookup.set.index)]
    if set.isUnread { unread.sets.insert(lookup.set) }
    guard parts.count == set.components else { return true }
    let known = parts.map { part -> Bits128? in
      if case .values(let values) = evaluate(part, b), values.count == 1 { return values[0] }
      return nil
    }
    return set.catchAll != nil
      || (0..<set.count).contains { element in
        known.indices.allSatisfy { part in
          guard let value = known[part] else { return true }
          let at = element * set.components + part
          return set.lows[at] <= value && value <= (set.highs.isEmpty ? set.lows[at] : set.highs[at])
        }
      }
  }

  func comparison(_ comparison: Comparison, _ b: Branch) -> Answer {
    switch evaluate(comparison.left, b) {
    case .unknown: return .unknown
    case .absent: return .absent
    case .choice(let modulus): return .choice(modulus)
    case .unknownLocal(let address): return .unknownLocal(address)
    case .values(let values):
      guard values.count == 1 else { return .unknown }
      var right = comparison.right
      if let expression = comparison.rightExpression {
        guard case .values(let other) = evaluate(expression, b), other.count == 1 else { return .unknown }
        right = other[0]
      }
      let left = values[0]
      switch comparison.comparator {
      case .equal: return .holds(left == right)
      case .notEqual: return .holds(left != right)
      case .less: return .holds(left < right)
      case .lessOrEqual: return .holds(left <= right)
      case .greater: return .holds(left > right)
      case .greaterOrEqual: return .holds(left >= right)
      case .inRange: return .holds(right <= left && left <= comparison.high)
      case .notInRange: return .holds(!(right <= left && left <= comparison.high))
      }
    }
  }

  // MARK: - fib

  /// net/ipv4/netfilter/nft_fib_ipv4.c and net/ipv6/netfilter/nft_fib_ipv6.c.
  private func routeLookup(_ lookup: RouteLookup, _ b: Branch) -> ExpressionValue {
    let p = b.packet
    let bits = lookup.fromSource ? p.source : p.destination
    let address = IPAddress(bits: bits, version: p.version)
    var interface: Bits128?
    if lookup.withInputInterface { interface = p.input }
    if lookup.withOutputInterface { interface = p.output }
    if lookup.result == .addressType {
      if !node.routing.localKnown(p.version) {
        guard let local = isLocal(b, address) else { return .unknownLocal(address) }
        return .values([Bits128(UInt32((local ? AddressType.local : .unicast).rawValue))])
      }
      if p.version == .v4 {
        return .values([Bits128(UInt32(node.routing.addressType(bits, .v4, interface: interface).rawValue))])
      }
      let other = lookup.fromSource ? p.destination : p.source
      let type = routedType6(address, interface, other: other, mark: lookup.withMark ? p.mark : 0)
      return .values([Bits128(UInt32(type.rawValue))])
    }
    guard node.routing.known(p.version) else { return .unknown }
    // nft_fib_can_skip: what came through the loopback device has no other way back.
    if p.hook == .prerouting || p.hook == .input, p.input == Self.loopback { return found(p.input, lookup) }
    var query = RoutingTables.Query(
      version: p.version, destination: bits, source: lookup.fromSource ? p.destination : p.source,
      inputInterface: Self.loopback,
      mark: lookup.withMark ? p.mark : 0)
    if p.version == .v6 { query.outputInterface = interface }
    switch node.routing.lookup(query) {
    case .none, .refused: return notFound(lookup)
    case .route(let index, let hop):
      guard node.routing.type(of: index) == .unicast else { return notFound(lookup) }
      if let interface {
        return node.routing.leads(index, through: interface) ? found(interface, lookup) : notFound(lookup)
      }
      return found(node.routing.interface(of: index, hop: hop), lookup)
    case .multipath(let index, let hops):
      if let interface {
        return node.routing.leads(index, through: interface) ? found(interface, lookup) : notFound(lookup)
      }
      return lookup.presenceOnly ? found(.zero, lookup) : hops.isEmpty ? notFound(lookup) : .unknown
    }
  }

  private func found(_ interface: Bits128, _ lookup: RouteLookup) -> ExpressionValue {
    if lookup.presenceOnly { return .values([Bits128(UInt32(1))]) }
    if lookup.result == .interfaceName { return .values([interface]) }
    return self.interface(interface).link.map { .values([Bits128(UInt32($0.index))]) } ?? .unknown
  }

  private func notFound(_ lookup: RouteLookup) -> ExpressionValue { .values([.zero]) }

  /// __nft_fib6_eval_type: the type of the route that a packet to the address would take.
  /// The lookup is from the packet's other address, and as if it left this node.
  func routedType6(_ address: IPAddress, _ interface: Bits128?, other: Bits128, mark: UInt32 = 0) -> AddressType {
    var own: AddressType?
    if let interface, self.interface(interface).addresses.contains(where: { $0.address == address }) { own = .local }
    var query = RoutingTables.Query(
      version: .v6, destination: address.bits, source: other, inputInterface: Self.loopback, mark: mark)
    // nft_fib6_flowi_init binds the lookup to a device for link-local addresses alone.
    if address.isLinkLocal { query.outputInterface = interface }
    switch node.routing.lookup(query) {
    case .none: return .unreachable
    case .refused(let type, _): return type
    case .route(let index, _), .multipath(let index, _):
      let type = node.routing.type(of: index)
      if type == .anycast { own = .anycast } else if interface == nil, type == .local { own = .local }
    }
    if let own { return own }
    if address.isMulticast { return .multicast }
    return address.isUnspecified ? .unspec : .unicast
  }

  // MARK: - Bytes

  /// Header bytes that the flow determines.
  private func payload(_ base: PayloadBase, _ offset: UInt32, _ length: UInt32, _ b: Branch) -> ExpressionValue {
    let p = b.packet
    func known(_ value: some BinaryInteger) -> ExpressionValue { .values([Bits128(UInt64(truncatingIfNeeded: value))]) }
    switch (base, p.version, offset, length) {
    case (.network, .v4, 72, 8), (.network, .v6, 48, 8): return known(p.ipProtocol)
    case (.network, .v4, 96, 32): return .values([p.source])
    case (.network, .v4, 128, 32): return .values([p.destination])
    case (.network, .v6, 64, 128): return .values([p.source])
    case (.network, .v6, 192, 128): return .values([p.destination])
    case (.network, _, 0, 4): return known(p.version.rawValue)
    case (.network, .v4, 16, 16): return p.length.map { known($0) } ?? .unknown
    case (.link, _, 96, 16): return p.input.isZero ? .absent : known(p.version == .v4 ? 0x0800 : 0x86DD)
    case (.transport, _, 0, 16...32) where p.sourcePortRandom: return .unknown
    case (.transport, _, 0, 16) where IPProtocol(rawValue: p.ipProtocol).hasPorts: return known(p.sourcePort)
    case (.transport, _, 16, 16) where IPProtocol(rawValue: p.ipProtocol).hasPorts: return known(p.destinationPort)
    case (.transport, _, 0, 32) where IPProtocol(rawValue: p.ipProtocol).hasPorts:
      return known(UInt32(p.sourcePort) << 16 | UInt32(p.destinationPort))
    case (.transport, _, 0, 8) where IPProtocol(rawValue: p.ipProtocol).isICMP:
      return known((p.icmpTypeAndCode ?? 0) >> 8)
    default: return .unknown
    }
  }

  /// The bytes that the kernel's registers hold for a hash key: each part in network order, padded to four bytes. Nil
  /// where the layout is not known.
  private func keyBytes(_ key: Expression, _ values: [Bits128], _ b: Branch) -> [UInt8]? {
    let parts: [Expression] = if case .concatenation(let list) = key { list } else { [key] }
    guard parts.count == values.count else { return nil }
    var bytes: [UInt8] = []
    for (part, value) in zip(parts, values) {
      guard case .field(let field) = part else { return nil }
      let size: Int
      switch field {
      case .source, .destination, .source4, .destination4, .source6, .destination6, .originalSource,
        .originalDestination:
        size = b.packet.version == .v4 ? 4 : 16
      case .sourcePort, .destinationPort: size = 2
      default: return nil
      }
      bytes.append(contentsOf: value.bytes.suffix(size))
      if parts.count > 1 { while bytes.count % 4 != 0 { bytes.append(0) } }
    }
    return bytes
  }
}

import Ruleset
import Snapshot
import Wire

/// The answer of a match. Three values, and the two ways in which a match can be random.
enum Decision {
  case no, yes, unknown
  case chance(Double)
  /// Hangs on whether an address is the node's own, which the snapshot does not tell.
  case unknownLocal(IPAddress)
  /// Hangs on a number drawn from 0 ..< modulus.
  case choice(Int)
}

extension Engine {
  /// Evaluates a match, its inversion included.
  @inline(__always)
  func decide(_ match: Match, _ b: Branch, rule: Int, clause: Int, isNft: Bool) -> Decision {
    if isAnyReply { return decideOther(match, b, rule: rule, clause: clause, isNft: isNft) }
    // What nearly every rule of a Service asks, without detours.
    switch match.test {
    case .equal(.source, let value, let mask) where b.packet.version == .v4:
      return b.packet.sourceMatches(Bits128(value), mask: Bits128(mask)) != match.negated ? .yes : .no
    case .equal(let field, let value, let mask):
      if let number = plainNumber(field, b.packet) { return (number & mask == value) != match.negated ? .yes : .no }
    case .range(let field, let low, let high):
      if let number = plainNumber(field, b.packet) {
        return (low <= number && number <= high) != match.negated ? .yes : .no
      }
    case .anyBit(.connectionState, let mask):
      return (b.packet.connectionState & mask != 0) != match.negated ? .yes : .no
    case .equalWide(.inputInterface, let id) where !b.packet.inputUnknown:
      let pair = wide[Int(id.index)]
      return (b.packet.input & pair.b == pair.a) != match.negated ? .yes : .no
    case .random(let threshold):
      let p = min(Double(threshold) / 2_147_483_648, 1)
      let chance = match.negated ? 1 - p : p
      return chance <= 0 ? .no : chance >= 1 ? .yes : .chance(chance)
    case .note: return match.negated ? .no : .yes
    default: break
    }
    return decideOther(match, b, rule: rule, clause: clause, isNft: isNft)
  }

  /// Fields of 32 bits that every packet has, or that every packet of its protocol has.
  @inline(__always)
  private func plainNumber(_ field: Field, _ p: PacketState) -> UInt32? {
    switch field {
    case .destination: p.version == .v4 ? UInt32(truncatingIfNeeded: p.destination.low) : nil
    case .protocol: UInt32(p.ipProtocol)
    case .mark: p.mark
    case .destinationPort: p.hasPorts ? UInt32(p.destinationPort) : nil
    case .sourcePort: p.hasPorts && !p.sourcePortRandom ? UInt32(p.sourcePort) : nil
    default: nil
    }
  }

  private func decideOther(_ match: Match, _ b: Branch, rule: Int, clause: Int, isNft: Bool) -> Decision {
    let answer = test(match.test, b, isNft: isNft)
    switch answer {
    case .holds(let holds): return holds != match.negated ? .yes : .no
    case .absent:
      // nft: an expression without a value ends the rule. xtables: the comparison fails, then the inversion applies.
      return isNft ? .no : match.negated ? .yes : .no
    case .noConnection: return isNft ? .no : .yes
    case .never: return .no
    case .unknownLocal(let address): return .unknownLocal(address)
    case .choice(let modulus): return .choice(modulus)
    case .chance(let p): return match.negated ? .chance(1 - p) : .chance(p)
    case .unknown:
      if let known = assumed(b, match, rule: rule, clause: clause) { return known ? .yes : .no }
      return .unknown
    }
  }

  enum Answer {
    case holds(Bool)
    case absent
    /// A property of a connection, and there is none: xt_conntrack holds whether inverted or not, nft does not.
    case noConnection
    /// Does not hold, inverted or not: xt_mac where the packet came in no Ethernet frame.
    case never
    case unknown
    case unknownLocal(IPAddress)
    case chance(Double)
    case choice(Int)
  }

  private func test(_ test: Test, _ b: Branch, isNft: Bool) -> Answer {
    if isAnyReply { return anyReply(test, b) }
    switch test {
    case .equal(let field, let value, let mask):
      // Bits of the type of service may be partly known.
      if field == .dscp || field == .typeOfService || field == .ecn {
        return compareTypeOfService(field, value, mask, b)
      }
      return withNumber(field, b) { .holds($0 & mask == value) }
    case .range(let field, let low, let high): return withNumber(field, b) { .holds(low <= $0 && $0 <= high) }
    case .anyBit(.connectionState, let mask): return .holds(b.packet.connectionState & mask != 0)
    case .anyBit(let field, let mask): return withNumber(field, b) { .holds($0 & mask != 0) }
    case .equalWide(let field, let id):
      let pair = ruleset.wide[Int(id.index)]
      // xt_physdev: a packet of a bridge that leaves by none of its ports has no --physdev-out, inverted or not.
      if field == .outputBridgePort, b.packet.frame.isShown, !b.packet.bridged { return .never }
      return withValue(field, b) { .holds($0 & pair.b == pair.a) }
    case .rangeWide(let field, let id):
      let pair = ruleset.wide[Int(id.index)]
      return withValue(field, b) { .holds(pair.a <= $0 && $0 <= pair.b) }
    case .ports(let side, let list): return ports(side, ruleset.portLists[Int(list.index)], b)
    case .ipset(let id): return ipset(ruleset.ipsetTests[Int(id.index)], b)
    case .addressType(let id): return addressType(ruleset.addressTypeTests[Int(id.index)], b, isNft: isNft)
    case .reversePath(let id): return reversePathTest(ruleset.reversePathTests[Int(id.index)], b)
    case .socket(let test): return socket(test, b.packet)
    case .virtualServer(let id): return virtualServer(ruleset.virtualServerTests[Int(id.index)], b)
    case .random(let threshold): return .chance(Double(threshold) / 2_147_483_648)
    case .nth(let every, _): return .chance(1 / Double(max(every, 1)))
    case .tcpOption: return b.packet.ipProtocol == 6 ? .unknown : .absent
    case .comparison(let id): return comparison(ruleset.comparisons[Int(id.index)], b)
    case .lookup(let id): return lookup(ruleset.lookups[Int(id.index)], b)
    case .note: return .holds(true)
    case .timeDependent, .unknown: return .unknown
    }
  }

  /// What a match says that asks for something the packet does not have.
  private static func missing(_ field: Field) -> Answer {
    connectionFields.contains(field) ? .noConnection : field == .sourceMAC ? .never : .absent
  }

  func withNumber(_ field: Field, _ b: Branch, _ body: (UInt32) -> Answer) -> Answer {
    switch value(of: field, b) {
    case .known(let bits): body(UInt32(truncatingIfNeeded: bits.low))
    case .unknown: .unknown
    case .absent: Self.missing(field)
    }
  }

  private func withValue(_ field: Field, _ b: Branch, _ body: (Bits128) -> Answer) -> Answer {
    switch value(of: field, b) {
    case .known(let bits): body(bits)
    case .unknown: .unknown
    case .absent: Self.missing(field)
    }
  }

  private func compareTypeOfService(_ field: Field, _ value: UInt32, _ mask: UInt32, _ b: Branch) -> Answer {
    let shift: UInt32 = field == .dscp ? 2 : 0
    let known = UInt32(b.packet.typeOfServiceKnown) >> shift
    let held = UInt32(b.packet.typeOfService) >> shift
    // A known bit that differs decides; otherwise all asked bits must be known.
    let asked = mask & (field == .ecn ? 3 : field == .dscp ? 0x3F : 0xFF)
    if value & ~asked != 0 { return .holds(false) }
    if (held ^ value) & known & asked != 0 { return .holds(false) }
    return known & asked == asked ? .holds(true) : .unknown
  }

  private func ports(_ side: PortSide, _ list: PortList, _ b: Branch) -> Answer {
    guard IPProtocol(rawValue: b.packet.ipProtocol).hasPorts else { return .absent }
    let destination = list.ranges.contains { $0.contains(b.packet.destinationPort) }
    if side == .destination || side == .either && destination { return .holds(destination) }
    if b.packet.sourcePortRandom { return .unknown }
    return .holds(list.ranges.contains { $0.contains(b.packet.sourcePort) })
  }

  private func ipset(_ test: IPSetTest, _ b: Branch) -> Answer {
    guard node.ipsets.known else { return .unknown }
    // Rules add to it or delete from it: what the dump shows need not be what a packet meets.
    if changedSetsUnknown, node.changedSets.contains(test.name) { return .unknown }
    let hasPorts = IPProtocol(rawValue: b.packet.ipProtocol).hasPorts
    let readsSource = test.fromSource.contains(true)
    let query = IPSetIndex.Query(
      version: b.packet.version, source: readsSource ? b.packet.source : .zero, destination: b.packet.destination,
      ipProtocol: b.packet.ipProtocol,
      sourcePort: hasPorts ? readsSource ? b.packet.sourcePort : 0 : b.packet.icmpTypeAndCode,
      destinationPort: hasPorts ? b.packet.destinationPort : b.packet.icmpTypeAndCode,
      inputInterface: interface(b.packet.input).name,
      outputInterface: b.packet.outputUnknown && b.packet.output.isZero ? nil : interface(b.packet.output).name,
      mark: b.packet.mark)
    switch node.ipsets.test(test, query) {
    case .yes: return .holds(true)
    case .no: return .holds(false)
    case .unknown: return .unknown
    }
  }

  /// net/netfilter/xt_socket.c: a listening socket, for a first packet. `ss` does not tell which are transparent.
  private func socket(_ test: SocketTest, _ p: PacketState) -> Answer {
    let name: String
    switch IPProtocol(rawValue: p.ipProtocol) {
    case .tcp: name = "tcp"
    case .udp: name = "udp"
    default: return .holds(false)
    }
    guard let sockets = node.snapshot.sockets,
      node.snapshot.socketProtocols.contains(IPProtocol(rawValue: p.ipProtocol))
    else { return .unknown }
    let destination = IPAddress(bits: p.destination, version: p.version)
    let found = sockets.contains {
      $0.localPort == p.destinationPort && $0.protocol.hasPrefix(name) && $0.state != "ESTAB"
        && ($0.localAddress.map { $0 == destination } ?? test.wildcard)
    }
    return found && test.transparent ? .unknown : .holds(found)
  }

  // MARK: - Address types

  private func addressType(_ test: AddressTypeTest, _ b: Branch, isNft: Bool) -> Answer {
    var interface: Bits128?
    if test.limitToInput { interface = b.packet.input }
    if test.limitToOutput { interface = b.packet.output }
    if let types = test.sourceTypes {
      // IPv6 looks for routes: all of the address counts.
      let decided =
        b.packet.version == .v4 && node.routing.localKnown(.v4)
        ? .holds(types & sourceType(b.packet, interface: interface).bit != 0)
        : hasType(types, b.packet.source, interface, b, isNft: isNft)
      guard case .holds(let holds) = decided else { return decided }
      if holds == test.invertSource { return .holds(false) }
    }
    if let types = test.destinationTypes {
      let decided = hasType(types, b.packet.destination, interface, b, isNft: isNft)
      guard case .holds(let holds) = decided else { return decided }
      if holds == test.invertDestination { return .holds(false) }
    }
    return .holds(true)
  }

  private func hasType(_ types: UInt16, _ bits: Bits128, _ interface: Bits128?, _ b: Branch, isNft: Bool) -> Answer {
    let address = IPAddress(bits: bits, version: b.packet.version)
    if !node.routing.localKnown(b.packet.version) {
      guard let local = isLocal(b, address) else { return .unknownLocal(address) }
      let found: AddressType = local ? .local : address.isMulticast ? .multicast : .unicast
      return .holds(types & found.bit != 0)
    }
    switch (b.packet.version, isNft) {
    case (.v4, _): return .holds(types & node.routing.addressType(bits, .v4, interface: interface).bit != 0)
    case (.v6, true):
      let other = bits == b.packet.source ? b.packet.destination : b.packet.source
      return .holds(types & routedType6(address, interface, other: other).bit != 0)
    case (.v6, false): return .holds(addressType6(types, address, interface, b))
    }
  }

  /// The kind of the source address; of its bits as few are taken note of as decide.
  func sourceType(_ p: PacketState, interface: Bits128?) -> AddressType {
    _ = p.sourceIsUnspecified || p.sourceIsMulticast || p.sourceMatches(Bits128(UInt32.max), mask: .ones)
    var bits = 0
    let type = node.routing.addressType(p.rawSource, p.version, interface: interface, inspecting: &bits)
    p.noteSource(leading: bits)
    return type
  }

  /// net/netfilter/xt_addrtype.c, match_type6: a route lookup, and several types at once.
  private func addressType6(_ types: UInt16, _ address: IPAddress, _ interface: Bits128?, _ b: Branch) -> Bool {
    if types & AddressType.multicast.bit != 0, !address.isMulticast { return false }
    if types & AddressType.unicast.bit != 0, address.isMulticast || address.isUnspecified { return false }
    if types & AddressType.unspec.bit != 0, !address.isUnspecified { return false }
    let routed = AddressType.local.bit | AddressType.anycast.bit | AddressType.unreachable.bit
    guard types & routed != 0 else { return true }
    var found: UInt16 = 0
    if let interface, types & AddressType.local.bit != 0,
      self.interface(interface).addresses.contains(where: { $0.address == address })
    {
      found |= AddressType.local.bit
    }
    var query = RoutingTables.Query(
      version: .v6, destination: address.bits, source: .zero, inputInterface: .zero, mark: 0)
    query.outputInterface = interface
    switch node.routing.lookup(query) {
    case .none, .refused: return types & AddressType.unreachable.bit != 0
    case .route(let index, _), .multipath(let index, _):
      let type = node.routing.type(of: index)
      if interface == nil, type == .local { found |= AddressType.local.bit }
      if type == .anycast { found |= AddressType.anycast.bit }
    }
    return types & found != 0
  }

  private func reversePathTest(_ test: ReversePathTest, _ b: Branch) -> Answer {
    guard node.routing.known(b.packet.version) else { return .unknown }
    if b.packet.input == Self.loopback { return .holds(!test.invert) }
    let mark = test.validMark ? b.packet.mark : 0
    let passes: Bool
    switch reversePath(b, b.packet.input, mark: mark) {
    case .same: passes = true
    case .elsewhere: passes = test.loose
    case .local: passes = test.acceptLocal
    case .invalid, .none: passes = false
    }
    return .holds(passes != test.invert)
  }
}

/// Fields of the connection entry. Without one, xt_conntrack looks at the state alone (and holds if it held).
private let connectionFields: Set<Field> = [
  .connectionStatus, .connectionDirection, .connectionProtocol, .originalSource, .originalDestination,
  .originalSourcePort,
  .originalDestinationPort, .replySource, .replyDestination, .replySourcePort, .replyDestinationPort,
  .connectionExpiration,
]

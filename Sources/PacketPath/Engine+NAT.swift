import Ruleset
import Snapshot
import Wire

// Address translation: net/netfilter/nf_nat_core.c, nf_nat_masquerade.c, nf_nat_redirect.c.
extension Engine {
  func setDestination(_ b: inout Branch, _ address: Bits128, _ port: UInt16?) {
    let before = (b.packet.destination, b.packet.destinationPort)
    b.packet.destination = address
    if let port, IPProtocol(rawValue: b.packet.ipProtocol).hasPorts { b.packet.destinationPort = port }
    if before != (b.packet.destination, b.packet.destinationPort) { b.packet.status |= ConnectionStatus.destinationNAT }
  }

  private func setSource(_ b: inout Branch, _ address: Bits128, _ ports: ClosedRange<UInt16>?, random: Bool) {
    let hasPorts = IPProtocol(rawValue: b.packet.ipProtocol).hasPorts
    var changed = !b.packet.sourceMatches(address, mask: .ones)
    b.packet.source = address
    if hasPorts {
      if let ports, ports.lowerBound == ports.upperBound {
        changed = changed || !b.packet.sourcePortMatches(ports.lowerBound)
        b.packet.sourcePort = ports.lowerBound
      } else if random || ports.map({ !$0.contains(b.packet.sourcePort) }) ?? false {
        changed = true
        b.packet.sourcePortOpen = true
        b.packet.sourcePortRandom = true
      } else if changed {
        b.packet.sourcePortOpen = true  // kept unless another connection has it
      }
    }
    if changed { b.packet.status |= ConnectionStatus.sourceNAT }
  }

  mutating func translate(_ t: Translation, _ b: inout Branch, rule: Int) -> Effect {
    if let version = t.version, version != b.packet.version { return .noMatch }
    let toSource: Bool
    switch t.kind {
    case .destination, .redirect: toSource = false
    case .source, .masquerade: toSource = true
    case .netmap: toSource = b.packet.hook == .postrouting || b.packet.hook == .input
    }
    guard b.packet.hasConnection else { return .verdict(.accept) }
    // A binding of the same kind that was made before stays.
    if toSource ? b.packet.sourceBound : b.packet.destinationBound { return .verdict(.accept) }
    var addresses = t.addresses
    var ports = t.ports
    switch computed(t, &b) {
    case .again: return .again
    case .noMatch: return .noMatch
    case .found(let found, let foundPorts):
      addresses = found ?? addresses
      ports = foundPorts ?? ports
    }
    switch t.kind {
    case .masquerade:
      guard let address = masqueradeAddress(b) else {
        if b.packet.outputUnknown {
          assumeOnce(&b, "masquerading finds an address on the output interface, which the snapshot does not tell")
          b.packet.sourceRule = UInt32(rule)
          b.packet.sourcePortOpen = true
          b.packet.sourceBound = true
          b.packet.status |= ConnectionStatus.sourceNAT
          return .verdict(.accept)
        }
        record(&b, rule, .drop)
        finish(b, .drop, .masqueradeWithoutAddress(interface: NodeModel.name(b.packet.output)))
        return .ended
      }
      b.packet.sourceRule = UInt32(rule)
      setSource(&b, address, ports, random: t.choice != .first)
      b.packet.sourceBound = true
    case .redirect:
      guard let address = redirectAddress(b) else {
        if !node.addressesKnown {
          assumeOnce(
            &b,
            "the first address of \(NodeModel.name(b.packet.input)) is not in the snapshot; the packet stays on this node"
          )
          assume(&b, .local(IPAddress(bits: b.packet.destination, version: b.packet.version), true))
          b.packet.destinationRule = UInt32(rule)
          setDestination(&b, b.packet.destination, ports?.lowerBound)
          b.packet.destinationBound = true
          return .verdict(.accept)
        }
        record(&b, rule, .drop)
        finish(b, .drop, .redirectWithoutAddress(interface: NodeModel.name(b.packet.input)))
        return .ended
      }
      guard let port = choosePort(ports, t, &b) else { return .again }
      b.packet.destinationRule = UInt32(rule)
      setDestination(&b, address, port)
      b.packet.destinationBound = true
    case .netmap:
      if let range = addresses {
        let hostBits = range.lowerBound ^ range.upperBound
        if toSource {
          b.packet.sourceRule = UInt32(rule)
          setSource(&b, range.lowerBound | b.packet.source & hostBits, nil, random: false)
        } else {
          b.packet.destinationRule = UInt32(rule)
          setDestination(&b, range.lowerBound | b.packet.destination & hostBits, nil)
        }
      }
      if toSource { b.packet.sourceBound = true } else { b.packet.destinationBound = true }
    case .destination, .source:
      let current = toSource ? b.packet.source : b.packet.destination
      var address = addresses.map { $0.lowerBound == $0.upperBound ? $0.lowerBound : current } ?? current
      if let range = addresses, range.lowerBound != range.upperBound {
        if t.prefix {
          let hostBits = range.lowerBound ^ range.upperBound
          address = range.lowerBound | current & hostBits
        } else if toSource, t.choice == .first, range.contains(current),
          ports?.contains(b.packet.sourcePort) ?? true
        {
          // A source that is in the range already stays.
        } else {
          address = AddressRange(range: range, version: b.packet.version, persistent: t.persistent).address(
            source: b.packet.source, destination: b.packet.destination, zone: b.packet.zone, replacesSource: toSource)
        }
      }
      if toSource {
        b.packet.sourceRule = UInt32(rule)
        setSource(&b, address, ports, random: t.choice != .first)
        b.packet.sourceBound = true
      } else {
        guard let port = choosePort(ports, t, &b) else { return .again }
        b.packet.destinationRule = UInt32(rule)
        setDestination(&b, address, port)
        b.packet.destinationBound = true
      }
    }
    return .verdict(.accept)
  }

  private enum Computed {
    case found(ClosedRange<Bits128>?, ClosedRange<UInt16>?)
    case again, noMatch
  }

  /// nft: addresses and ports that a map or another expression yields.
  private mutating func computed(_ t: Translation, _ b: inout Branch) -> Computed {
    func run(_ id: ExpressionID) -> [Bits128]?? {
      switch evaluate(ruleset.expressions[Int(id.index)], b) {
      case .values(let values): return .some(.some(values))
      case .choice(let modulus):
        forkOnChoice(&b, modulus, clause: Int(b.clause))
        return nil
      case .unknownLocal(let address):
        forkOnLocality(&b, address, clause: Int(b.clause))
        return nil
      case .absent: return .some(nil)
      case .unknown:
        assumeOnce(&b, "a map that rules fill has nothing to translate this packet to")
        return .some(nil)
      }
    }
    if let id = t.addressAndPort {
      guard let outcome = run(id) else { return .again }
      guard let values = outcome, values.count >= 2 else { return .noMatch }
      let port = UInt16(truncatingIfNeeded: values[1].low)
      return .found(values[0]...values[0], port...port)
    }
    var addresses: ClosedRange<Bits128>?
    var ports: ClosedRange<UInt16>?
    if let id = t.addressExpression {
      guard let outcome = run(id) else { return .again }
      guard let values = outcome, let first = values.first else { return .noMatch }
      addresses = first...first
      if t.prefix, let range = mappedRange(id, b) { addresses = range }
    }
    if let id = t.portExpression {
      guard let outcome = run(id) else { return .again }
      guard let first = outcome?.first else { return .noMatch }
      ports = UInt16(truncatingIfNeeded: first.low)...UInt16(truncatingIfNeeded: first.low)
    }
    return .found(addresses, ports)
  }

  /// The whole datum of a map whose data are prefixes.
  private func mappedRange(_ id: ExpressionID, _ b: Branch) -> ClosedRange<Bits128>? {
    guard case .map(let key, let set) = ruleset.expressions[Int(id.index)], case .values(let values) = evaluate(key, b),
      case .element(let element) = find(values, in: set, b),
      case .values(let lows, let highs, let components) = ruleset.sets[Int(set.index)].data,
      !highs.isEmpty
    else { return nil }
    return lows[element * components]...max(lows[element * components], highs[element * components])
  }

  /// The port of a destination NAT: kept where the range holds it, else the first; with --random any. `.some(nil)`: no
  /// port is given; nil: this branch forked.
  private mutating func choosePort(_ ports: ClosedRange<UInt16>?, _ t: Translation, _ b: inout Branch) -> UInt16?? {
    guard let ports, IPProtocol(rawValue: b.packet.ipProtocol).hasPorts else { return .some(nil) }
    if ports.lowerBound == ports.upperBound { return ports.lowerBound }
    if t.choice == .first {
      return ports.contains(b.packet.destinationPort) ? b.packet.destinationPort : ports.lowerBound
    }
    let many = t.addresses.map { $0.lowerBound != $0.upperBound } ?? false
    if ports.count > 256 || many {
      assumeOnce(&b, "the random port is the first of \(ports.lowerBound)-\(ports.upperBound)")
      return ports.lowerBound
    }
    guard b.choice >= 0 else {
      forkOnChoice(&b, ports.count, clause: Int(b.clause))
      return nil
    }
    return ports.lowerBound + UInt16(b.choice)
  }

  /// inet_select_addr: the first global address of the device, rather one in the next hop's subnet.
  private func masqueradeAddress(_ b: Branch) -> Bits128? {
    let output = interface(b.packet.output)
    if b.packet.version == .v6 {
      return sourceAddress6(IPAddress(bits: b.packet.destination, version: .v6), output.name)?.bits
    }
    var target = b.packet.destination
    if b.packet.route >= 0, b.packet.nextHop >= 0,
      let gateway = node.routing.routes[Int(b.packet.route)].nextHops[Int(b.packet.nextHop)].gateway,
      gateway.version == .v4
    {
      target = gateway.bits
    }
    func usable(_ address: InterfaceAddress) -> Bool {
      address.address.version == .v4 && !address.tentative && !address.secondary
        && (address.scope == "global" || address.scope == "universe" || address.scope == "0")
    }
    let near = output.addresses.first {
      usable($0) && IPPrefix($0.address, length: $0.prefixLength).contains(IPAddress(bits: target, version: .v4))
    }
    if let chosen = near ?? output.addresses.first(where: usable) { return chosen.address.bits }
    // No address here: the first of any other interface.
    for address in node.snapshot.addresses ?? []
    where address.address.version == .v4 && !address.secondary && address.scope == "global" {
      return address.address.bits
    }
    return nil
  }

  /// A short form of RFC 6724's source selection: the outgoing interface, the right scope, the longest common prefix.
  func sourceAddress6(_ destination: IPAddress, _ output: String) -> IPAddress? {
    let all = (node.snapshot.addresses ?? []).filter { $0.address.version == .v6 && !$0.tentative }
    let linkLocal = destination.isLinkLocal
    func rank(_ a: InterfaceAddress) -> (Int, Int, Int, Int) {
      let scopeFits = a.address.isLinkLocal == linkLocal && !a.address.isLoopback
      let difference = a.address.bits ^ destination.bits
      let common = difference.high != 0 ? difference.high.leadingZeroBitCount : 64 + difference.low.leadingZeroBitCount
      return (scopeFits ? 1 : 0, a.deprecated ? 0 : 1, a.interface == output ? 1 : 0, min(common, a.prefixLength))
    }
    if all.contains(where: { $0.address == destination }) { return destination }
    var best: InterfaceAddress?
    for candidate in all where !candidate.address.isLoopback || all.count == 1 {
      if candidate.address.isLinkLocal, candidate.interface != output { continue }
      if best == nil || rank(candidate) > rank(best!) { best = candidate }
    }
    return best?.address
  }

  /// nf_nat_redirect: loopback in OUTPUT, else the first address of the input interface.
  private func redirectAddress(_ b: Branch) -> Bits128? {
    if b.packet.hook == .output {
      return b.packet.version == .v4 ? Bits128(UInt32(0x7F00_0001)) : Bits128(high: 0, low: 1)
    }
    let own = interface(b.packet.input).addresses.filter { $0.address.version == b.packet.version }
    if b.packet.version == .v4 { return own.first?.address.bits }
    let destination = IPAddress(bits: b.packet.destination, version: .v6)
    return (own.first { !$0.tentative && $0.address.isLinkLocal == destination.isLinkLocal })?.address.bits
  }
}

import Ruleset
import Snapshot
import Wire

// What a rule does once its matches hold.
extension Engine {
  enum Effect {
    case goOn
    /// The statement must be run again: a choice was made for this branch.
    case again
    case noMatch
    case ended
    case verdict(StepVerdict)
  }

  @inline(__always)
  mutating func execute(_ statement: Statement, _ b: inout Branch, rule: Int, isNft: Bool) -> Effect {
    switch statement {
    case .jump(let chain): return .verdict(.jump(chain))
    case .goto(let chain): return .verdict(.goto(chain))
    case .accept: return .verdict(.accept)
    case .drop: return .verdict(.drop)
    case .return: return .verdict(.return)
    case .continue: return .verdict(.continue)
    // A reply that was accepted before this rule does not have the mark: neither all have it nor none.
    case .setMark where isAnyReply:
      anyReplyIsOpen = true
      return .goOn
    case .setMark(let clear, let flip):
      b.packet.mark = b.packet.mark & ~clear ^ flip
      return .goOn
    case .destinationNAT4(let address, let port, _):
      b.packet.destinationRule = UInt32(rule)
      setDestination(&b, Bits128(address), port == 0 ? nil : port)
      b.packet.destinationBound = true
      return .verdict(.accept)
    case .note: return .goOn
    case .changeSet(let text):
      if b.assumptions >= 0 { changeSet(text, &b) }
      return .goOn
    default: return executeOther(statement, &b, rule: rule, isNft: isNft)
    }
  }

  private mutating func executeOther(_ statement: Statement, _ b: inout Branch, rule: Int, isNft: Bool) -> Effect {
    switch statement {
    case .updateSet(let id):
      let change = ruleset.setUpdates[Int(id.index)]
      let effect = update(change, &b, rule: rule)
      guard case .goOn = effect, change.isLimited else { return effect }
      return timeDependent(&b, rule: rule)
    case .verdictMap(let id): return verdictMap(ruleset.lookups[Int(id.index)], &b, rule: rule)
    case .reject(let reason):
      record(&b, rule, .drop)
      finish(b, .reject, rejectWith: resolve(reason, b.packet.version))
      return .ended
    case .translate(let id): return translate(ruleset.translations[Int(id.index)], &b, rule: rule)
    case .setConnectionMark(let clear, let flip):
      if b.packet.hasConnection { b.packet.connectionMark = b.packet.connectionMark & ~clear ^ flip }
      // nft reads the mark before it writes it, and a rule ends where there is nothing to read.
      return clear != .max && isNft && !hasConnectionOrTemplate(b) ? .noMatch : .goOn
    case .saveMark(let id):
      let masks = ruleset.markCopies[Int(id.index)]
      if b.packet.hasConnection {
        b.packet.connectionMark =
          b.packet.connectionMark & ~masks.connectionMask ^ (b.packet.mark & masks.packetMask)
      }
      return .goOn
    // What the mark of the connection was is not known of all.
    case .restoreMark where isAnyReply:
      anyReplyIsOpen = true
      return .goOn
    case .restoreMark(let id):
      let masks = ruleset.markCopies[Int(id.index)]
      if b.packet.hasConnection {
        b.packet.mark = b.packet.mark & ~masks.packetMask ^ (b.packet.connectionMark & masks.connectionMask)
      } else if isNft {
        guard hasConnectionOrTemplate(b) else { return .noMatch }
        b.packet.mark = 0
      }
      return .goOn
    case .setField(.mark, _) where isAnyReply:
      anyReplyIsOpen = true
      return .goOn
    case .setField(let field, let id): return setField(field, ruleset.expressions[Int(id.index)], &b)
    case .addTimeToLive(let change):
      b.packet.timeToLiveChanged = Int32(assumptions.count)
      if let hops = b.packet.timeToLive { b.packet.timeToLive = UInt8(min(max(Int(hops) + Int(change), 0), 255)) }
      return .goOn
    case .noTrack:
      if b.packet.tracking == .notYet { b.packet.tracking = .untracked }
      return .goOn
    case .setZone(let zone, let direction):
      if b.packet.tracking == .notYet {
        b.packet.tracking = .template
        if direction != .reply { b.packet.zone = zone }
      }
      return .goOn
    case .transparentProxy where isAnyReply:
      anyReplyIsOpen = true
      return .goOn
    case .transparentProxy(let id): return transparentProxy(ruleset.transparentProxies[Int(id.index)], &b)
    case .timeDependent: return timeDependent(&b, rule: rule)
    case .handOff(let text): return queue(ruleset[text], &b, rule: rule)
    case .unknown(let text):
      var dropped = b
      dropped.probability *= 0.5
      assume(&dropped, .target(rule: UInt32(rule), text, drops: true))
      record(&dropped, rule, .drop)
      finish(dropped, .drop, .unknownTarget(ruleset[text]))
      b.probability *= 0.5
      assume(&b, .target(rule: UInt32(rule), text, drops: false))
      return .goOn
    default: return .goOn
    }
  }

  private func hasConnectionOrTemplate(_ b: Branch) -> Bool { b.packet.hasConnection || b.packet.tracking == .template }

  private func resolve(_ reason: RejectReason, _ version: IPVersion) -> RejectReason {
    switch (reason, version) {
    case (.icmpxPortUnreachable, .v4): .icmpPortUnreachable
    case (.icmpxPortUnreachable, .v6): .icmp6PortUnreachable
    case (.icmpxAdminProhibited, .v4): .icmpAdminProhibited
    case (.icmpxAdminProhibited, .v6): .icmp6AdminProhibited
    case (.icmpxNoRoute, .v4): .icmpNetUnreachable
    case (.icmpxNoRoute, .v6): .icmp6NoRoute
    case (.icmpxHostUnreachable, .v4): .icmpHostUnreachable
    case (.icmpxHostUnreachable, .v6): .icmp6AddressUnreachable
    default: reason
    }
  }

  private mutating func verdictMap(_ lookup: Lookup, _ b: inout Branch, rule: Int) -> Effect {
    switch evaluate(lookup.key, b) {
    case .absent: return .noMatch
    case .unknown where isAnyReply:
      anyReplyIsOpen = true
      return .noMatch
    case .unknown:
      if !mayContain(lookup, b) { return .noMatch }
      assumeOnce(
        &b, "the key of a verdict map that the flow does not tell has no element (\(ruleset.place(of: RuleID(rule))))")
      return .noMatch
    case .choice(let modulus):
      forkOnChoice(&b, modulus, clause: Int(b.clause))
      return .again
    case .unknownLocal(let address):
      forkOnLocality(&b, address, clause: Int(b.clause))
      return .again
    case .values(let key):
      // Rules cannot add verdicts: only the dump's elements count.
      guard case .element(let element) = find(key, in: lookup.set, b) else { return .noMatch }
      guard case .verdicts(let verdicts) = ruleset.sets[Int(lookup.set.index)].data, element < verdicts.count else {
        return .noMatch
      }
      switch verdicts[element] {
      case .accept: return .verdict(.accept)
      case .drop: return .verdict(.drop)
      case .return: return .verdict(.return)
      case .continue: return .goOn
      case .jump(let chain): return .verdict(.jump(chain))
      case .goto(let chain): return .verdict(.goto(chain))
      case .queue: return queue("queue", &b, rule: rule)
      }
    }
  }

  private mutating func timeDependent(_ b: inout Branch, rule: Int) -> Effect {
    let clause = b.clause
    if let known = assumedClause(b, rule: rule, clause: Int(clause)) { return known ? .goOn : .noMatch }
    if forks >= Self.maximumForks {
      cut += 1
      return .goOn
    }
    let other = forkOnIgnorance(
      &b, holds: .clause(rule: UInt32(rule), clause: clause, subject: 0, holds: true),
      fails: .clause(rule: UInt32(rule), clause: clause, subject: 0, holds: false))
    pending[other].skipRule()
    return .goOn
  }

  private func assumedClause(_ b: Branch, rule: Int, clause: Int) -> Bool? {
    var at = b.assumptions
    while at >= 0 {
      let entry = assumptions[Int(at)]
      at = entry.previous
      if case .clause(let otherRule, let otherClause, _, let holds) = entry.assumption, Int(otherRule) == rule,
        Int(otherClause) == clause
      {
        return holds
      }
    }
    return nil
  }

  /// The packet leaves the rules for a program; what that answers is not in any dump.
  private mutating func queue(_ text: String, _ b: inout Branch, rule: Int) -> Effect {
    var dropped = b
    dropped.probability *= 0.5
    assume(&dropped, .program(rule: UInt32(rule), text, accepts: false))
    record(&dropped, rule, .queue)
    finish(dropped, .drop, .handedOver(text))
    b.probability *= 0.5
    assume(&b, .program(rule: UInt32(rule), text, accepts: true))
    return .verdict(.accept)
  }

  private mutating func transparentProxy(_ proxy: TransparentProxy, _ b: inout Branch) -> Effect {
    let port = proxy.port == 0 ? b.packet.destinationPort : proxy.port
    let isListed = node.snapshot.socketProtocols.contains(IPProtocol(rawValue: b.packet.ipProtocol))
    let listens = isListed ? node.snapshot.sockets?.contains { takes($0, port, proxy.address, b.packet) } : nil
    if listens == false {
      finish(b, .drop, .noTransparentSocket(port: port))
      return .ended
    }
    if listens == nil { assumeOnce(&b, "a transparent socket listens on port \(proxy.port)") }
    b.packet.mark = b.packet.mark & ~proxy.markMask ^ proxy.markValue
    return proxy.accepts ? .verdict(.accept) : .goOn
  }

  /// net/netfilter/xt_TPROXY.c: a socket that waits for clients at the port, on the address that the rule names or one of the
  /// interface's. `ss` does not tell which are transparent; who asks for packets this way makes them so.
  private func takes(_ socket: SocketEntry, _ port: UInt16, _ address: Bits128?, _ p: PacketState) -> Bool {
    guard socket.localPort == port, socket.state == "LISTEN" || socket.state == "UNCONN",
      socket.protocol.hasPrefix(p.ipProtocol == IPProtocol.tcp.rawValue ? "tcp" : "udp")
    else { return false }
    guard let own = socket.localAddress, !own.isUnspecified else { return true }
    guard own.version == p.version else { return false }
    if let address { return own.bits == address }
    let input = interface(p.input).name
    return (node.snapshot.addresses ?? []).contains { $0.address == own && $0.interface == input }
  }

  private mutating func setField(_ field: Field, _ expression: Expression, _ b: inout Branch) -> Effect {
    switch evaluate(expression, b) {
    case .absent: return .noMatch
    case .choice(let modulus):
      forkOnChoice(&b, modulus, clause: Int(b.clause))
      return .again
    case .unknownLocal(let address):
      forkOnLocality(&b, address, clause: Int(b.clause))
      return .again
    case .unknown where isAnyReply && field == .mark:
      anyReplyIsOpen = true
      return .goOn
    case .unknown:
      switch field {
      case .timeToLive: b.packet.timeToLive = nil
      case .typeOfService, .dscp, .ecn: partlyKnown(expression, &b)
      case .mark, .connectionMark, .source, .destination, .source4, .destination4, .source6, .destination6, .sourcePort,
        .destinationPort:
        assumeOnce(&b, "\(field) stays as it is where a rule sets it to a value that the flow does not tell")
      default: break
      }
      return .goOn
    case .values(let values):
      guard values.count == 1 else { return .goOn }
      let number = UInt32(truncatingIfNeeded: values[0].low)
      switch field {
      case .mark: b.packet.mark = number
      case .connectionMark: if b.packet.hasConnection { b.packet.connectionMark = number }
      case .timeToLive: b.packet.timeToLive = UInt8(truncatingIfNeeded: number)
      case .typeOfService:
        b.packet.typeOfService = UInt8(truncatingIfNeeded: number)
        b.packet.typeOfServiceKnown = 0xFF
      case .dscp:
        b.packet.typeOfService = b.packet.typeOfService & 3 | UInt8(truncatingIfNeeded: number << 2)
        b.packet.typeOfServiceKnown |= 0xFC
      case .ecn:
        b.packet.typeOfService = b.packet.typeOfService & 0xFC | UInt8(truncatingIfNeeded: number & 3)
        b.packet.typeOfServiceKnown |= 3
      case .source, .source4, .source6: b.packet.source = values[0]
      case .destination, .destination4, .destination6: b.packet.destination = values[0]
      case .sourcePort: b.packet.sourcePort = UInt16(truncatingIfNeeded: number)
      case .destinationPort: b.packet.destinationPort = UInt16(truncatingIfNeeded: number)
      case .connectionZone:
        if b.packet.tracking == .notYet {
          b.packet.tracking = .template
          b.packet.zone = UInt16(truncatingIfNeeded: number)
        }
      case .packetType, .priority, .securityMark, .routingClass: break
      default: break
      }
      return .goOn
    }
  }

  /// `(tos & keep) ^ flip` where only some bits are known: the bits that are not kept are known now.
  private func partlyKnown(_ expression: Expression, _ b: inout Branch) {
    guard case .xor(.and(.field(.typeOfService), .constant(let keep)), .constant(let flip)) = expression else {
      b.packet.typeOfServiceKnown = 0
      return
    }
    let kept = UInt8(truncatingIfNeeded: keep.low)
    b.packet.typeOfService = b.packet.typeOfService & kept ^ UInt8(truncatingIfNeeded: flip.low)
    b.packet.typeOfServiceKnown |= ~kept
  }
}

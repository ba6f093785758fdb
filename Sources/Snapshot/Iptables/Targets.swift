import Ruleset
import Wire

// Lowering of targets (`-j NAME …`, `-g CHAIN`).
extension IptablesParser {
  private mutating func add(_ statement: Statement) { ruleset.clauses.append(.statement(statement)) }

  private func option(_ name: StaticString) -> RuleState.Option? { rule.targetOptions.first { $0.name.equals(name) } }

  private func argument(_ name: StaticString) -> Token? { option(name)?.arguments.first }

  private func spelling(_ target: Token) -> String {
    var text = Spelling("-j", target)
    for option in rule.targetOptions { text.add(option) }
    return text.string
  }

  @inline(__always) mutating func lowerTarget(_ target: Token, chain: ChainID) {
    // Chains of a dump that kube-proxy wrote: by far the most frequent.
    if target.count > 5, target[0] == UInt8(ascii: "K"), target[4] == UInt8(ascii: "-") { return jump(to: target) }
    if let destination = rule.plain.toDestination {
      if target.equals("DNAT"), version == .v4, plainDNAT(destination) { return }
      rule.dirty = true
      rule.targetOptions.append(
        RuleState.Option(name: Self.staticToken("--to-destination"), negated: false, arguments: [destination]))
    }
    lowerOtherTarget(target)
  }

  private mutating func jump(to target: Token) {
    if pendingJumps.count == PendingJump.limit { resolveJumps() }
    pendingJumps.append(
      PendingJump(
        hash: NameTable.hash(target.bytes), clause: UInt32(ruleset.clauses.count), name: target.start,
        count: UInt32(target.count), line: UInt32(line)))
    add(rule.plain.isGoto ? .goto(ChainID(0)) : .jump(ChainID(0)))
  }

  /// `--to-destination a.b.c.d[:port]`.
  private mutating func plainDNAT(_ token: Token) -> Bool {
    let colon = token.firstIndex(of: UInt8(ascii: ":")) ?? token.count
    guard let (address, mask) = Self.prefix4(token.part(0, colon)), mask == .max else { return false }
    var port: UInt64 = 0
    if colon < token.count {
      guard let value = token.part(colon + 1, token.count).decimal, value <= 65535 else { return false }
      port = value
    }
    add(.destinationNAT4(address: address, port: UInt16(port), persistent: false))
    return true
  }

  private mutating func note(_ target: Token) {
    if target.equals("TCPMSS") || !rule.targetOptions.isEmpty {
      add(.note(ruleset.addText(spelling(target))))
    } else {
      add(.note(ruleset.addText("-j \(target.text)")))
    }
  }

  private mutating func lowerOtherTarget(_ target: Token) {
    switch target.text {
    case "ACCEPT": add(.accept)
    case "DROP": add(.drop)
    case "RETURN": add(.return)
    case "REJECT": reject()
    case "MARK": mark(target)
    case "CONNMARK": connectionMark(target)
    case "DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP": translate(target)
    case "NOTRACK": add(.noTrack)
    case "CT": trackingOptions(target)
    case "TPROXY": transparentProxy(target)
    case "TTL", "HL": timeToLive(target)
    case "DSCP": dscp(target)
    case "TOS": typeOfService(target)
    case "SET":
      if rule.targetOptions.contains(where: { $0.name.hasPrefix("--map-") }) {
        add(.unknown(ruleset.addText(spelling(target))))
      } else {
        add(.changeSet(ruleset.addText(spelling(target))))
      }
    case "LOG", "NFLOG", "ULOG", "TCPMSS", "CHECKSUM", "TRACE", "CLASSIFY", "AUDIT", "SECMARK", "CONNSECMARK", "TEE",
      "IDLETIMER",
      "LED", "RATEEST", "TCPOPTSTRIP", "ECN", "NFACCT":
      note(target)
    case "QUEUE", "NFQUEUE", "SYNPROXY": add(.handOff(ruleset.addText(spelling(target))))
    case "HMARK", "DNPT", "SNPT", "CLUSTERIP", "MIRROR", "SAME", "DELUDE", "TARPIT", "CHAOS", "STEAL", "RAWDNAT",
      "RAWSNAT":
      if let table, let chain = ruleset.chain(named: target.unescaped, in: table), ruleset[chain].isDefined {
        return jump(to: target)
      }
      add(.unknown(ruleset.addText(spelling(target))))
    default:
      if !rule.targetOptions.isEmpty, let table, ruleset.chain(named: target.unescaped, in: table) == nil {
        // Options belong to an extension, and a chain takes none.
        warn("target '\(printable(target.text))' is not modelled; the packet's fate behind it is unknown")
        return add(.unknown(ruleset.addText(spelling(target))))
      }
      jump(to: target)
    }
  }

  private static let rejectNames: [String: RejectReason] = [
    "icmp-net-unreachable": .icmpNetUnreachable, "net-unreach": .icmpNetUnreachable,
    "icmp-host-unreachable": .icmpHostUnreachable, "host-unreach": .icmpHostUnreachable,
    "icmp-proto-unreachable": .icmpProtocolUnreachable, "proto-unreach": .icmpProtocolUnreachable,
    "icmp-port-unreachable": .icmpPortUnreachable, "port-unreach": .icmpPortUnreachable,
    "icmp-net-prohibited": .icmpNetProhibited, "net-prohib": .icmpNetProhibited,
    "icmp-host-prohibited": .icmpHostProhibited, "host-prohib": .icmpHostProhibited,
    "icmp-admin-prohibited": .icmpAdminProhibited, "admin-prohib": .icmpAdminProhibited, "tcp-reset": .tcpReset,
    "tcp-rst": .tcpReset, "icmp6-no-route": .icmp6NoRoute, "no-route": .icmp6NoRoute,
    "icmp6-adm-prohibited": .icmp6AdminProhibited, "adm-prohibited": .icmp6AdminProhibited,
    "icmp6-addr-unreachable": .icmp6AddressUnreachable, "addr-unreach": .icmp6AddressUnreachable,
    "icmp6-port-unreachable": .icmp6PortUnreachable, "icmp6-policy-fail": .icmp6PolicyFail,
    "policy-fail": .icmp6PolicyFail,
    "icmp6-reject-route": .icmp6RejectRoute, "reject-route": .icmp6RejectRoute,
  ]

  private mutating func reject() {
    let usual: RejectReason = version == .v6 ? .icmp6PortUnreachable : .icmpPortUnreachable
    guard let name = argument("--reject-with") else { return add(.reject(usual)) }
    if version == .v6, name.equals("port-unreach") { return add(.reject(.icmp6PortUnreachable)) }
    guard let reason = Self.rejectNames[name.text] else {
      warn("--reject-with '\(printable(name.text))' is not known; taken as \(usual.rawValue)")
      return add(.reject(usual))
    }
    add(.reject(reason))
  }

  /// Bits to clear and to flip of MARK's and CONNMARK's setting options (libxt_MARK, xt_mark.c).
  private func markChange() -> (clear: UInt32, flip: UInt32)? {
    for option in rule.targetOptions {
      guard let token = option.arguments.first, let (value, mask) = Self.valueAndMask(token) else { continue }
      switch option.name.text {
      case "--set-xmark": return (mask, value)
      case "--set-mark": return (mask | value, value)
      case "--and-mark": return (~value, 0)
      case "--or-mark": return (value, value)
      case "--xor-mark": return (0, value)
      default: continue
      }
    }
    return nil
  }

  private mutating func mark(_ target: Token) {
    guard let change = markChange() else {
      warn("MARK expects --set-mark, --set-xmark, --or-mark, --and-mark or --xor-mark; the mark is unknown behind it")
      return add(.unknown(ruleset.addText(spelling(target))))
    }
    add(.setMark(clear: change.clear, flip: change.flip))
  }

  private mutating func connectionMark(_ target: Token) {
    if let change = markChange() { return add(.setConnectionMark(clear: change.clear, flip: change.flip)) }
    var packetMask = UInt32.max
    var connectionMask = UInt32.max
    if let token = argument("--nfmask"), let mask = token.number { packetMask = mask }
    if let token = argument("--ctmask"), let mask = token.number { connectionMask = mask }
    if let token = argument("--mask"), let mask = token.number {
      packetMask = mask
      connectionMask = mask
    }
    let copy = ruleset.add(MarkCopy(packetMask: packetMask, connectionMask: connectionMask), to: \.markCopies)
    if option("--save-mark") != nil {
      add(.saveMark(copy))
    } else if option("--restore-mark") != nil {
      add(.restoreMark(copy))
    } else {
      warn("CONNMARK expects --set-xmark, --save-mark or --restore-mark; marks are unknown behind it")
      add(.unknown(ruleset.addText(spelling(target))))
    }
  }

  // MARK: - NAT

  private mutating func translate(_ target: Token) {
    let kind: Translation.Kind
    var token: Token?
    switch target.text {
    case "DNAT":
      kind = .destination
      token = argument("--to-destination")
    case "SNAT":
      kind = .source
      token = argument("--to-source")
    case "MASQUERADE": kind = .masquerade
    case "REDIRECT": kind = .redirect
    default:
      kind = .netmap
      token = argument("--to")
    }
    var translation = Translation(kind)
    if option("--random") != nil { translation.choice = .random }
    if option("--random-fully") != nil { translation.choice = .fullyRandom }
    translation.persistent = option("--persistent") != nil
    if let ports = argument("--to-ports") ?? argument("--to-port") {
      guard let range = Self.portRange(ports, UInt8(ascii: "-")) else {
        warn("'\(printable(ports.text))' is no port or LOW-HIGH")
        return add(.unknown(ruleset.addText(spelling(target))))
      }
      translation.ports = range
    }
    if kind == .netmap {
      guard let token, let prefix = IPPrefix(token.text), prefix.address.version == version else {
        warn("NETMAP expects --to PREFIX")
        return add(.unknown(ruleset.addText(spelling(target))))
      }
      translation.addresses = prefix.address.bits...prefix.last.bits
    } else if kind == .destination || kind == .source {
      guard let token, destination(token, &translation) else {
        warn(
          "\(target.text) expects \(kind == .destination ? "--to-destination" : "--to-source") ADDRESS[-ADDRESS][:PORT[-PORT]]\(token == nil ? ", which the dump does not have (printed by an iptables that is older than the one that wrote the rule?)" : "")"
        )
        return add(.unknown(ruleset.addText(spelling(target))))
      }
    }
    add(.translate(ruleset.add(translation, to: \.translations)))
  }

  /// `ADDRESS[-ADDRESS][:PORT[-PORT[/BASE]]]`, the IPv6 address in brackets where a port follows.
  private func destination(_ token: Token, _ translation: inout Translation) -> Bool {
    var addresses = token
    var ports: Token?
    if token.count > 0, token[0] == UInt8(ascii: "[") {
      guard let close = token.firstIndex(of: UInt8(ascii: "]")) else { return false }
      addresses = token.part(1, close)
      if close + 1 < token.count {
        if token[close + 1] == UInt8(ascii: "-"), close + 2 < token.count, token[close + 2] == UInt8(ascii: "[") {
          // [a]-[b]:port
          guard let second = token.firstIndex(of: UInt8(ascii: "]"), from: close + 2),
            let low = IPAddress(parsing: addresses.bytes),
            let high = IPAddress(parsing: token.part(close + 3, second).bytes),
            low.bits <= high.bits
          else { return false }
          translation.addresses = low.bits...high.bits
          guard second + 2 < token.count,
            let range = Self.portRange(token.part(second + 2, token.count), UInt8(ascii: "-"))
          else {
            return second + 1 == token.count
          }
          translation.ports = range
          return true
        }
        ports = token.part(close + 2, token.count)
      }
    } else if version == .v4, let colon = token.firstIndex(of: UInt8(ascii: ":")) {
      addresses = token.part(0, colon)
      ports = token.part(colon + 1, token.count)
    }
    if var ports {
      if let slash = ports.firstIndex(of: UInt8(ascii: "/")) { ports = ports.part(0, slash) }
      guard let range = Self.portRange(ports, UInt8(ascii: "-")) else { return false }
      translation.ports = range
    }
    if addresses.count == 0 { return translation.ports != nil }
    let dash = addresses.firstIndex(of: UInt8(ascii: "-"))
    guard let low = IPAddress(parsing: addresses.part(0, dash ?? addresses.count).bytes), low.version == version,
      let high = dash.map({ IPAddress(parsing: addresses.part($0 + 1, addresses.count).bytes) }) ?? low,
      high.version == version,
      low.bits <= high.bits
    else { return false }
    translation.addresses = low.bits...high.bits
    return true
  }

  // MARK: - Tracking, proxies, header fields

  private mutating func trackingOptions(_ target: Token) {
    var understood = false
    for option in rule.targetOptions {
      switch option.name.text {
      case "--notrack":
        add(.noTrack)
        understood = true
      case "--zone", "--zone-orig", "--zone-reply":
        guard let token = option.arguments.first else { continue }
        if let zone = token.number, zone <= 65535 {
          add(
            .setZone(
              UInt16(zone),
              direction: option.name.equals("--zone") ? .both : option.name.equals("--zone-orig") ? .original : .reply))
        } else {
          add(.unknown(ruleset.addText(spelling(target))))  // `--zone mark`
        }
        understood = true
      case "--helper", "--timeout", "--ctevents", "--expevents": understood = true
      default: continue
      }
    }
    if !understood {
      add(.unknown(ruleset.addText(spelling(target))))
    } else if option("--helper") != nil {
      note(target)
    }
  }

  private mutating func transparentProxy(_ target: Token) {
    let mark = argument("--tproxy-mark").flatMap { Self.valueAndMask($0) }
    let port = argument("--on-port")?.number ?? 0
    add(
      .transparentProxy(
        ruleset.add(
          TransparentProxy(
            address: argument("--on-ip").flatMap { IPAddress(parsing: $0.bytes)?.bits },
            port: UInt16(truncatingIfNeeded: port),
            markValue: mark?.0 ?? 0, markMask: mark?.1 ?? 0, accepts: true), to: \.transparentProxies)))
  }

  private mutating func timeToLive(_ target: Token) {
    let prefix = target.equals("TTL") ? "--ttl" : "--hl"
    for option in rule.targetOptions {
      guard let value = option.arguments.first?.number, value < 256 else { continue }
      switch option.name.text {
      case prefix + "-set": return add(.setField(.timeToLive, ruleset.addExpression(.constant(Bits128(value)))))
      case prefix + "-inc": return add(.addTimeToLive(Int16(value)))
      case prefix + "-dec": return add(.addTimeToLive(-Int16(value)))
      default: continue
      }
    }
    add(.unknown(ruleset.addText(spelling(target))))
  }

  private mutating func dscp(_ target: Token) {
    let value =
      argument("--set-dscp")?.number ?? argument("--set-dscp-class").flatMap { DSCPNames.values[$0.text.uppercased()] }
    guard let value else { return add(.unknown(ruleset.addText(spelling(target)))) }
    add(.setField(.dscp, ruleset.addExpression(.constant(Bits128(value & 0x3F)))))
  }

  private mutating func typeOfService(_ target: Token) {
    var clear: UInt32 = 0
    var flip: UInt32 = 0
    if let token = argument("--set-tos") {
      if let value = DSCPNames.typesOfService[token.text] {
        (clear, flip) = (0x3F, value)
      } else if let (value, mask) = Self.valueAndMask(token) {
        (clear, flip) = (mask & 0xFF, value)
      } else {
        return add(.unknown(ruleset.addText(spelling(target))))
      }
    } else if let value = argument("--and-tos")?.number {
      clear = ~value & 0xFF
    } else if let value = argument("--or-tos")?.number {
      (clear, flip) = (value, value)
    } else if let value = argument("--xor-tos")?.number {
      flip = value
    } else {
      return add(.unknown(ruleset.addText(spelling(target))))
    }
    let kept = Expression.and(.field(.typeOfService), .constant(Bits128(~clear & 0xFF)))
    add(.setField(.typeOfService, ruleset.addExpression(.xor(kept, .constant(Bits128(flip & 0xFF))))))
  }
}

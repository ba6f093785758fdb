import Wire

/// Spells a rule from its clauses, in nft's language.
struct NftRuleSpelling {
  let ruleset: Ruleset
  let family: Family
  /// What the clauses so far fix.
  var transport: UInt8?
  var network: UInt8 = 0

  init(_ ruleset: Ruleset, family: Family) {
    self.ruleset = ruleset
    self.family = family
    network = family == .ip ? 2 : family == .ip6 ? 10 : 0
  }

  func text(of rule: Rule) -> String { parts(of: rule).compactMap { $0 }.joined(separator: " ") }

  /// By clause, each in the light of those before it; nil: what follows implies it.
  fileprivate func parts(of rule: Rule) -> [String?] {
    var copy = self
    let clauses = Array(ruleset.clauses(of: rule))
    return clauses.enumerated().map { index, clause in
      switch clause {
      case .match(let match): copy.text(of: match, following: index + 1 < clauses.count ? clauses[index + 1] : nil)
      case .statement(let statement): copy.text(of: statement)
      }
    }
  }

  fileprivate func text(of clause: Clause) -> String {
    var copy = self
    switch clause {
    case .match(let match): return copy.text(of: match, following: nil) ?? "\(match.negated ? "! " : "")\(match.test)"
    case .statement(let statement): return copy.text(of: statement)
    }
  }

  // MARK: Fields

  /// The header that the transport protocol known so far names.
  private var transportName: String {
    switch transport {
    case 6: "tcp"
    case 17: "udp"
    case 132: "sctp"
    case 33: "dccp"
    case 136: "udplite"
    default: "th"
    }
  }

  private var ip: String { network == 10 ? "ip6" : "ip" }

  /// A field as a key: its name, and how its values are spelled.
  func key(_ field: Field) -> (name: String, type: NftType, width: Int) {
    func make(_ name: String, _ type: NftType, _ width: Int? = nil) -> (String, NftType, Int) {
      (name, type, width ?? type.width)
    }
    let address: NftType = network == 10 ? .ipv6 : .ipv4
    switch field {
    case .inputInterface: return make("iifname", .interfaceName)
    case .outputInterface: return make("oifname", .interfaceName)
    case .inputInterfaceIndex: return make("iif", .interfaceIndex)
    case .outputInterfaceIndex: return make("oif", .interfaceIndex)
    case .inputInterfaceType: return make("iiftype", .interfaceType)
    case .outputInterfaceType: return make("oiftype", .interfaceType)
    case .inputInterfaceGroup: return make("iifgroup", .interfaceGroup)
    case .outputInterfaceGroup: return make("oifgroup", .interfaceGroup)
    case .inputBridge: return make("meta ibrname", .interfaceName)
    case .outputBridge: return make("meta obrname", .interfaceName)
    case .networkProtocol: return make("meta nfproto", .networkFamily)
    case .etherType: return make("meta protocol", .etherType)
    case .source: return make("\(ip) saddr", address)
    case .destination: return make("\(ip) daddr", address)
    case .source4: return make("ip saddr", .ipv4)
    case .destination4: return make("ip daddr", .ipv4)
    case .source6: return make("ip6 saddr", .ipv6)
    case .destination6: return make("ip6 daddr", .ipv6)
    case .headerProtocol4: return make("ip protocol", .transport)
    case .headerProtocol6: return make("ip6 nexthdr", .transport)
    case .protocol: return make("meta l4proto", .transport)
    case .timeToLive: return make(network == 10 ? "ip6 hoplimit" : "ip ttl", .integer, 8)
    case .dscp: return make("\(ip) dscp", .dscp)
    case .ecn: return make("\(ip) ecn", .ecn)
    case .length: return make("meta length", .integer, 32)
    case .ip4TotalLength: return make("ip length", .integer, 16)
    case .ip6PayloadLength: return make("ip6 length", .integer, 16)
    case .ipVersion: return make("\(ip) version", .integer, 4)
    case .ipIdentification: return make("ip id", .integer, 16)
    case .ipOptions: return make("ip hdrlength", .integer, 4)
    case .flowLabel: return make("ip6 flowlabel", .integer, 20)
    case .sourcePort: return make("\(transportName) sport", .port)
    case .destinationPort: return make("\(transportName) dport", .port)
    case .tcpFlags: return make("tcp flags", .tcpFlags)
    case .tcpMaximumSegment: return make("tcp option maxseg size", .integer, 16)
    case .icmpType: return make("icmp type", .icmpType)
    case .icmpCode: return make("icmp code", .icmpCode)
    case .icmp6Type: return make("icmpv6 type", .icmp6Type)
    case .icmp6Code: return make("icmpv6 code", .icmp6Code)
    case .transportChecksum: return make("\(transportName) checksum", .integer, 16)
    case .udpLength: return make("udp length", .integer, 16)
    case .mark: return make("meta mark", .mark)
    case .connectionMark: return make("ct mark", .mark)
    case .connectionState: return make("ct state", .connectionState)
    case .connectionStatus: return make("ct status", .connectionStatus)
    case .connectionDirection: return make("ct direction", .connectionDirection)
    case .connectionZone: return make("ct zone", .integer, 16)
    case .connectionProtocol: return make("ct protocol", .transport)
    case .connectionFamily: return make("ct l3proto", .networkFamily)
    case .originalSource: return make("ct original \(ip) saddr", address)
    case .originalDestination: return make("ct original \(ip) daddr", address)
    case .originalSourcePort: return make("ct original proto-src", .port)
    case .originalDestinationPort: return make("ct original proto-dst", .port)
    case .replySource: return make("ct reply \(ip) saddr", address)
    case .replyDestination: return make("ct reply \(ip) daddr", address)
    case .replySourcePort: return make("ct reply proto-src", .port)
    case .replyDestinationPort: return make("ct reply proto-dst", .port)
    case .connectionExpiration: return make("ct expiration", .duration)
    case .connectionHelper: return make("ct helper", .string)
    case .connectionLabel: return make("ct label", .connectionLabel)
    case .connectionBytes: return make("ct bytes", .integer, 64)
    case .connectionPackets: return make("ct packets", .integer, 64)
    case .sourceMAC: return make("ether saddr", .ethernet)
    case .destinationMAC: return make("ether daddr", .ethernet)
    case .packetType: return make("meta pkttype", .packetType)
    case .userID: return make("meta skuid", .user)
    case .groupID: return make("meta skgid", .group)
    case .priority: return make("meta priority", .classID)
    case .cgroup: return make("meta cgroup", .integer, 32)
    case .cpu: return make("meta cpu", .integer, 32)
    case .realm: return make("meta rtclassid", .realm)
    case .routingClass: return make("rt classid", .realm)
    case .time: return make("meta time", .time)
    case .day: return make("meta day", .day)
    case .hour: return make("meta hour", .hour, 32)
    case .securityMark: return make("meta secmark", .integer, 32)
    case .random: return make("meta random", .integer, 32)
    case .ipsec: return make("meta ipsec", .boolean)
    case .vlanID: return make("vlan id", .vlan)
    default: return make("\(field)", .integer, 32)
    }
  }

  /// Fields of a transport header, which make the protocol's own match unsaid.
  private static func impliedTransport(_ field: Field, _ transport: UInt8) -> Bool {
    switch field {
    case .sourcePort, .destinationPort, .transportChecksum: [6, 17, 33, 132, 136].contains(transport)
    case .tcpFlags: transport == 6
    case .udpLength: transport == 17
    case .icmpType, .icmpCode: transport == 1
    case .icmp6Type, .icmp6Code: transport == 58
    default: false
    }
  }

  private static func field(of clause: Clause?, _ ruleset: Ruleset) -> Field? {
    guard case .match(let match)? = clause else { return nil }
    switch match.test {
    case .equal(let field, _, _), .range(let field, _, _), .anyBit(let field, _), .equalWide(let field, _),
      .rangeWide(let field, _):
      return field
    case .lookup(let id):
      if case .field(let field) = ruleset.lookups[Int(id.index)].key { return field }
      return nil
    default: return nil
    }
  }

  // MARK: Matches

  private mutating func text(of match: Match, following: Clause?) -> String? {
    let not = match.negated ? "!= " : ""
    switch match.test {
    case .equal(let field, let value, let mask):
      if !match.negated, Bits128(mask).covers(key(field).width) {
        if field == .protocol {
          transport = UInt8(truncatingIfNeeded: value)
          if let next = Self.field(of: following, ruleset), Self.impliedTransport(next, transport!) { return nil }
        }
        if field == .headerProtocol4 || field == .headerProtocol6 { transport = UInt8(truncatingIfNeeded: value) }
        if field == .networkProtocol { network = UInt8(truncatingIfNeeded: value) }
      }
      return equal(key(field), Bits128(value), mask == .max ? nil : Bits128(mask), not)
    case .equalWide(let field, let id):
      let pair = ruleset.wide[Int(id.index)]
      return equal(key(field), pair.a, pair.b == .ones ? nil : pair.b, not)
    case .range(let field, let low, let high):
      return range(key(field), Bits128(low), Bits128(high), match.negated)
    case .rangeWide(let field, let id):
      let pair = ruleset.wide[Int(id.index)]
      return range(key(field), pair.a, pair.b, match.negated)
    case .anyBit(let field, let mask):
      let (name, type, _) = key(field)
      let flags = type.spell(Bits128(mask))
      if !match.negated { return "\(name) \(flags)" }
      let sum = type.spellFlags(Bits128(mask), separator: " | ") ?? flags
      return "\(name) & (\(sum)) == 0"
    case .addressType(let id): return addressType(ruleset.addressTypeTests[Int(id.index)], not)
    case .reversePath(let id):
      let test = ruleset.reversePathTests[Int(id.index)]
      var keys = "fib saddr"
      if test.validMark { keys += " . mark" }
      if !test.loose { keys += " . iif" }
      return "\(keys) oif \(test.invert != match.negated ? "missing" : "exists")"
    case .tcpOption(let kind): return "tcp option \(kind) \(match.negated ? "missing" : "exists")"
    case .comparison(let id): return comparison(ruleset.comparisons[Int(id.index)])
    case .lookup(let id):
      let lookup = ruleset.lookups[Int(id.index)]
      return "\(spell(lookup.key)) \(not)\(setText(lookup.set))"
    case .timeDependent(let text), .note(let text), .unknown(let text): return ruleset[text]
    case .random(let threshold): return "numgen random mod 2147483648 \(match.negated ? ">=" : "<") \(threshold)"
    case .nth(let every, let packet): return "numgen inc mod \(every) \(not)\(packet)"
    case .ports, .ipset, .virtualServer, .socket: return "xt match \"\(match.test)\""
    }
  }

  private func equal(
    _ key: (name: String, type: NftType, width: Int), _ value: Bits128, _ mask: Bits128?, _ not: String
  )
    -> String
  {
    let (name, type, width) = key
    guard let mask, !mask.covers(width) || type.isBitmask else {
      // Flags: no operator asks for any of them.
      let sign = type.isBitmask && not.isEmpty ? "== " : not
      return "\(name) \(sign)\(type.spell(value, width: width))"
    }
    let all = width >= 128 ? Bits128.ones : ~(Bits128.ones << width)
    let host = ~mask & all
    if (host & host.successor).isZero, type == .ipv4 || type == .ipv6 || type.isText {
      return "\(name) \(not)\(NftSetSpelling.spell(type, value, value | host))"
    }
    let sign = not.isEmpty ? "==" : "!="
    if type.isBitmask {
      let sum = type.spellFlags(mask, separator: " | ") ?? type.spell(mask)
      return
        "\(name) & (\(sum)) \(sign) \(value.isZero ? "0" : type.spellFlags(value, separator: " | ") ?? type.spell(value))"
    }
    return "\(name) & \(type.spell(mask, width: width)) \(sign) \(type.spell(value, width: width))"
  }

  private func range(_ key: (name: String, type: NftType, width: Int), _ low: Bits128, _ high: Bits128, _ negated: Bool)
    -> String
  {
    let (name, type, width) = key
    let top = width >= 128 ? Bits128.ones : ~(Bits128.ones << width)
    if !negated, low.isZero, !type.isText, type != .port { return "\(name) <= \(type.spell(high, width: width))" }
    if !negated, high == top, !type.isText, type != .port { return "\(name) >= \(type.spell(low, width: width))" }
    return "\(name) \(negated ? "!= " : "")\(type.spell(low, width: width))-\(type.spell(high, width: width))"
  }

  private func addressType(_ test: AddressTypeTest, _ not: String) -> String {
    func one(_ side: String, _ bits: UInt16) -> String {
      let names = AddressType.allCases.filter { bits & $0.bit != 0 }.map { "\($0)" }
      var keys = "fib \(side)"
      if test.limitToInput { keys += " . iif" }
      if test.limitToOutput { keys += " . oif" }
      return "\(keys) type \(not)" + (names.count == 1 ? names[0] : "{ " + names.joined(separator: ", ") + " }")
    }
    var parts: [String] = []
    if let bits = test.sourceTypes { parts.append(one("saddr", bits)) }
    if let bits = test.destinationTypes { parts.append(one("daddr", bits)) }
    return parts.joined(separator: " ")
  }

  private func comparison(_ comparison: Comparison) -> String {
    let type = self.type(of: comparison.left)
    let sign =
      switch comparison.comparator {
      case .equal: isComputed(comparison.left) ? "== " : ""
      case .notEqual: "!= "
      case .less: "< "
      case .lessOrEqual: "<= "
      case .greater: "> "
      case .greaterOrEqual: ">= "
      case .inRange: ""
      case .notInRange: "!= "
      }
    let right: String
    if let computed = comparison.rightExpression {
      right = spell(computed)
    } else if comparison.comparator == .inRange || comparison.comparator == .notInRange {
      right = "\(type.spell(comparison.right))-\(type.spell(comparison.high))"
    } else {
      right = type.spell(comparison.right, width: type == .integer ? 128 : 0)
    }
    return "\(spell(comparison.left)) \(sign)\(right)"
  }

  private func isComputed(_ expression: Expression) -> Bool {
    switch expression {
    case .and, .or, .xor, .shiftLeft, .shiftRight: true
    default: false
    }
  }

  // MARK: Expressions

  func type(of expression: Expression) -> NftType {
    switch expression {
    case .field(let field): return key(field).type
    case .and(let a, _), .or(let a, _), .xor(let a, _): return type(of: a)
    case .routeLookup(let lookup):
      if lookup.presenceOnly { return .boolean }
      switch lookup.result {
      case .addressType: return .addressType
      case .interfaceName: return .interfaceName
      case .interfaceIndex: return .interfaceIndex
      }
    case .payload(let base, let offset, let length):
      return named(base, offset, length)?.type ?? .integer
    default: return .integer
    }
  }

  /// The name of raw bytes, where the protocol known so far has one.
  private func named(_ base: PayloadBase, _ offset: UInt32, _ length: UInt32) -> (name: String, type: NftType)? {
    for header in NftHeader.all where header.base == base {
      switch base {
      case .network:
        if header.name == .arp ? family != .arp : header.needs.network != network { continue }
      case .transport:
        guard let transport, header.needs.transport == UInt16(transport) + 1 else { continue }
      default: break
      }
      for field in header.fields where field.offset == offset && field.length == length {
        let qualifier = field.qualifier.map { " " + $0.rawValue } ?? ""
        return ("\(header.name.rawValue) \(field.name.rawValue)\(qualifier)", field.type)
      }
    }
    return nil
  }

  func spell(_ expression: Expression, as type: NftType = .integer) -> String {
    switch expression {
    case .field(let field): return key(field).name
    case .constant(let value): return type.spell(value)
    case .concatenation(let parts): return parts.map { spell($0) }.joined(separator: " . ")
    case .and(let a, let b): return binary(a, "&", b)
    case .or(let a, let b): return binary(a, "|", b)
    case .xor(let a, let b): return binary(a, "^", b)
    case .shiftLeft(let a, let b): return "\(spell(a)) << \(spell(b))"
    case .shiftRight(let a, let b): return "\(spell(a)) >> \(spell(b))"
    case .map(let key, let set): return "\(spell(key)) map \(setText(set))"
    case .randomNumber(let modulus, let offset):
      return "numgen random mod \(modulus)" + (offset == 0 ? "" : " offset \(offset)")
    case .counterNumber(let modulus, let offset):
      return "numgen inc mod \(modulus)" + (offset == 0 ? "" : " offset \(offset)")
    case .jenkinsHash(let key, let modulus, let seed, let offset):
      return "jhash \(spell(key)) mod \(modulus)" + (seed.map { " seed 0x" + String($0, radix: 16) } ?? "")
        + (offset == 0 ? "" : " offset \(offset)")
    case .symmetricHash(let modulus, let offset):
      return "symhash mod \(modulus)" + (offset == 0 ? "" : " offset \(offset)")
    case .routeLookup(let lookup): return routeLookup(lookup)
    case .payload(let base, let offset, let length):
      if let (name, _) = named(base, offset, length) { return name }
      let word =
        switch base {
        case .link: "ll"
        case .network: "nh"
        case .transport: "th"
        case .inner, .tunnel: "ih"
        }
      return "@\(word),\(offset),\(length)"
    case .unknown(let text): return ruleset[text]
    }
  }

  private func binary(_ a: Expression, _ sign: String, _ b: Expression) -> String {
    let type = self.type(of: a)
    var right = spell(b, as: type)
    if case .constant(let value) = b, type.isBitmask, let sum = type.spellFlags(value, separator: " | ") {
      right = "(\(sum))"
    }
    var left = spell(a)
    if isComputed(a) { left = "(\(left))" }
    return "\(left) \(sign) \(right)"
  }

  private func routeLookup(_ lookup: RouteLookup) -> String {
    var text = "fib \(lookup.fromSource ? "saddr" : "daddr")"
    if lookup.withMark { text += " . mark" }
    if lookup.withInputInterface { text += " . iif" }
    if lookup.withOutputInterface { text += " . oif" }
    switch lookup.result {
    case .addressType: text += " type"
    case .interfaceName: text += " oifname"
    case .interfaceIndex: text += " oif"
    }
    return text
  }

  func setText(_ id: SetID) -> String {
    let set = ruleset.sets[Int(id.index)]
    if !set.flags.contains(.anonymous) { return "@" + set.name }
    let spelling = NftSetSpelling(ruleset, set)
    return "{ " + (0..<set.count).map { spelling.element($0) }.joined(separator: ", ") + " }"
  }

  // MARK: Statements

  private mutating func text(of statement: Statement) -> String {
    switch statement {
    case .accept: return "accept"
    case .drop: return "drop"
    case .return: return "return"
    case .continue: return "continue"
    case .jump(let chain): return "jump \(target(chain))"
    case .goto(let chain): return "goto \(target(chain))"
    case .verdictMap(let id):
      let lookup = ruleset.lookups[Int(id.index)]
      return "\(spell(lookup.key)) vmap \(setText(lookup.set))"
    case .reject(let reason): return reject(reason)
    case .destinationNAT4(let address, let port, let persistent):
      return "dnat \(family == .ip ? "" : "ip ")to \(IPAddress(v4: address))" + (port == 0 ? "" : ":\(port)")
        + (persistent ? " persistent" : "")
    case .translate(let id): return translation(ruleset.translations[Int(id.index)])
    case .setMark(let clear, let flip): return "meta mark set \(masked("meta mark", clear, flip))"
    case .setConnectionMark(let clear, let flip): return "ct mark set \(masked("ct mark", clear, flip))"
    case .saveMark(let id):
      let copy = ruleset.markCopies[Int(id.index)]
      return "ct mark set meta mark"
        + (copy.packetMask == .max ? "" : " & \(NftType.mark.spell(Bits128(copy.packetMask)))")
    case .restoreMark(let id):
      let copy = ruleset.markCopies[Int(id.index)]
      return "meta mark set ct mark"
        + (copy.connectionMask == .max ? "" : " & \(NftType.mark.spell(Bits128(copy.connectionMask)))")
    case .setField(let field, let id):
      let (name, type, _) = key(field)
      return "\(name) set \(spell(ruleset.expressions[Int(id.index)], as: type))"
    case .addTimeToLive(let amount): return "xt target \"TTL \(amount)\""
    case .noTrack: return "notrack"
    case .setZone(let zone, let direction):
      let side =
        switch direction {
        case .both: ""
        case .original: "original "
        case .reply: "reply "
        }
      return "ct \(side)zone set \(zone)"
    case .transparentProxy(let id): return transparentProxy(ruleset.transparentProxies[Int(id.index)])
    case .updateSet(let id): return update(ruleset.setUpdates[Int(id.index)])
    case .changeSet(let text), .note(let text), .timeDependent(let text), .handOff(let text), .unknown(let text):
      return ruleset[text]
    }
  }

  private func update(_ update: SetUpdate) -> String {
    let set = ruleset.sets[Int(update.set.index)]
    var text = "\(update.operation.rawValue) @\(set.name) { \(spell(update.key))"
    if let details = update.details { text += " \(ruleset[details])" }
    if let data = update.data {
      let type = set.dataTypes.first.flatMap { name in NftType.allCases.first { $0.name == name } } ?? .integer
      text += " : \(spell(data, as: type))"
    }
    return text + " }"
  }

  /// A chain's name, or its rules where it has none.
  private func target(_ chain: ChainID) -> String {
    guard ruleset[chain].isInline else { return ruleset.name(of: chain) }
    let rules = ruleset.rules(of: chain).map { NftRuleSpelling(ruleset, family: family).text(of: ruleset[$0]) }
    return "{\n" + rules.joined(separator: "\n") + "\n}"
  }

  private func masked(_ name: String, _ clear: UInt32, _ flip: UInt32) -> String {
    func hex(_ value: UInt32) -> String { NftType.mark.spell(Bits128(value)) }
    if clear == .max { return hex(flip) }
    if clear == flip { return "\(name) | \(hex(flip))" }
    if clear == 0 { return "\(name) ^ \(hex(flip))" }
    if flip == 0 { return "\(name) & \(hex(~clear))" }
    // Set bits are cleared first; the others flip.
    return flip & ~clear == 0 ? "\(name) & \(hex(~clear)) | \(hex(flip))" : "\(name) & \(hex(~clear)) ^ \(hex(flip))"
  }

  private func reject(_ reason: RejectReason) -> String {
    let standard: RejectReason =
      switch family {
      case .ip: .icmpPortUnreachable
      case .ip6: .icmp6PortUnreachable
      default: .icmpxPortUnreachable
      }
    if reason == standard { return "reject" }
    if reason == .tcpReset { return "reject with tcp reset" }
    let parts = reason.rawValue.split(separator: "-", maxSplits: 1).map(String.init)
    let kind = parts[0] == "icmp6" ? "icmpv6" : parts[0]
    let names = ["proto-unreachable": "prot-unreachable", "adm-prohibited": "admin-prohibited"]
    return "reject with \(kind) \(names[parts[1]] ?? parts[1])"
  }

  private func translation(_ translation: Translation) -> String {
    var text: String =
      switch translation.kind {
      case .destination: "dnat"
      case .source: "snat"
      case .masquerade: "masquerade"
      case .redirect: "redirect"
      case .netmap: "netmap"
      }
    if let version = translation.version, translation.kind == .destination || translation.kind == .source {
      text += version == .v4 ? " ip" : " ip6"
    }
    if translation.prefix { text += " prefix" }
    let six = translation.version == .v6 || family == .ip6
    let version: IPVersion = six ? .v6 : .v4
    var target = ""
    if let id = translation.addressAndPort {
      if !text.contains("ip") { text += six ? " ip6" : " ip" }
      text += " addr . port"
      target = spell(ruleset.expressions[Int(id.index)], as: six ? .ipv6 : .ipv4)
    } else if let id = translation.addressExpression {
      target = spell(ruleset.expressions[Int(id.index)], as: six ? .ipv6 : .ipv4)
    } else if let range = translation.addresses {
      let hasPort = translation.ports != nil || translation.portExpression != nil
      func one(_ bits: Bits128) -> String {
        let address = IPAddress(bits: bits, version: version).description
        return six && hasPort ? "[\(address)]" : address
      }
      target =
        range.lowerBound == range.upperBound
        ? one(range.lowerBound) : "\(one(range.lowerBound))-\(one(range.upperBound))"
    }
    if let ports = translation.ports {
      target += ":" + (ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)")
    } else if let id = translation.portExpression {
      target += ":" + spell(ruleset.expressions[Int(id.index)], as: .port)
    }
    if !target.isEmpty { text += " to " + target }
    switch translation.choice {
    case .first: break
    case .random: text += " random"
    case .fullyRandom: text += " fully-random"
    }
    if translation.persistent { text += translation.choice == .first ? " persistent" : ",persistent" }
    return text
  }

  private func transparentProxy(_ proxy: TransparentProxy) -> String {
    let version: IPVersion = network == 10 ? .v6 : .v4
    var text = "tproxy"
    if family == .inet, network != 0 { text += network == 10 ? " ip6" : " ip" }
    text += " to "
    if let bits = proxy.address {
      let address = IPAddress(bits: bits, version: version).description
      text += version == .v6 && proxy.port != 0 ? "[\(address)]" : address
    }
    if proxy.port != 0 { text += ":\(proxy.port)" }
    return text
  }
}

extension Ruleset {
  /// One clause of a rule in nft's language, whatever tool the rule came from.
  public func spelling(of clause: Clause, in rule: RuleID) -> String {
    NftRuleSpelling(self, family: self[self[self[rule].chain].table].family).text(of: clause)
  }

  /// All clauses of a rule so, each in the light of those before it; nil: the next one implies it.
  public func spellings(of rule: RuleID) -> [String?] {
    NftRuleSpelling(self, family: self[self[self[rule].chain].table].family).parts(of: self[rule])
  }
}

extension Bits128 {
  /// Whether a mask leaves out no bit of a field so wide: it asks no more than no mask does.
  fileprivate func covers(_ width: Int) -> Bool {
    let all = width >= 128 ? Bits128.ones : ~(Bits128.ones << width)
    return self & all == all
  }
}

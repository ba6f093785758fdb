import Ruleset
import Wire

// Lowering of match extensions (`-m NAME …`) whose options were collected.
extension IptablesParser {
  private mutating func add(_ test: Test, _ negated: Bool = false) {
    ruleset.clauses.append(.match(Match(test, negated: negated)))
  }

  /// A match that cannot be decided; once for the whole module, since its options belong together.
  private mutating func addUnknown(_ module: RuleState.Module) { add(.unknown(ruleset.addText(Self.spelling(module)))) }

  private mutating func addTimeDependent(_ module: RuleState.Module) {
    add(.timeDependent(ruleset.addText(Self.spelling(module))))
  }

  static func spelling(_ module: RuleState.Module) -> String {
    var text = Spelling("-m", module.name)
    for option in module.options {
      if option.negated { text.add("!") }
      text.add(option)
    }
    return text.string
  }

  mutating func lowerModule(_ module: RuleState.Module) {
    let name = module.name.text
    switch name {
    case "mark": each(module) { $1.equals("--mark") ? $0.markMatch(.mark, $2) : nil }
    case "connmark":
      connectionExists()
      each(module) { $1.equals("--mark") ? $0.markMatch(.connectionMark, $2) : nil }
    case "state": each(module) { $1.equals("--state") ? $0.stateMatch($2) : nil }
    case "conntrack": conntrack(module)
    case "multiport", "mport": each(module) { $0.multiport($1, $2) }
    case "set": ipset(module)
    case "addrtype": addressType(module)
    case "iprange": each(module) { $0.ipRange($1, $2) }
    case "length": each(module) { $1.equals("--length") ? $0.rangeMatch(.length, $2, UInt8(ascii: ":")) : nil }
    case "ttl": each(module) { $0.timeToLive($1, $2, "--ttl") }
    case "hl": each(module) { $0.timeToLive($1, $2, "--hl") }
    case "dscp": each(module) { $0.dscp($1, $2) }
    case "tos": each(module) { $1.equals("--tos") ? $0.typeOfService($2) : nil }
    case "ecn": each(module) { $0.ecn($1, $2) }
    case "mac": each(module) { $1.equals("--mac-source") || $1.equals("--mac") ? $0.mac($2) : nil }
    case "pkttype": each(module) { $1.equals("--pkt-type") ? $0.packetType($2) : nil }
    case "owner": each(module) { $0.owner($1, $2) }
    case "physdev": each(module) { $0.physdev($1, $2) }
    case "devgroup": each(module) { $0.deviceGroup($1, $2) }
    case "rpfilter": reversePath(module)
    case "socket": socket(module)
    case "ipvs":
      guard let test = Self.virtualServerTest(module) else {
        warn("-m ipvs has options that are not understood; the match is unknown")
        return addUnknown(module)
      }
      add(.virtualServer(ruleset.add(test, to: \.virtualServerTests)))
    case "sctp", "dccp", "udplite", "tcp", "udp":
      if let option = module.options.first {
        warn("'\(printable(option.name.text))' is no option of -m \(name) that is understood; the match is unknown")
        addUnknown(module)
      }
    case "recent": recent(module)
    case "limit", "hashlimit", "connlimit", "quota", "time", "connbytes", "rateest", "quota2", "account", "nfacct":
      if name == "nfacct" { return }  // counts, always holds
      addTimeDependent(module)
    case "rt", "frag", "hbh", "dst", "mh": extensionHeader(module)
    default:
      if !Self.unmodelled.contains(name) {
        let options = module.options.prefix(3).map { printable($0.name.text) }.joined(separator: " ")
        warn(
          name == "(none)"
            ? "\(options) belongs to no match that is named; it is unknown"
            : "-m \(printable(name)) is no match that is known; it is unknown")
      }
      addUnknown(module)
    }
  }

  /// None of these holds, inverted or not, for a packet without the header (net/ipv6/netfilter/ip6t_rt.c and others).
  private mutating func extensionHeader(_ module: RuleState.Module) {
    let number: UInt32? =
      switch module.name.text {
      case "hbh": 0
      case "rt": 43
      case "frag": 44
      case "dst": 60
      case "mh": 135
      default: nil
      }
    if let number { add(.equal(.headerProtocol6, value: number, mask: .max)) }
    addUnknown(module)
  }

  /// Matches of iptables-extensions(8) and xtables-addons that are read and not decided: a trace names what it assumes of them.
  private static let unmodelled: Set<String> = [
    "ah", "esp", "bpf", "cgroup", "cluster", "comment", "connlabel", "cpu", "dst", "eui64", "frag", "hbh", "helper",
    "icmp", "icmp6", "icmpv6", "ipv6header", "ipv6-icmp", "mh", "osf", "policy", "realm", "rt", "string", "tcpmss",
    "u32",
    "unclean", "condition", "fuzzy", "geoip", "iface", "ipp2p", "ipv4options", "length2", "lscan", "psd", "dnetmap",
    "asn", "gradm", "layer7", "pknock",
  ]

  /// Lowers each option of a module alone; an option the closure does not take makes the module unknown.
  private mutating func each(
    _ module: RuleState.Module, _ lower: (inout IptablesParser, Token, Token) -> Test?
  ) {
    guard !module.options.isEmpty else {
      warn("-m \(printable(module.name.text)) has none of its options; the match is unknown")
      return addUnknown(module)
    }
    for option in module.options {
      let argument = option.arguments.first ?? Self.staticToken("")
      if let test = lower(&self, option.name, argument) {
        add(test, option.negated)
      } else {
        warn(
          "'\(printable(option.name.text)) \(printable(argument.text))' of -m \(printable(module.name.text)) is not understood; the match is unknown"
        )
        add(.unknown(ruleset.addText(Self.spelling(module))))
      }
    }
  }

  // MARK: - Marks and connection tracking

  /// `VALUE[/MASK]`.
  static func valueAndMask(_ token: Token) -> (UInt32, UInt32)? {
    guard let slash = token.firstIndex(of: UInt8(ascii: "/")) else { return token.number.map { ($0, .max) } }
    guard let value = token.part(0, slash).number, let mask = token.part(slash + 1, token.count).number else {
      return nil
    }
    return (value, mask)
  }

  private func markMatch(_ field: Field, _ argument: Token) -> Test? {
    // Value bits outside the mask never match, as in the kernel: (mark & mask) == value.
    Self.valueAndMask(argument).map { .equal(field, value: $0, mask: $1) }
  }

  private static let states: [String: UInt32] = [
    "INVALID": ConnectionState.invalid, "NEW": ConnectionState.new, "ESTABLISHED": ConnectionState.established,
    "RELATED": ConnectionState.related, "UNTRACKED": ConnectionState.untracked, "SNAT": ConnectionState.sourceNAT,
    "DNAT": ConnectionState.destinationNAT,
  ]

  private func stateMatch(_ argument: Token) -> Test? {
    var mask: UInt32 = 0
    for part in argument.split(UInt8(ascii: ",")) {
      guard let bit = Self.states[part.text.uppercased()] else { return nil }
      mask |= bit
    }
    return .anyBit(.connectionState, mask: mask)
  }

  private static let statuses: [String: UInt32] = [
    "NONE": 0, "EXPECTED": ConnectionStatus.expected, "SEEN_REPLY": ConnectionStatus.seenReply,
    "ASSURED": ConnectionStatus.assured, "CONFIRMED": ConnectionStatus.confirmed,
  ]

  /// xt_conntrack without --ctstate and xt_connmark hold for no packet that has no connection.
  private mutating func connectionExists() {
    add(.anyBit(.connectionState, mask: ConnectionState.invalid | ConnectionState.untracked), true)
  }

  private mutating func conntrack(_ module: RuleState.Module) {
    if !module.options.contains(where: { $0.name.equals("--ctstate") || $0.name.equals("--cts") }) {
      connectionExists()
    }
    each(module) { parser, option, argument in
      switch option.text {
      case "--ctstate", "--cts": return parser.stateMatch(argument)
      case "--ctproto":
        if let number = argument.number { return .equal(.connectionProtocol, value: number, mask: 0xFF) }
        return IPProtocol(parsing: argument.bytes).map {
          .equal(.connectionProtocol, value: UInt32($0.rawValue), mask: 0xFF)
        }
      case "--ctorigsrc": return parser.addressTest(.originalSource, argument)
      case "--ctorigdst": return parser.addressTest(.originalDestination, argument)
      case "--ctreplsrc": return parser.addressTest(.replySource, argument)
      case "--ctrepldst": return parser.addressTest(.replyDestination, argument)
      case "--ctorigsrcport": return parser.portTest(.originalSourcePort, argument)
      case "--ctorigdstport": return parser.portTest(.originalDestinationPort, argument)
      case "--ctreplsrcport": return parser.portTest(.replySourcePort, argument)
      case "--ctrepldstport": return parser.portTest(.replyDestinationPort, argument)
      case "--ctstatus":
        var mask: UInt32 = 0
        for part in argument.split(UInt8(ascii: ",")) {
          guard let bit = Self.statuses[part.text.uppercased()] else { return nil }
          mask |= bit
        }
        return .anyBit(.connectionStatus, mask: mask)
      case "--ctexpire": return parser.rangeMatch(.connectionExpiration, argument, UInt8(ascii: ":"))
      case "--ctdir":
        return .equal(.connectionDirection, value: argument.text.uppercased() == "REPLY" ? 1 : 0, mask: .max)
      default: return nil
      }
    }
  }

  private mutating func addressTest(_ field: Field, _ argument: Token) -> Test? {
    if version == .v4 { return Self.prefix4(argument).map { .equal(field, value: $0 & $1, mask: $1) } }
    guard let (value, mask) = Self.prefix6(argument) else { return nil }
    return .equalWide(field, ruleset.addWide(value & mask, mask))
  }

  private func portTest(_ field: Field, _ argument: Token) -> Test? {
    Self.portRange(argument, UInt8(ascii: ":")).map {
      .range(field, low: UInt32($0.lowerBound), high: UInt32($0.upperBound))
    }
  }

  // MARK: - Numbers and addresses

  private func rangeMatch(_ field: Field, _ argument: Token, _ separator: UInt8) -> Test? {
    guard let at = argument.firstIndex(of: separator) else {
      return argument.number.map { .range(field, low: $0, high: $0) }
    }
    let low = at == 0 ? 0 : argument.part(0, at).number
    let high = at == argument.count - 1 ? UInt32.max : argument.part(at + 1, argument.count).number
    guard let low, let high else { return nil }
    return .range(field, low: low, high: high)
  }

  private mutating func multiport(_ option: Token, _ argument: Token) -> Test? {
    let side: PortSide
    switch option.text {
    case "--sports", "--source-ports": side = .source
    case "--dports", "--destination-ports": side = .destination
    case "--ports", "--port": side = .either
    default: return nil
    }
    var ranges: [ClosedRange<UInt16>] = []
    for part in argument.split(UInt8(ascii: ",")) {
      guard let range = Self.portRange(part, UInt8(ascii: ":")) else { return nil }
      ranges.append(range)
    }
    return .ports(side, list: ruleset.add(PortList(ranges), to: \.portLists))
  }

  private mutating func ipRange(_ option: Token, _ argument: Token) -> Test? {
    let field: Field
    switch option.text {
    case "--src-range": field = .source
    case "--dst-range": field = .destination
    default: return nil
    }
    let dash = argument.firstIndex(of: UInt8(ascii: "-"))
    guard let low = IPAddress(parsing: argument.part(0, dash ?? argument.count).bytes),
      let high = dash.map({ IPAddress(parsing: argument.part($0 + 1, argument.count).bytes) }) ?? low,
      low.version == version, high.version == version
    else { return nil }
    if version == .v4 { return .range(field, low: low.v4, high: high.v4) }
    return .rangeWide(field, ruleset.addWide(low.bits, high.bits))
  }

  private func timeToLive(_ option: Token, _ argument: Token, _ prefix: String) -> Test? {
    guard let value = argument.number else { return nil }
    switch option.text {
    case prefix + "-eq", prefix: return .range(.timeToLive, low: value, high: value)
    // Nothing is below 0, and a range must not be empty: 256 is no hop count.
    case prefix + "-lt":
      return value == 0 ? .range(.timeToLive, low: 256, high: 256) : .range(.timeToLive, low: 0, high: value - 1)
    case prefix + "-gt": return .range(.timeToLive, low: value &+ 1, high: max(value &+ 1, 255))
    default: return nil
    }
  }

  private func dscp(_ option: Token, _ argument: Token) -> Test? {
    switch option.text {
    case "--dscp": return argument.number.map { .equal(.dscp, value: $0, mask: 0x3F) }
    case "--dscp-class":
      return DSCPNames.values[argument.text.uppercased()].map { .equal(.dscp, value: $0, mask: 0x3F) }
    default: return nil
    }
  }

  private func typeOfService(_ argument: Token) -> Test? {
    // A name means the value under the mask 0x3f, a number alone under 0xff (libxt_tos).
    if let value = DSCPNames.typesOfService[argument.text] { return .equal(.typeOfService, value: value, mask: 0x3F) }
    guard let (value, mask) = Self.valueAndMask(argument) else { return nil }
    return .equal(.typeOfService, value: value, mask: mask & 0xFF)
  }

  private func ecn(_ option: Token, _ argument: Token) -> Test? {
    switch option.text {
    case "--ecn-ip-ect": return argument.number.map { .equal(.ecn, value: $0, mask: 3) }
    case "--ecn-tcp-cwr": return .anyBit(.tcpFlags, mask: 128)
    case "--ecn-tcp-ece": return .anyBit(.tcpFlags, mask: 64)
    default: return nil
    }
  }

  // MARK: - Sets, types, devices

  private mutating func ipset(_ module: RuleState.Module) {
    var name: String?
    var flags: [Bool] = []
    var negated = false
    var returnNoMatch = false
    var other: [String] = []
    for option in module.options {
      switch option.name.text {
      case "--match-set", "--set":
        guard option.arguments.count >= 2 else { break }
        name = option.arguments[0].unescaped
        flags = option.arguments[1].split(UInt8(ascii: ",")).map { $0.equals("src") }
        negated = option.negated
      case "--return-nomatch": returnNoMatch = true
      case "--update-counters", "--update-subcounters": break
      default: other.append(([option.name.text] + option.arguments.map(\.text)).joined(separator: " "))
      }
    }
    guard let name else {
      warn("-m set expects --match-set NAME src|dst[,…]; the match is unknown")
      return addUnknown(module)
    }
    add(
      .ipset(
        ruleset.add(
          IPSetTest(
            name: name, fromSource: flags, returnNoMatch: returnNoMatch, otherOptions: other.joined(separator: " ")),
          to: \.ipsetTests)), negated)
  }

  private mutating func addressType(_ module: RuleState.Module) {
    var test = AddressTypeTest()
    for option in module.options {
      switch option.name.text {
      case "--src-type", "--dst-type":
        var types: UInt16 = 0
        for part in (option.arguments.first ?? Self.staticToken("")).split(UInt8(ascii: ",")) {
          guard let type = Self.addressTypes[part.text.uppercased()] else {
            warn("'\(printable(part.text))' is no address type; the match is unknown")
            return addUnknown(module)
          }
          types |= type.bit
        }
        if option.name.equals("--src-type") {
          test.sourceTypes = types
          test.invertSource = option.negated
        } else {
          test.destinationTypes = types
          test.invertDestination = option.negated
        }
      case "--limit-iface-in": test.limitToInput = true
      case "--limit-iface-out": test.limitToOutput = true
      default:
        warn("'\(printable(option.name.text))' of -m addrtype is not understood; the match is unknown")
        return addUnknown(module)
      }
    }
    add(.addressType(ruleset.add(test, to: \.addressTypeTests)))
  }

  static let addressTypes: [String: AddressType] = [
    "UNSPEC": .unspec, "UNICAST": .unicast, "LOCAL": .local, "BROADCAST": .broadcast, "ANYCAST": .anycast,
    "MULTICAST": .multicast, "BLACKHOLE": .blackhole, "UNREACHABLE": .unreachable, "PROHIBIT": .prohibit,
    "THROW": .throw,
    "NAT": .nat, "XRESOLVE": .xresolve,
  ]

  private mutating func mac(_ argument: Token) -> Test? {
    let parts = argument.split(UInt8(ascii: ":"))
    guard parts.count == 6 else { return nil }
    var value: UInt64 = 0
    for part in parts {
      guard part.count <= 2, let byte = UInt8(part.text, radix: 16) else { return nil }
      value = value << 8 | UInt64(byte)
    }
    return .equalWide(.sourceMAC, ruleset.addWide(Bits128(value), .ones))
  }

  private func packetType(_ argument: Token) -> Test? {
    switch argument.text.lowercased() {
    case "unicast", "to-us", "host": .equal(.packetType, value: 0, mask: .max)
    case "broadcast": .equal(.packetType, value: 1, mask: .max)
    case "multicast": .equal(.packetType, value: 2, mask: .max)
    case "otherhost", "to-others": .equal(.packetType, value: 3, mask: .max)
    case "outgoing": .equal(.packetType, value: 4, mask: .max)
    default: nil
    }
  }

  private mutating func owner(_ option: Token, _ argument: Token) -> Test? {
    switch option.text {
    case "--socket-exists": return .equal(.socketExists, value: 1, mask: 1)
    case "--uid-owner", "--gid-owner":
      let field: Field = option.equals("--uid-owner") ? .userID : .groupID
      if let test = rangeMatch(field, argument, UInt8(ascii: "-")) { return test }
      if argument.equals("root") { return .range(field, low: 0, high: 0) }
      // A name of the node's /etc/passwd.
      return .unknown(ruleset.addText("-m owner \(option.text) \(printable(argument.text))"))
    case "--suppl-groups": return nil
    default: return nil
    }
  }

  private mutating func physdev(_ option: Token, _ argument: Token) -> Test? {
    switch option.text {
    case "--physdev-in": return .equalWide(.inputBridgePort, interfacePattern(argument))
    case "--physdev-out": return .equalWide(.outputBridgePort, interfacePattern(argument))
    case "--physdev-is-in": return .rangeWide(.inputBridgePort, ruleset.addWide(Bits128(high: 1 << 56, low: 0), .ones))
    case "--physdev-is-out":
      return .rangeWide(.outputBridgePort, ruleset.addWide(Bits128(high: 1 << 56, low: 0), .ones))
    // Bridged rather than routed: then both ports are known.
    case "--physdev-is-bridged":
      return .rangeWide(.outputBridgePort, ruleset.addWide(Bits128(high: 1 << 56, low: 0), .ones))
    default: return nil
    }
  }

  private func deviceGroup(_ option: Token, _ argument: Token) -> Test? {
    guard let (value, mask) = Self.valueAndMask(argument) else { return nil }
    switch option.text {
    case "--src-group": return .equal(.inputInterfaceGroup, value: value, mask: mask)
    case "--dst-group": return .equal(.outputInterfaceGroup, value: value, mask: mask)
    default: return nil
    }
  }

  private mutating func socket(_ module: RuleState.Module) {
    var test = SocketTest()
    for option in module.options {
      switch option.name.text {
      case "--transparent": test.transparent = true
      case "--nowildcard": test.wildcard = true
      // It also sets the packet's mark, which no dump tells.
      default: return addUnknown(module)
      }
    }
    add(.socket(test))
  }

  private mutating func reversePath(_ module: RuleState.Module) {
    var test = ReversePathTest()
    for option in module.options {
      switch option.name.text {
      case "--loose": test.loose = true
      case "--validmark": test.validMark = true
      case "--accept-local": test.acceptLocal = true
      case "--invert": test.invert = true
      default:
        warn("'\(printable(option.name.text))' of -m rpfilter is not understood; the match is unknown")
        return addUnknown(module)
      }
    }
    add(.reversePath(ruleset.add(test, to: \.reversePathTests)))
  }

  /// xt_recent keeps lists of addresses. `--set` always holds; the others ask what earlier packets left there.
  private mutating func recent(_ module: RuleState.Module) {
    if let set = module.options.first(where: { $0.name.equals("--set") }) {
      return add(.note(ruleset.addText(Self.spelling(module))), set.negated)
    }
    addTimeDependent(module)
  }
}

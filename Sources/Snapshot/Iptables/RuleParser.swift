import Input
import Ruleset
import Wire

/// What is known of the rule being read.
struct RuleState {
  /// What nearly every rule sets, without arrays: a value of its own, so that a new rule begins with all of it empty.
  struct Plain {
    /// The transport protocol of a plain `-p`, for options whose meaning hangs on it.
    var proto: IPProtocol?
    var target: Token?
    var isGoto = false
    /// DNAT's destination where it is the target's only option so far.
    var toDestination: Token?
    var statisticMode: UInt8 = 0
    var every: UInt32 = 0
    var packet: UInt32 = 0
    var statisticNegated = false
  }
  var plain = Plain()
  /// Modules whose options are collected first and lowered at the end of the rule.
  var modules: [Module] = []
  var targetOptions: [Option] = []
  /// `-s a,b`: further addresses; the rule stands for one rule each, as iptables adds them.
  var sources: [Match] = []
  var destinations: [Match] = []
  /// Something was collected that the next rule must not see.
  var dirty = false

  struct Option {
    var name: Token
    var negated: Bool
    var arguments: [Token]
  }

  struct Module {
    var name: Token
    var options: [Option] = []
  }
}

// The grammar: options one after the other. The options that kube-proxy writes a hundred thousand times are lowered at
// once; everything else is collected by module and lowered in `IptablesParser+Matches.swift` and `+Targets.swift`.
extension IptablesParser {
  mutating func parseRule(_ words: inout Tokenizer, chain: ChainID, start: Int, end: Int) {
    let first = ruleset.clauses.count
    // What collects more than the plain fields is a new value; the plain ones are cheaper to clear.
    if rule.dirty { rule = RuleState() } else { rule.plain = RuleState.Plain() }
    var negated = false
    while let token = words.next() {
      // What most rules of kube-proxy have, three and five words at once.
      if token.count == 2, token[1] == UInt8(ascii: "m"), token[0] == UInt8(ascii: "-"), !token.quoted {
        if words.skip(" comment --comment "), words.next() != nil { continue }
        if words.skip(" statistic --mode random --probability ") {
          probability(words.next(), negated)
          negated = false
          continue
        }
      }
      if token.count == 1, token[0] == UInt8(ascii: "!"), !token.quoted {
        negated = true
        continue
      }
      guard token.isOption else {
        warn("unexpected '\(printable(token.text))': expected an option such as -s, -m or -j")
        continue
      }
      if token.count == 2 {
        shortOption(token, negated, &words)
      } else {
        longOption(token, negated, &words)
      }
      negated = false
    }
    for text in pendingUnknown { add(.unknown(ruleset.addText(text)), false) }
    if words.isOpen {
      cutInQuotes()
    } else if isSave, end == file.bytes.count {
      // No line break and no COMMIT behind it: what looks like its last word may be the start of one.
      ruleset.clauses.append(.statement(.unknown(ruleset.addText("the rest of the rule, where the dump is cut"))))
    }
    finishRule(chain: chain, first: first, start: start, end: end)
  }

  /// iptables-save does not escape a line break in a comment: what follows stands on a line that begins like no rule.
  private mutating func cutInQuotes() {
    warn(
      "a quoted text has no end on this line (a line break in a comment): the rule's other matches and its target are not known; nft list ruleset shows them"
    )
    if rule.plain.target == nil {
      ruleset.clauses.append(.statement(.unknown(ruleset.addText("the rest of the rule, behind a line break"))))
    }
  }

  @inline(__always) private mutating func add(_ test: Test, _ negated: Bool) {
    ruleset.clauses.append(.match(Match(test, negated: negated)))
  }

  /// The value of an option, with the old spelling `-s ! value`.
  @inline(__always) private func value(_ words: inout Tokenizer, _ negated: inout Bool) -> Token? {
    guard let token = words.next() else { return nil }
    if token.count == 1, token[0] == UInt8(ascii: "!"), !token.quoted {
      negated.toggle()
      return words.next()
    }
    return token
  }

  private mutating func shortOption(_ option: Token, _ given: Bool, _ words: inout Tokenizer) {
    var negated = given
    switch option[1] {
    case UInt8(ascii: "s"): address(.source, value(&words, &negated), negated)
    case UInt8(ascii: "d"): address(.destination, value(&words, &negated), negated)
    case UInt8(ascii: "p"): proto(value(&words, &negated), negated)
    case UInt8(ascii: "i"): interface(.inputInterface, value(&words, &negated), negated)
    case UInt8(ascii: "o"): interface(.outputInterface, value(&words, &negated), negated)
    case UInt8(ascii: "m"): module(words.next())
    case UInt8(ascii: "j"), UInt8(ascii: "g"):
      rule.plain.target = words.next()
      rule.plain.isGoto = option[1] == UInt8(ascii: "g")
    case UInt8(ascii: "f"): add(.range(.fragmentOffset, low: 1, high: .max), negated)
    case UInt8(ascii: "c"):
      _ = words.next()
      _ = words.next()
    default: unknownOption(option, negated, &words)
    }
  }

  private mutating func longOption(_ option: Token, _ given: Bool, _ words: inout Tokenizer) {
    var negated = given
    if rule.plain.target != nil { return collectTargetOption(option, negated, &words) }
    if option.count == 9, option.equals("--comment") {
      _ = words.next()
      return
    }
    switch option.count {
    case 7 where option.equals("--dport"): port(.destinationPort, value(&words, &negated), negated)
    case 7 where option.equals("--sport"): port(.sourcePort, value(&words, &negated), negated)
    case 6 where option.equals("--mode"):
      let before = words.at
      guard let mode = words.next() else { return warn("--mode expects random or nth") }
      if mode.equals("tunnel") || mode.equals("transport") {  // of -m policy
        words.at = before
        return unknownOption(option, negated, &words)
      }
      rule.plain.statisticMode = mode.equals("random") ? 1 : mode.equals("nth") ? 2 : 3
      if rule.plain.statisticMode != 1 { rule.dirty = true }
    case 13 where option.equals("--probability"): probability(words.next(), negated)
    case 7 where option.equals("--every"):
      rule.plain.every = words.next()?.number ?? 0
      rule.plain.statisticNegated = negated
      rule.dirty = true
    case 8 where option.equals("--packet"): rule.plain.packet = words.next()?.number ?? 0
    case 5 where option.equals("--syn"): add(.equal(.tcpFlags, value: 2, mask: 0x17), negated)
    case 11 where option.equals("--tcp-flags"):
      var mask = words.next()
      if let token = mask, token.equals("!") {
        negated.toggle()
        mask = words.next()
      }
      guard let mask, let flags = words.next(), let m = Self.tcpFlags(mask), let f = Self.tcpFlags(flags) else {
        return warn("--tcp-flags expects two lists of SYN,ACK,FIN,RST,URG,PSH,ALL,NONE")
      }
      add(.equal(.tcpFlags, value: f, mask: m), negated)
    case _ where option.equals("--destination-port"): port(.destinationPort, value(&words, &negated), negated)
    case _ where option.equals("--source-port"): port(.sourcePort, value(&words, &negated), negated)
    case _ where option.equals("--source") || option.equals("--src"): address(.source, value(&words, &negated), negated)
    case _ where option.equals("--destination") || option.equals("--dst"):
      address(.destination, value(&words, &negated), negated)
    case _ where option.equals("--protocol") || option.equals("--proto"): proto(value(&words, &negated), negated)
    case _ where option.equals("--in-interface"): interface(.inputInterface, value(&words, &negated), negated)
    case _ where option.equals("--out-interface"): interface(.outputInterface, value(&words, &negated), negated)
    case _ where option.equals("--match"): module(words.next())
    case _ where option.equals("--jump") || option.equals("--goto"):
      rule.plain.target = words.next()
      rule.plain.isGoto = option.equals("--goto")
    case _ where option.equals("--fragment") || option.equals("--fragments"):
      add(.range(.fragmentOffset, low: 1, high: .max), negated)
    case _ where option.equals("--tcp-option"):
      guard let kind = value(&words, &negated)?.number, kind < 256 else { return warn("--tcp-option expects a number") }
      add(.tcpOption(UInt8(kind)), negated)
    case _ where option.equals("--icmp-type") || option.equals("--icmpv6-type"):
      icmpType(value(&words, &negated), negated, v6: option.equals("--icmpv6-type"))
    default: unknownOption(option, negated, &words)
    }
  }

  @inline(__always) private mutating func probability(_ token: Token?, _ negated: Bool) {
    guard let token, let p = Self.fraction(token), p >= 0, p <= 1 else {
      return warn("--probability expects a number from 0 to 1")
    }
    // xt_statistic compares 31 random bits with this.
    add(.random(threshold: UInt32((p * 2_147_483_648).rounded())), negated)
  }

  /// `0.33333333349`: digits, a point, at most 15 digits; anything else the slow way.
  @inline(__always) static func fraction(_ token: Token) -> Double? {
    guard token.count > 2, token.count < 18, token[0] == 48 || token[0] == 49, token[1] == UInt8(ascii: ".") else {
      return Double(token.text)
    }
    var digits: UInt64 = UInt64(token[0] - 48)
    var scale: UInt64 = 1
    for index in 2..<token.count {
      let digit = UInt64(token[index]) &- 48
      if digit > 9 { return Double(token.text) }
      digits = digits &* 10 &+ digit
      scale = scale &* 10
    }
    return Double(digits) / Double(scale)
  }

  private mutating func unknownOption(_ option: Token, _ negated: Bool, _ words: inout Tokenizer) {
    if rule.plain.target != nil { return collectTargetOption(option, negated, &words) }
    var arguments: [Token] = []
    var negated = negated
    while let value = words.value() { arguments.append(value) }
    if arguments.isEmpty {  // old spelling: --option ! value
      let saved = words.at
      if let bang = words.next(), bang.equals("!"), let value = words.value() {
        arguments.append(value)
        negated.toggle()
        while let more = words.value() { arguments.append(more) }
      } else {
        words.at = saved
      }
    }
    let found = RuleState.Option(name: option, negated: negated, arguments: arguments)
    rule.dirty = true
    guard !rule.modules.isEmpty else {
      // An option of the protocol's implicit match, or of none.
      rule.modules.append(RuleState.Module(name: Self.implicitModule(rule.plain.proto), options: [found]))
      return
    }
    rule.modules[owner(of: option)].options.append(found)
  }

  /// The module an option belongs to: the last one named, or the implicit one where the option is the protocol's.
  private func owner(of option: Token) -> Int { rule.modules.count - 1 }

  private static func implicitModule(_ proto: IPProtocol?) -> Token {
    switch proto {
    case .tcp?: staticToken("tcp")
    case .udp?: staticToken("udp")
    case .sctp?: staticToken("sctp")
    case .dccp?: staticToken("dccp")
    case .ah?: staticToken("ah")
    case .esp?: staticToken("esp")
    default: staticToken("(none)")
    }
  }

  static func staticToken(_ text: StaticString) -> Token { Token(start: text.utf8Start, count: text.utf8CodeUnitCount) }

  private mutating func collectTargetOption(_ option: Token, _ negated: Bool, _ words: inout Tokenizer) {
    // What kube-proxy writes for each endpoint, without an array for it.
    if option.count == 16, option.equals("--to-destination"), rule.targetOptions.isEmpty,
      rule.plain.toDestination == nil,
      let value = words.value()
    {
      rule.plain.toDestination = value
      return
    }
    rule.dirty = true
    if let first = rule.plain.toDestination {
      rule.targetOptions.append(
        RuleState.Option(name: Self.staticToken("--to-destination"), negated: false, arguments: [first]))
      rule.plain.toDestination = nil
    }
    // Matches may stand behind the target in hand-written rules.
    if option.count == 2 { return shortOptionBehindTarget(option, negated, &words) }
    var arguments: [Token] = []
    while let value = words.value() { arguments.append(value) }
    rule.targetOptions.append(RuleState.Option(name: option, negated: negated, arguments: arguments))
  }

  private mutating func shortOptionBehindTarget(_ option: Token, _ negated: Bool, _ words: inout Tokenizer) {
    warn("unexpected option '\(option.text)' behind the target")
    while words.value() != nil {}
  }

  // MARK: - Plain options

  private mutating func address(_ field: Field, _ token: Token?, _ negated: Bool) {
    guard let token else { return warn("-s and -d expect an address") }
    if token.firstIndex(of: UInt8(ascii: ",")) == nil {
      if let match = addressMatch(field, token, negated) { ruleset.clauses.append(.match(match)) }
      return
    }
    var list: [Match] = []
    for part in token.split(UInt8(ascii: ",")) {
      if let match = addressMatch(field, part, negated) { list.append(match) }
    }
    guard list.count <= 1024 else { return warn("a list of \(list.count) addresses: at most 1024 are read") }
    rule.dirty = true
    if field == .source { rule.sources = list } else { rule.destinations = list }
  }

  /// The match of `a.b.c.d`, `a.b.c.d/len`, `a.b.c.d/mask` or their IPv6 forms; nil where it always holds.
  @inline(__always) mutating func addressMatch(_ field: Field, _ token: Token, _ negated: Bool) -> Match? {
    if version == .v4, let (value, mask) = Self.prefix4(token) {
      if mask == 0, !negated { return nil }
      return Match(.equal(field, value: value & mask, mask: mask), negated: negated)
    }
    return otherAddressMatch(field, token, negated)
  }

  private mutating func otherAddressMatch(_ field: Field, _ token: Token, _ negated: Bool) -> Match? {
    if version == .v6, let (value, mask) = Self.prefix6(token) {
      if mask.isZero, !negated { return nil }
      return Match(.equalWide(field, ruleset.addWide(value & mask, mask)), negated: negated)
    }
    // Short forms that inet_aton takes: "10/8", "192.168/16".
    if version == .v4, let slash = token.firstIndex(of: UInt8(ascii: "/")),
      let length = token.part(slash + 1, token.count).number,
      length <= 32
    {
      let parts = token.part(0, slash).split(UInt8(ascii: ".")).map { $0.number }
      if parts.count < 4, parts.allSatisfy({ ($0 ?? 256) < 256 }) {
        var value: UInt32 = 0
        for part in parts { value = value << 8 | part! }
        value <<= UInt32(8 * (4 - parts.count))
        let mask = length == 0 ? 0 : UInt32.max << (32 - length)
        return Match(.equal(field, value: value & mask, mask: mask), negated: negated)
      }
    }
    warn("'\(printable(token.text))' is no \(version == .v6 ? "IPv6" : "IPv4") address or prefix; the match is unknown")
    return Match(
      .unknown(ruleset.addText("\(field == .source ? "-s" : "-d") \(printable(token.text))")), negated: negated)
  }

  /// Address and mask of an IPv4 prefix, in one pass.
  @inline(__always) static func prefix4(_ token: Token) -> (UInt32, UInt32)? {
    var value: UInt32 = 0
    var part: UInt32 = 0
    var dots = 0
    var digits = 0
    var index = 0
    while index < token.count {
      let byte = token[index]
      let digit = UInt32(byte) &- 48
      if digit < 10 {
        part = part &* 10 &+ digit
        digits += 1
        if part > 255 || digits > 3 { return nil }
      } else if byte == UInt8(ascii: ".") {
        if digits == 0 || dots == 3 { return nil }
        value = value << 8 | part
        part = 0
        digits = 0
        dots += 1
      } else if byte == UInt8(ascii: "/") {
        break
      } else {
        return nil
      }
      index += 1
    }
    if dots != 3 || digits == 0 { return nil }
    value = value << 8 | part
    if index == token.count { return (value, .max) }
    let tail = token.part(index + 1, token.count)
    if let length = tail.decimal, tail.count <= 2 {
      return length <= 32 ? (value, length == 0 ? 0 : .max << UInt32(32 - length)) : nil
    }
    if let (mask, full) = prefix4(tail), full == .max { return (value, mask) }
    return nil
  }

  static func prefix6(_ token: Token) -> (Bits128, Bits128)? {
    guard let slash = token.firstIndex(of: UInt8(ascii: "/")) else {
      guard let address = IPAddress(parsing: token.bytes), address.version == .v6 else { return nil }
      return (address.bits, .ones)
    }
    guard let address = IPAddress(parsing: token.part(0, slash).bytes), address.version == .v6 else { return nil }
    let tail = token.part(slash + 1, token.count)
    if let length = tail.decimal, length <= 128 { return (address.bits, .mask(leading: Int(length))) }
    if let mask = IPAddress(parsing: tail.bytes), mask.version == .v6 { return (address.bits, mask.bits) }
    return nil
  }

  private mutating func proto(_ token: Token?, _ negated: Bool) {
    guard let token else { return warn("-p expects a protocol") }
    if token.equals("tcp") {
      if !negated { rule.plain.proto = .tcp }
      return add(.equal(.protocol, value: 6, mask: 0xFF), negated)
    }
    if token.equals("all") || token.equals("0") { return }
    guard let found = IPProtocol(parsing: token.bytes) else {
      warn("'\(printable(token.text))' is no protocol; the match is unknown")
      return add(.unknown(ruleset.addText("-p \(printable(token.text))")), negated)
    }
    if !negated { rule.plain.proto = found }
    add(.equal(.protocol, value: UInt32(found.rawValue), mask: 0xFF), negated)
  }

  mutating func interface(_ field: Field, _ token: Token?, _ negated: Bool) {
    guard let token else { return warn("-i and -o expect an interface") }
    add(.equalWide(field, interfacePattern(token)), negated)
  }

  /// Name and mask of an interface pattern: `eth+` compares the bytes before the plus.
  mutating func interfacePattern(_ token: Token) -> WideID {
    let text = token.unescaped
    if let known = interfaces[text] { return known }
    let id: WideID
    if text.utf8.last == UInt8(ascii: "+") {
      let prefix = Array(text.utf8.dropLast().prefix(16))
      id = ruleset.addWide(Bits128(leftAligned: prefix), .mask(leading: prefix.count * 8))
    } else {
      if text.utf8.count > 15 {
        warn("interface name '\(printable(text))' is longer than 15 bytes; no interface has it")
      }
      id = ruleset.addWide(Bits128(leftAligned: text.utf8), .ones)
    }
    interfaces[text] = id
    return id
  }

  @inline(__always) private mutating func port(_ field: Field, _ token: Token?, _ negated: Bool) {
    guard let token else { return warn("expected a port or LOW:HIGH") }
    if let value = token.decimal, value <= 65535 {
      return add(.equal(field, value: UInt32(value), mask: 0xFFFF), negated)
    }
    guard let range = Self.portRange(token, UInt8(ascii: ":")) else {
      warn("'\(printable(token.text))' is no port or LOW:HIGH; the match is unknown")
      return add(.unknown(ruleset.addText("port \(printable(token.text))")), negated)
    }
    add(.range(field, low: UInt32(range.lowerBound), high: UInt32(range.upperBound)), negated)
  }

  /// `80`, `http`, `8000:8100`, `:1023`, `1024:`.
  static func portRange(_ token: Token, _ separator: UInt8) -> ClosedRange<UInt16>? {
    guard let colon = token.firstIndex(of: separator) else {
      guard let port = portNumber(token) else { return nil }
      return port...port
    }
    let low = colon == 0 ? 0 : portNumber(token.part(0, colon))
    let high = colon == token.count - 1 ? 65535 : portNumber(token.part(colon + 1, token.count))
    guard let low, let high, low <= high else { return nil }
    return low...high
  }

  static func portNumber(_ token: Token) -> UInt16? {
    if let number = token.number { return number <= 65535 ? UInt16(number) : nil }
    return ServiceNames.ports[token.text]
  }

  static func tcpFlags(_ token: Token) -> UInt32? {
    var flags: UInt32 = 0
    for part in token.split(UInt8(ascii: ",")) {
      if part.equals("FIN") {
        flags |= 1
      } else if part.equals("SYN") {
        flags |= 2
      } else if part.equals("RST") {
        flags |= 4
      } else if part.equals("PSH") {
        flags |= 8
      } else if part.equals("ACK") {
        flags |= 16
      } else if part.equals("URG") {
        flags |= 32
      } else if part.equals("ALL") {
        flags |= 63
      } else if part.equals("NONE") {
      } else if let number = part.number, number < 256 {
        flags |= number
      } else {
        return nil
      }
    }
    return flags
  }

  private mutating func icmpType(_ token: Token?, _ negated: Bool, v6: Bool) {
    guard let token else { return warn("expected an ICMP type") }
    if token.equals("any") {
      if negated { add(.equal(.protocol, value: 0, mask: 0), true) }
      return
    }
    let field: Field = v6 ? .icmp6TypeAndCode : .icmpTypeAndCode
    var range: ClosedRange<UInt32>?
    let slash = token.firstIndex(of: UInt8(ascii: "/"))
    if let type = (slash.map { token.part(0, $0) } ?? token).number, type < 256 {
      if let slash {
        if let code = token.part(slash + 1, token.count).number, code < 256 {
          range = (type << 8 | code)...(type << 8 | code)
        }
      } else {
        range = (type << 8)...(type << 8 | 255)
      }
    } else if let (type, code) = (v6 ? ICMPNames.v6 : ICMPNames.v4)[token.text] {
      range = code.map { (type << 8 | $0)...(type << 8 | $0) } ?? (type << 8)...(type << 8 | 255)
    }
    guard let range else {
      warn("'\(printable(token.text))' is no ICMP type; the match is unknown")
      return add(.unknown(ruleset.addText("icmp type \(printable(token.text))")), negated)
    }
    add(.range(field, low: range.lowerBound, high: range.upperBound), negated)
  }

  @inline(__always) private mutating func module(_ token: Token?) {
    guard let token else { return warn("-m expects a match") }
    // Modules whose options are lowered as they come.
    if token.equals("comment") || token.equals("tcp") || token.equals("udp") || token.equals("statistic") { return }
    if token.equals("icmp") || token.equals("icmp6") || token.equals("icmpv6") { return }
    rule.dirty = true
    rule.modules.append(RuleState.Module(name: token))
  }

  // MARK: - The end of a rule

  private mutating func finishRule(chain: ChainID, first: Int, start: Int, end: Int) {
    if rule.dirty { lowerCollected() }
    if let target = rule.plain.target { lowerTarget(target, chain: chain) }
    if ruleset.clauses.count - first > Int(UInt16.max) {
      resolveJumps()
      warn("a rule with more than 65535 matches is cut")
      ruleset.clauses.removeSubrange(first + Int(UInt16.max)..<ruleset.clauses.count)
    }
    if rule.sources.isEmpty && rule.destinations.isEmpty {
      return ruleset.addRule(
        to: chain, firstClause: first, file: fileIndex, line: line, offset: start, length: end - start)
    }
    resolveJumps()
    let common = Array(ruleset.clauses[first...])
    ruleset.clauses.removeSubrange(first...)
    for source in rule.sources.isEmpty ? [nil] : rule.sources.map(Optional.some) {
      for destination in rule.destinations.isEmpty ? [nil] : rule.destinations.map(Optional.some) {
        let begin = ruleset.clauses.count
        if let source { ruleset.clauses.append(.match(source)) }
        if let destination { ruleset.clauses.append(.match(destination)) }
        ruleset.clauses.append(contentsOf: common)
        ruleset.addRule(to: chain, firstClause: begin, file: fileIndex, line: line, offset: start, length: end - start)
      }
    }
  }

  private mutating func lowerCollected() {
    switch rule.plain.statisticMode {
    case 0, 1: break
    case 2 where rule.plain.every > 0:
      add(.nth(every: rule.plain.every, packet: rule.plain.packet), rule.plain.statisticNegated)
    default:
      warn("-m statistic expects --mode random --probability P or --mode nth --every N")
      add(.unknown(ruleset.addText("-m statistic")), false)
    }
    for module in rule.modules { lowerModule(module) }
  }
}

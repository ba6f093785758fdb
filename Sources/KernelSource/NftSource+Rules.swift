import Ruleset
import Wire

// Rules: expression by expression, from registers to clauses.
extension NftSource {
  mutating func rule(_ expressions: Attributes?, userdata: Attributes?) {
    lowering.beginRule()
    rule.begin(lowering.family)
    expressions?.each { _, element in
      guard let name = element[1]?.stringBytes else { return }
      expression(name, element[2] ?? Attributes(UnsafeRawBufferPointer(start: nil, count: 0)))
    }
    flushLower()
    if let comment = userdata.flatMap({ Self.userString($0.bytes, type: 0) }) {
      lowering.add(.note(lowering.text("comment \"\(comment)\"")) as Test)
    }
  }

  /// A lower bound that no upper one followed.
  mutating func flushLower() {
    guard let (_, key, value) = rule.lower else { return }
    rule.lower = nil
    match(key, .greaterOrEqual, .interval(low: value, high: value))
  }

  private static func `is`(_ name: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
    name.count == word.utf8CodeUnitCount
      && name.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: name.count))
  }

  private mutating func expression(_ name: UnsafeRawBufferPointer, _ data: Attributes) {
    guard let first = name.first else { return }
    func named(_ word: StaticString) -> Bool { Self.is(name, word) }
    if rule.lower != nil, !named("cmp") { flushLower() }
    switch first {
    case UInt8(ascii: "b") where named("bitwise"): bitwise(data)
    case UInt8(ascii: "b") where named("byteorder"): byteOrder(data)
    case UInt8(ascii: "c") where named("cmp"): compare(data)
    case UInt8(ascii: "c") where named("counter"): note(NftTexts.counter(data))
    case UInt8(ascii: "c") where named("ct"): connection(data)
    case UInt8(ascii: "c") where named("connlimit"):
      lowering.add(.timeDependent(lowering.text(NftTexts.connectionLimit(data))) as Test)
    case UInt8(ascii: "d") where named("dynset"): dynamicSet(data)
    case UInt8(ascii: "d") where named("dup"): note(forwardText("dup", address: 1, device: 2, data))
    case UInt8(ascii: "e") where named("exthdr"): extensionHeader(data)
    case UInt8(ascii: "f") where named("fib"): routeLookup(data)
    case UInt8(ascii: "f") where named("fwd"):
      lowering.add(.handOff(lowering.text(forwardText("fwd", address: 2, device: 1, data))))
    case UInt8(ascii: "f") where named("flow_offload"): note("flow add @\(data[1]?.string ?? "")")
    case UInt8(ascii: "h") where named("hash"): hash(data)
    case UInt8(ascii: "i") where named("immediate"): immediate(data)
    case UInt8(ascii: "l") where named("lookup"): lookup(data)
    case UInt8(ascii: "l") where named("limit"):
      lowering.add(.timeDependent(lowering.text(NftTexts.limit(data))) as Statement)
    case UInt8(ascii: "l") where named("log"): note(NftTexts.log(data))
    case UInt8(ascii: "l") where named("last"): note("last")
    case UInt8(ascii: "m") where named("meta"): meta(data)
    case UInt8(ascii: "m") where named("masq"): masquerade(data)
    case UInt8(ascii: "m") where named("match"): compat(data, isMatch: true)
    case UInt8(ascii: "n") where named("nat"): translate(data)
    case UInt8(ascii: "n") where named("numgen"): number(data)
    case UInt8(ascii: "n") where named("notrack"): lowering.add(.noTrack)
    case UInt8(ascii: "o") where named("objref"): object(data)
    case UInt8(ascii: "o") where named("osf"): unknownKey("osf name", .string, data[1]?.be32, bytes: 16)
    case UInt8(ascii: "p") where named("payload"): payload(data)
    case UInt8(ascii: "q") where named("quota"):
      lowering.add(.timeDependent(lowering.text(NftTexts.quota(data))) as Statement)
    case UInt8(ascii: "q") where named("queue"): lowering.add(.handOff(lowering.text(NftTexts.queue(data))))
    case UInt8(ascii: "r") where named("range"): range(data)
    case UInt8(ascii: "r") where named("redir"): redirect(data)
    case UInt8(ascii: "r") where named("reject"): reject(data)
    case UInt8(ascii: "r") where named("rt"): routing(data)
    case UInt8(ascii: "s") where named("socket"): socketKey(data)
    case UInt8(ascii: "s") where named("synproxy"):
      lowering.add(
        .handOff(lowering.text("synproxy mss \(data[1]?.be16 ?? 0) wscale \(data[2]?.u8 ?? 0)")))
    case UInt8(ascii: "t") where named("target"): compat(data, isMatch: false)
    case UInt8(ascii: "t") where named("tproxy"): transparentProxy(data)
    case UInt8(ascii: "x") where named("xfrm"): unknownKey("ipsec", .integer, data[1]?.be32, bytes: 4)
    default:
      let text = String(decoding: name, as: UTF8.self)
      opaque.insert("expression \(text)")
      lowering.add(.unknown(lowering.text(text)) as Statement)
    }
  }

  mutating func note(_ text: String) { lowering.add(.note(lowering.text(text)) as Statement) }

  mutating func unknownKey(_ text: String, _ type: NftType, _ register: UInt32?, bytes: Int) {
    let term = NftTerm(.unknown(lowering.text(text)), type, width: bytes * 8)
    rule.store(.term(term, host: type.isHostOrder, bytes: bytes), register ?? 1)
  }

  // MARK: Keys

  private mutating func meta(_ data: Attributes) {
    let key = data[2]?.be32 ?? 0
    guard let source = data[3]?.be32 else {
      guard let (term, bytes) = NftKeys.meta(key) else {
        let (name, type) = NftKeys.unmodelledMeta(key)
        return unknownKey("meta \(name)", type, data[1]?.be32, bytes: type.bytes ?? 4)
      }
      return rule.store(
        .term(term, host: NftKeys.isHost(meta: key), bytes: bytes), data[1]?.be32 ?? 1)
    }
    switch key {
    case 3: assign(NftTerm(.field(.mark), .mark), source)
    case 12: note("meta nftrace set \(constantNumber(source, host: true).low)")
    case 1:
      let value = constantNumber(source, host: true)
      note("meta priority set \(NftType.classID.spell(value))")
    case 19: note("meta pkttype set \(NftType.packetType.spell(constantNumber(source, host: true)))")
    case 13: note("meta secmark set")
    default: note("meta \(NftKeys.unmodelledMeta(key).0) set")
    }
  }

  private mutating func connection(_ data: Attributes) {
    let key = data[2]?.be32 ?? 0
    let reply = data[3].map { $0.u8 == 1 }
    if let source = data[4]?.be32 {
      switch key {
      case 3: assign(NftTerm(.field(.connectionMark), .mark), source)
      case 17:
        let direction: ZoneDirection = reply.map { $0 ? .reply : .original } ?? .both
        lowering.add(.setZone(UInt16(truncatingIfNeeded: constantNumber(source, host: true).low), direction: direction))
      case 18: note("ct event set \(NftType.connectionEvent.spell(constantNumber(source, host: true)))")
      case 13: note("ct label set")
      case 4: note("ct secmark set")
      default: lowering.add(.unknown(lowering.text("ct set")) as Statement)
      }
      return
    }
    let six = lowering.family == .ip6
    let (term, bytes) = NftKeys.connection(key, reply: reply, six: six)
    if let term {
      if term.needs.network != 0 { withdrawNetwork(term.needs.network) }
      return rule.store(.term(term, host: NftKeys.isHost(connection: key), bytes: bytes), data[1]?.be32 ?? 1)
    }
    unknownKey(NftKeys.connectionText(key, reply: reply), .integer, data[1]?.be32, bytes: 8)
  }

  private mutating func payload(_ data: Attributes) {
    let base: PayloadBase =
      switch data[2]?.be32 ?? 0 {
      case 0: .link
      case 1: .network
      case 2: .transport
      case 3: .inner
      default: .tunnel
      }
    let offset = (data[3]?.be32 ?? 0) * 8
    let length = (data[4]?.be32 ?? 0) * 8
    if let source = data[5]?.be32 { return writePayload(base, offset, length, source) }
    let register = data[1]?.be32 ?? 1
    guard let header = header(base) else {
      return rule.store(.bits(base, offset: offset, length: length), register)
    }
    guard let field = header.fields.first(where: { $0.offset == offset && $0.length >= length && $0.offset % 8 == 0 }),
      field.length == length || field.type == .ipv4 || field.type == .ipv6 || field.type == .ethernet
    else { return rule.store(.bits(base, offset: offset, length: length), register) }
    let term = header.term(field)
    use(term)
    rule.store(.term(term, host: false, bytes: Int(length) / 8), register)
  }

  /// The header that stands at a base, by what the rule tested before.
  func header(_ base: PayloadBase) -> NftHeader? {
    switch base {
    case .network:
      switch rule.network {
      case 2: return .ip
      case 10: return .ip6
      default: return lowering.family == .arp ? .arp : nil
      }
    case .transport:
      switch rule.transport {
      case 6: return .tcp
      case 17: return .udp
      case 1: return .icmp
      case 58: return .icmpv6
      case 132: return .sctp
      case 33: return .dccp
      case 136: return .udplite
      case 51: return .ah
      case 50: return .esp
      case 108: return .comp
      case 2: return .igmp
      case 47: return .gre
      default: return .th
      }
    case .link: return .ether
    default: return nil
    }
  }

  /// A key is read: the tests that only led to it are taken back, it asks for them itself.
  mutating func use(_ term: NftTerm) {
    if term.needs.network != 0 { withdrawNetwork(term.needs.network) }
    if term.needs.transport != 0, let clause = rule.transportClause {
      lowering.withdrawTransport(at: clause)
      rule.transportClause = nil
      if let other = rule.networkClause, other > clause { rule.networkClause = other - 1 }
    }
  }

  mutating func withdrawNetwork(_ network: UInt8) {
    guard let clause = rule.networkClause, rule.network == network else { return }
    lowering.withdrawNetwork(at: clause)
    rule.networkClause = nil
    if let other = rule.transportClause, other > clause { rule.transportClause = other - 1 }
  }

  /// The field that some bits of a payload are.
  private mutating func term(_ base: PayloadBase, offset: UInt32, length: UInt32) -> NftTerm {
    if let header = header(base), let field = header.fields.first(where: { $0.offset == offset && $0.length == length })
    {
      let term = header.term(field)
      use(term)
      return term
    }
    if base == .link, let field = NftHeader.vlan.fields.first(where: { $0.offset == offset && $0.length == length }) {
      return NftHeader.vlan.term(field)
    }
    return NftTerm(.payload(base, offset: offset, length: length), .integer, width: Int(length))
  }

  private mutating func routeLookup(_ data: Attributes) {
    let flags = data[3]?.be32 ?? 0
    var lookup = RouteLookup(.addressType, fromSource: flags & 1 != 0)
    lookup.withMark = flags & 4 != 0
    lookup.withInputInterface = flags & 8 != 0
    lookup.withOutputInterface = flags & 16 != 0
    lookup.presenceOnly = flags & 32 != 0
    var type = NftType.addressType
    switch data[2]?.be32 ?? 3 {
    case 1:
      lookup.result = .interfaceIndex
      type = .interfaceIndex
    case 2:
      lookup.result = .interfaceName
      type = .interfaceName
    default: break
    }
    let bytes = type == .interfaceName ? 16 : 4
    if lookup.presenceOnly { type = .boolean }
    rule.store(.term(NftTerm(.routeLookup(lookup), type), host: true, bytes: bytes), data[1]?.be32 ?? 1)
  }

  private mutating func routing(_ data: Attributes) {
    switch data[2]?.be32 ?? 0 {
    case 0:
      rule.store(.term(NftTerm(.field(.routingClass), .realm), host: true, bytes: 4), data[1]?.be32 ?? 1)
    case 1: unknownKey(lowering.family == .ip ? "rt nexthop" : "rt ip nexthop", .ipv4, data[1]?.be32, bytes: 4)
    case 2: unknownKey(lowering.family == .ip6 ? "rt nexthop" : "rt ip6 nexthop", .ipv6, data[1]?.be32, bytes: 16)
    case 3: unknownKey("rt mtu", .integer, data[1]?.be32, bytes: 2)
    default: unknownKey("rt ipsec", .boolean, data[1]?.be32, bytes: 1)
    }
  }

  private mutating func socketKey(_ data: Attributes) {
    switch data[1]?.be32 ?? 0 {
    case 0: unknownKey("socket transparent", .boolean, data[2]?.be32, bytes: 1)
    case 1: unknownKey("socket mark", .mark, data[2]?.be32, bytes: 4)
    case 2: unknownKey("socket wildcard", .boolean, data[2]?.be32, bytes: 1)
    default: unknownKey("socket cgroupv2 level \(data[3]?.be32 ?? 0)", .cgroup, data[2]?.be32, bytes: 8)
    }
  }

  private mutating func extensionHeader(_ data: Attributes) {
    let kind = data[2]?.u8 ?? 0
    let present = (data[5]?.be32 ?? 0) & 1 != 0
    let isOption = data[6]?.be32 == 1
    let length = Int(data[4]?.be32 ?? 0)
    let tcp = NftNeeds(transport: 6)
    if let source = data[7]?.be32 {
      // tcp option maxseg size set …
      use(NftTerm(.constant(.zero), .integer, needs: tcp))
      lowering.require(tcp)
      if case .term(let value, _, _) = rule.slots[NftRuleState.slot(source)], case .unknown(let text) = value.expression
      {
        return note("\(NftKeys.option(kind, data[3]?.be32 ?? 0)) set \(lowering.ruleset[text])")
      }
      return note("\(NftKeys.option(kind, data[3]?.be32 ?? 0)) set \(constantNumber(source, host: false).low)")
    }
    guard isOption else {
      return unknownKey("exthdr \(kind)", present ? .boolean : .integer, data[1]?.be32, bytes: present ? 1 : length)
    }
    use(NftTerm(.constant(.zero), .integer, needs: tcp))
    if present {
      return rule.store(
        .term(NftTerm(.unknown(lowering.text("\0tcp option \(kind)")), .boolean), host: true, bytes: 1),
        data[1]?.be32 ?? 1)
    }
    if kind == 2, data[3]?.be32 == 2, length == 2 {
      return rule.store(
        .term(NftTerm(.field(.tcpMaximumSegment), .integer, width: 16), host: false, bytes: 2), data[1]?.be32 ?? 1)
    }
    unknownKey(NftKeys.option(kind, data[3]?.be32 ?? 0), .integer, data[1]?.be32, bytes: length)
  }

  private mutating func number(_ data: Attributes) {
    let modulus = data[2]?.be32 ?? 0
    let offset = data[4]?.be32 ?? 0
    let expression: Expression =
      data[3]?.be32 == 1
      ? .randomNumber(modulus: modulus, offset: offset) : .counterNumber(modulus: modulus, offset: offset)
    rule.store(.term(NftTerm(expression, .integer, width: 32), host: true, bytes: 4), data[1]?.be32 ?? 1)
  }

  private mutating func hash(_ data: Attributes) {
    let modulus = data[4]?.be32 ?? 0
    let offset = data[6]?.be32 ?? 0
    var result: NftTerm
    if data[7]?.be32 == 1 {
      result = NftTerm(.symmetricHash(modulus: modulus, offset: offset), .integer, width: 32)
    } else {
      let (key, _) = self.key(data[1]?.be32 ?? 1, bytes: Int(data[3]?.be32 ?? 4))
      result = NftTerm(
        .jenkinsHash(key.expression, modulus: modulus, seed: data[5]?.be32, offset: offset), .integer, width: 32)
      result.needs = needs(of: key)
    }
    rule.store(.term(result, host: true, bytes: 4), data[2]?.be32 ?? 1)
  }

  func needs(of key: NftTerm) -> NftNeeds {
    if key.parts.isEmpty { return key.needs }
    var needs = NftNeeds()
    for part in key.parts {
      if part.needs.network != 0 { needs.network = part.needs.network }
      if part.needs.transport != 0 { needs.transport = part.needs.transport }
    }
    return needs
  }

  // MARK: Registers as keys and values

  /// What a register holds, as a key; several behind each other are a concatenation.
  mutating func key(_ register: UInt32, bytes: Int, parts count: Int? = nil) -> (NftTerm, host: Bool) {
    var slot = NftRuleState.slot(register)
    var parts: [NftTerm] = []
    var left = bytes
    var host = false
    while left > 0, slot < 20 {
      let length: Int
      switch rule.slots[slot] {
      case .term(let term, let order, let size):
        parts.append(term)
        host = order
        length = size
      case .bits(let base, let offset, let width):
        parts.append(self.term(base, offset: offset, length: width))
        length = Int(width / 8)
      case .constant(let raw):
        parts.append(NftTerm(constant: raw.number(host: false), .integer))
        length = raw.count
      case .empty:
        parts.append(NftTerm(.unknown(lowering.text("register")), .integer))
        length = left
      }
      let words = max(1, (length + 3) / 4)
      slot += words
      left -= words * 4
    }
    return parts.count == 1 ? (parts[0], host) : (NftTerm(parts: parts), false)
  }

  func constantNumber(_ register: UInt32, host: Bool) -> Bits128 {
    guard case .constant(let raw) = rule.slots[NftRuleState.slot(register)] else { return .zero }
    return raw.number(host: host)
  }

  /// A constant as a value of a type.
  func value(_ raw: RawValue, _ type: NftType, host: Bool) -> Bits128 {
    switch type {
    case .interfaceName, .string, .object: return raw.bits
    case .interfaceIndex:
      let number = raw.number(host: host).low
      return number == 0 ? .zero : Bits128(leftAligned: names[Int(number)].utf8)
    case .duration: return Bits128(raw.number(host: host).low / 1000)
    default: return raw.number(host: host)
    }
  }

  private mutating func byteOrder(_ data: Attributes) {
    let source = NftRuleState.slot(data[1]?.be32 ?? 1)
    guard case .term(let term, let host, let bytes) = rule.slots[source] else { return }
    rule.store(.term(term, host: !host, bytes: bytes), data[2]?.be32 ?? 1)
  }

  private mutating func immediate(_ data: Attributes) {
    let register = data[1]?.be32 ?? 0
    if let verdict = data[2]?[2] {
      switch Self.verdict(verdict, table: lowering.table, &lowering) {
      case .accept: lowering.add(.accept)
      case .drop: lowering.add(.drop)
      case .return: lowering.add(.return)
      case .continue: lowering.add(.continue)
      case .jump(let chain): lowering.add(.jump(chain))
      case .goto(let chain): lowering.add(.goto(chain))
      case .queue: lowering.add(.handOff(lowering.text("queue")))
      }
      return
    }
    guard let value = data[2]?[1] else { return }
    rule.store(.constant(RawValue(value.bytes)), register)
  }

  static func verdict(_ data: Attributes, table: TableID, _ lowering: inout NftLowering) -> Verdict {
    func chain() -> ChainID {
      lowering.ruleset.chain(
        lowering.ruleset.names.intern(data[2]?.stringBytes ?? UnsafeRawBufferPointer(start: nil, count: 0)), in: table)
    }
    return switch Int32(bitPattern: data[1]?.be32 ?? 0) {
    case 0: .drop
    case 1: .accept
    case 3: .queue
    case -3: .jump(chain())
    case -4: .goto(chain())
    case -5: .return
    default: .continue
    }
  }

  private mutating func bitwise(_ data: Attributes) {
    let source = NftRuleState.slot(data[1]?.be32 ?? 1)
    let target = data[2]?.be32 ?? 1
    let operation = data[6]?.be32 ?? 0
    if operation == 0 {
      let mask = RawValue(data[4]?[1]?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0))
      let flip = RawValue(data[5]?[1]?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0))
      return masked(source, target, mask, flip)
    }
    guard case .term(var term, let host, let bytes) = rule.slots[source] else {
      if case .bits(let base, let offset, let length) = rule.slots[source] {
        // Bits that a mask chose are shifted to the right end: already so.
        rule.store(.bits(base, offset: offset, length: length), target)
      }
      return
    }
    if operation == 2, term.width < bytes * 8, term.type != .integer || term.width < 8 {
      // A field of few bits, brought to the right end.
      return rule.store(.term(term, host: host, bytes: bytes), target)
    }
    let count = Expression.constant(
      Bits128(
        UInt32(
          truncatingIfNeeded: RawValue(data[7]?[1]?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)).number(
            host: true
          ).low)))
    term.expression = operation == 1 ? .shiftLeft(term.expression, count) : .shiftRight(term.expression, count)
    term.type = .integer
    if operation == 1 { term.width = 32 }
    rule.store(.term(term, host: host, bytes: bytes), target)
  }

  private mutating func masked(_ source: Int, _ target: UInt32, _ mask: RawValue, _ flip: RawValue) {
    switch rule.slots[source] {
    case .bits(let base, let offset, let length):
      // Consecutive ones tell which field it is; the value is compared where it stands.
      let bits = mask.number(host: false)
      if flip.bits.isZero, let (low, count) = bits.run {
        let field = term(base, offset: offset + length - UInt32(low + count), length: UInt32(count))
        return rule.store(.term(field, host: false, bytes: Int(length / 8)), target, shift: low)
      }
      var term = term(base, offset: offset, length: length)
      apply(bits, flip.number(host: false), to: &term, bytes: Int(length / 8))
      rule.store(.term(term, host: false, bytes: Int(length / 8)), target)
    case .term(var term, let host, let bytes):
      if term.type == .interfaceName || term.type == .string {
        term.expression = .and(term.expression, .constant(mask.bits))
      } else {
        apply(mask.number(host: host), flip.number(host: host), to: &term, bytes: bytes)
      }
      rule.store(.term(term, host: host, bytes: bytes), target)
    default: break
    }
  }

  private func apply(_ mask: Bits128, _ flip: Bits128, to term: inout NftTerm, bytes: Int) {
    let all = bytes >= 16 ? Bits128.ones : ~(Bits128.ones << (bytes * 8))
    if mask != all {
      // x | f is (x & ~f) ^ f.
      if !flip.isZero, mask == all & ~flip {
        term.expression = .or(term.expression, .constant(flip))
        return
      }
      term.expression = .and(term.expression, .constant(mask))
    }
    if !flip.isZero { term.expression = .xor(term.expression, .constant(flip)) }
  }
}

extension Bits128 {
  /// Where its ones stand, if they are consecutive: the lowest, and how many.
  var run: (low: Int, count: Int)? {
    guard !isZero else { return nil }
    let low = self.low != 0 ? self.low.trailingZeroBitCount : 64 + high.trailingZeroBitCount
    let shifted = self >> low
    guard (shifted & shifted.successor).isZero else { return nil }
    return (low, shifted.low.nonzeroBitCount + shifted.high.nonzeroBitCount)
  }
}

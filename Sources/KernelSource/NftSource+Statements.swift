import Ruleset
import Wire

// Comparisons, lookups and what rules do.
extension NftSource {
  /// Calls the lowering's match with the spelling that it keeps where it does not model the key.
  mutating func match(_ left: NftTerm, _ comparator: NftOperator, _ right: NftOperand) {
    guard left.isUnknown else {
      return lowering.match(left, comparator, right, text: UnsafeRawBufferPointer(start: nil, count: 0))
    }
    var text = ""
    if case .unknown(let id) = left.expression { text = lowering.ruleset[id] }
    if text.hasPrefix("\0tcp option "), case .interval(let value, _) = right, let kind = UInt8(text.dropFirst(12)) {
      lowering.require(NftNeeds(transport: 6))
      return lowering.add(.tcpOption(kind), negated: value.isZero != (comparator == .notEqual))
    }
    if comparator == .notEqual { text += " !=" }
    if case .interval(let low, let high) = right {
      let number = left.type == .boolean && text.hasPrefix("socket")
      text += " " + (number ? "\(low.low)" : left.type.spell(low, width: left.width))
      if low != high { text += "-" + left.type.spell(high, width: left.width) }
    }
    text.withUTF8 { lowering.match(left, comparator, right, text: UnsafeRawBufferPointer($0)) }
  }

  mutating func compare(_ data: Attributes) {
    let register = data[1]?.be32 ?? 1
    let slot = NftRuleState.slot(register)
    guard let bytes = data[3]?[1]?.bytes else { return }
    let raw = RawValue(bytes)
    let operation = data[2]?.be32 ?? 0
    let lower = rule.lower
    if lower != nil {
      if operation == 3, lower?.slot == slot { rule.lower = nil } else { flushLower() }
    }
    if operation == 0, case .bits(let base, let offset, let length) = rule.slots[slot],
      compareFields(base, offset, length, bytes)
    {
      return
    }
    let (left, host) = key(register, bytes: raw.count)
    if !left.parts.isEmpty {
      // A concatenation against constants: one element.
      return compareParts(left, slot, bytes, negated: operation == 1)
    }
    let shift = rule.shifts[slot]
    var low = value(raw, left.type, host: host) >> shift
    var high = low
    let given = raw.count
    var loaded = given
    if case .term(_, _, let size) = rule.slots[slot] { loaded = size }
    switch operation {
    case 0, 1:
      if left.type == .interfaceName || left.type == .string {
        // Fewer bytes than a name has: a wildcard.
        if given < loaded { high = low | ~Bits128.mask(leading: given * 8) }
      } else if !host, left.width > min(loaded, given) * 8, !left.type.isText, left.expression.isWholeField {
        // Only the leading bytes of an address were loaded, or are compared: a prefix.
        let rest = left.width - min(loaded, given) * 8
        low = low << rest
        high = low | ~(Bits128.ones << rest)
      }
      let negated = operation == 1
      if low == high, low.isZero, case .and(let inner, .constant(let bits)) = left.expression, left.type.isBitmask {
        // `ct state new` asks for any of the bits, `! new` for none.
        var plain = left
        plain.expression = inner
        return match(plain, .implicit, negated ? .interval(low: bits, high: bits) : .noneOf(bits))
      }
      let before = lowering.nextClause
      match(left, negated ? .notEqual : .equal, .interval(low: low, high: high))
      if !negated, low == high { learn(left, low, clause: before) }
    case 5:
      rule.lower = (slot, left, low)
    case 3:
      if let lower, lower.slot == slot {
        return match(left, .equal, .interval(low: lower.value, high: low))
      }
      match(left, .lessOrEqual, .interval(low: low, high: low))
    case 2: match(left, .less, .interval(low: low, high: low))
    default: match(left, .greater, .interval(low: low, high: low))
    }
  }

  /// nft loads neighbouring fields at once (`ip saddr` and `ip daddr`); each is a match of its own again.
  private mutating func compareFields(
    _ base: PayloadBase, _ offset: UInt32, _ length: UInt32, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    guard let header = header(base), bytes.count * 8 == Int(length) else { return false }
    var fields: [NftHeader.HeaderField] = []
    var at = offset
    while at < offset + length {
      guard
        let field = header.fields.first(where: {
          $0.offset == at && $0.length.isMultiple(of: 8) && at + $0.length <= offset + length
        })
      else { return false }
      fields.append(field)
      at += field.length
    }
    var start = 0
    for field in fields {
      let end = start + Int(field.length / 8)
      let term = header.term(field)
      use(term)
      let value = value(RawValue(UnsafeRawBufferPointer(rebasing: bytes[start..<end])), term.type, host: false)
      let before = lowering.nextClause
      match(term, .equal, .interval(low: value, high: value))
      learn(term, value, clause: before)
      start = end
    }
    return true
  }

  private mutating func compareParts(_ left: NftTerm, _ slot: Int, _ bytes: UnsafeRawBufferPointer, negated: Bool) {
    var set = NamedSet(
      table: lowering.table, name: "", flags: [.constant, .anonymous], components: left.parts.count,
      keyTypes: left.types.map(\.name))
    var at = 0
    for part in left.parts {
      let length = max(1, (part.width + 7) / 8)
      let end = min(at + length, bytes.count)
      let raw = RawValue(UnsafeRawBufferPointer(rebasing: bytes[min(at, end)..<end]))
      set.lows.append(value(raw, part.type, host: part.type.isHostOrder))
      at += (length + 3) & ~3
    }
    match(left, negated ? .notEqual : .equal, .set(lowering.ruleset.addSet(set)))
  }

  /// What an exact match tells: which header stands behind, and that nft may leave it out.
  private mutating func learn(_ left: NftTerm, _ value: Bits128, clause: Int) {
    guard case .field(let field) = left.expression else { return }
    let added = lowering.nextClause == clause + 1
    switch field {
    case .networkProtocol:
      rule.network = UInt8(truncatingIfNeeded: value.low)
      if added { rule.networkClause = clause }
    case .etherType:
      rule.network = value.low == 0x0800 ? 2 : value.low == 0x86DD ? 10 : rule.network
      if added, value.low == 0x0800 || value.low == 0x86DD { rule.networkClause = clause }
    case .protocol, .headerProtocol4, .headerProtocol6:
      rule.transport = UInt8(truncatingIfNeeded: value.low)
      if added { rule.transportClause = clause }
    default: break
    }
  }

  mutating func range(_ data: Attributes) {
    let register = data[1]?.be32 ?? 1
    guard let from = data[3]?[1]?.bytes, let to = data[4]?[1]?.bytes else { return }
    let (left, host) = key(register, bytes: from.count)
    let shift = rule.shifts[NftRuleState.slot(register)]
    match(
      left, data[2]?.be32 == 1 ? .notEqual : .equal,
      .interval(
        low: value(RawValue(from), left.type, host: host) >> shift,
        high: value(RawValue(to), left.type, host: host) >> shift))
  }

  private func set(_ name: Attributes?) -> KernelSet? {
    name.flatMap { sets[SetKey(table: lowering.table.index, name: $0.string)] }
  }

  /// Bytes of a key in registers.
  private func bytes(of set: KernelSet) -> Int { set.keyLengths.reduce(0) { $0 + ($1 + 3) & ~3 } }

  mutating func lookup(_ data: Attributes) {
    guard let set = set(data[1]) else {
      opaque.insert("set \(data[1]?.string ?? "")")
      return lowering.add(.unknown(lowering.text("lookup @\(data[1]?.string ?? "")")) as Test)
    }
    let (key, _) = key(data[2]?.be32 ?? 1, bytes: bytes(of: set))
    if isLazy, case .routeLookup = key.expression, let name = data[1]?.string {
      // `fib … type { local, broadcast }` is one test of the address; the set's elements belong to it.
      try? readElements(SetKey(table: lowering.table.index, name: name))
    }
    if lowering.ruleset.sets[Int(set.id.index)].flags.contains(.anonymous) {
      lowering.ruleset.sets[Int(set.id.index)].keyTypes = key.types.map(\.name)
    }
    guard let target = data[3]?.be32 else {
      return match(key, (data[5]?.be32 ?? 0) & 1 != 0 ? .notEqual : .equal, .set(set.id))
    }
    if target == 0 { return lowering.verdictMap(key, set.id) }
    var term = NftTerm(.map(key: key.expression, set.id), set.data.first ?? .integer)
    term.needs = needs(of: key)
    let length = set.dataLengths.reduce(0) { $0 + ($1 + 3) & ~3 }
    rule.store(.term(term, host: set.dataHost.first ?? false, bytes: max(length, 4)), target)
  }

  // MARK: Assignments

  mutating func assign(_ target: NftTerm, _ register: UInt32) {
    let value: NftTerm
    switch rule.slots[NftRuleState.slot(register)] {
    case .constant(let raw):
      value = NftTerm(constant: self.value(raw, target.type, host: target.type.isHostOrder), target.type)
    default: value = key(register, bytes: (target.width + 7) / 8).0
    }
    var text = "\(target.type.name) set"
    text.withUTF8 { lowering.set(target, to: value, text: UnsafeRawBufferPointer($0)) }
  }

  mutating func writePayload(_ base: PayloadBase, _ offset: UInt32, _ length: UInt32, _ register: UInt32) {
    guard let header = header(base) else { return note("@payload set") }
    if let field = header.fields.first(where: { $0.offset == offset && $0.length == length }) {
      let term = header.term(field)
      use(term)
      return assignHeader(term, header, field, register)
    }
    // Some bits of a word: the others were read before.
    guard case .term(let value, _, _) = rule.slots[NftRuleState.slot(register)] else { return note("@payload set") }
    var keep = Bits128.zero
    var flip = Bits128.zero
    switch value.expression {
    case .xor(.and(_, .constant(let mask)), .constant(let bits)):
      keep = mask
      flip = bits
    case .and(_, .constant(let mask)): keep = mask
    case .or(_, .constant(let bits)):
      flip = bits
      keep = ~bits
    default: return note("@payload set")
    }
    let all = ~(Bits128.ones << Int(length))
    guard let (low, count) = (~keep & all).run,
      let field = header.fields.first(where: {
        $0.offset == offset + length - UInt32(low + count) && $0.length == UInt32(count)
      })
    else { return note("@payload set") }
    let term = header.term(field)
    use(term)
    rule.store(.constant(RawValue()), register)
    assignHeader(term, header, field, register, constant: flip >> low)
  }

  private mutating func assignHeader(
    _ term: NftTerm, _ header: NftHeader, _ field: NftHeader.HeaderField, _ register: UInt32, constant: Bits128? = nil
  ) {
    var value = NftTerm(constant: constant ?? .zero, term.type)
    if constant == nil {
      if case .constant(let raw) = rule.slots[NftRuleState.slot(register)] {
        value = NftTerm(constant: self.value(raw, term.type, host: false), term.type)
      } else {
        value = key(register, bytes: (term.width + 7) / 8).0
      }
    }
    if case .field = term.expression {
      var text = "\(header.name.rawValue) \(field.name.rawValue) set"
      text.withUTF8 { lowering.set(term, to: value, text: UnsafeRawBufferPointer($0)) }
    } else {
      lowering.require(term)
      var text = "\(header.name.rawValue) \(field.name.rawValue) set"
      if case .constant(let bits) = value.expression { text += " " + term.type.spell(bits, width: term.width) }
      lowering.add(.unknown(lowering.text(text)) as Statement)
    }
  }

  // MARK: NAT

  private func argument(_ low: UInt32?, _ high: UInt32?, host: Bool = false) -> NftArgument {
    guard let low else { return .absent }
    switch rule.slots[NftRuleState.slot(low)] {
    case .constant(let raw):
      let first = raw.number(host: host)
      var last = first
      if let high, case .constant(let raw) = rule.slots[NftRuleState.slot(high)] { last = raw.number(host: host) }
      return .range(first, last)
    case .term(let term, _, _): return .computed(term.expression)
    default: return .absent
    }
  }

  private func choice(_ flags: UInt32) -> Translation.PortChoice {
    flags & 16 != 0 ? .fullyRandom : flags & 4 != 0 ? .random : .first
  }

  private mutating func requireArgument(_ register: UInt32?) {
    guard let register, case .term(let term, _, _) = rule.slots[NftRuleState.slot(register)] else { return }
    lowering.require(term)
  }

  mutating func translate(_ data: Attributes) {
    let kind: Translation.Kind = data[1]?.be32 == 0 ? .source : .destination
    let version: IPVersion? = data[2]?.be32 == 10 ? .v6 : data[2]?.be32 == 2 ? .v4 : nil
    let flags = data[7]?.be32 ?? 0
    let addressRegister = data[3]?.be32
    let portRegister = data[5]?.be32
    var address = argument(addressRegister, data[4]?.be32)
    var port = argument(portRegister, data[6]?.be32)
    var pair: Expression?
    // The family's test before it is nft's own.
    if addressRegister != nil, let version, lowering.family == .inet { withdrawNetwork(version == .v4 ? 2 : 10) }
    if let addressRegister, case .term(let term, _, let bytes) = rule.slots[NftRuleState.slot(addressRegister)] {
      lowering.require(term)
      let words = (version == .v6 ? 16 : 4) / 4
      if let portRegister, case .empty = rule.slots[NftRuleState.slot(portRegister)],
        NftRuleState.slot(portRegister) == NftRuleState.slot(addressRegister) + words, bytes > words * 4
      {
        pair = term.expression
        address = .absent
        port = .absent
      }
    }
    if case .computed = port { requireArgument(portRegister) }
    // A port alone: nft says `dnat to :80` without a family.
    lowering.translate(
      kind, version: addressRegister == nil ? nil : version, address: address, port: port, pair: pair,
      choice: choice(flags), persistent: flags & 8 != 0, prefix: flags & 64 != 0)
  }

  mutating func masquerade(_ data: Attributes) {
    let flags = data[1]?.be32 ?? 0
    requireArgument(data[2]?.be32)
    lowering.translate(
      .masquerade, port: argument(data[2]?.be32, data[3]?.be32), choice: choice(flags), persistent: flags & 8 != 0)
  }

  mutating func redirect(_ data: Attributes) {
    let flags = data[3]?.be32 ?? 0
    requireArgument(data[1]?.be32)
    lowering.translate(
      .redirect, port: argument(data[1]?.be32, data[2]?.be32), choice: choice(flags), persistent: flags & 8 != 0)
  }

  mutating func reject(_ data: Attributes) {
    let code = data[2]?.u8 ?? 3
    var reason: RejectReason?
    switch data[1]?.be32 ?? 0 {
    case 1:
      reason = .tcpReset
      use(NftTerm(.constant(.zero), .integer, needs: NftNeeds(transport: 6)))
    case 2:
      reason = [.icmpxNoRoute, .icmpxPortUnreachable, .icmpxHostUnreachable, .icmpxAdminProhibited][Int(min(code, 3))]
    default:
      let six = lowering.family == .ip6 || (lowering.family != .ip && rule.network == 10)
      if six {
        reason =
          [
            .icmp6NoRoute, .icmp6AdminProhibited, nil, .icmp6AddressUnreachable, .icmp6PortUnreachable,
            .icmp6PolicyFail, .icmp6RejectRoute,
          ][Int(min(code, 6))]
      } else {
        switch code {
        case 0: reason = .icmpNetUnreachable
        case 1: reason = .icmpHostUnreachable
        case 2: reason = .icmpProtocolUnreachable
        case 9: reason = .icmpNetProhibited
        case 10: reason = .icmpHostProhibited
        case 13: reason = .icmpAdminProhibited
        default: reason = .icmpPortUnreachable
        }
      }
      if lowering.family != .ip, lowering.family != .ip6 {
        withdrawNetwork(six ? 10 : 2)
        lowering.require(six ? .ip6 : .ip)
      }
    }
    lowering.reject(reason)
  }

  mutating func transparentProxy(_ data: Attributes) {
    let version: IPVersion? = data[1]?.be32 == 10 ? .v6 : data[1]?.be32 == 2 ? .v4 : nil
    if let version, lowering.family == .inet { withdrawNetwork(version == .v4 ? 2 : 10) }
    var address: Bits128?
    if case .range(let low, _) = argument(data[2]?.be32, nil) { address = low }
    switch argument(data[3]?.be32, nil) {
    case .range(let port, _):
      lowering.transparentProxy(address: address, port: UInt16(truncatingIfNeeded: port.low), version: version)
    case .absent: lowering.transparentProxy(address: address, port: 0, version: version)
    case .computed: lowering.add(.handOff(lowering.text("tproxy")))
    }
  }

  // MARK: Sets and objects

  mutating func dynamicSet(_ data: Attributes) {
    let name = data[1]?.string ?? ""
    guard let set = set(data[1]) else {
      opaque.insert("set \(name)")
      return lowering.add(.unknown(lowering.text("update @\(name)")) as Statement)
    }
    let (key, _) = key(data[4]?.be32 ?? 1, bytes: bytes(of: set))
    var details: [String] = []
    if let timeout = data[6]?.be64, timeout > 0 { details.append("timeout \(NftTexts.duration(timeout))") }
    if let one = data[7] {
      details.append(NftTexts.expression(one))
    } else {
      data[10]?.each { _, expression in details.append(NftTexts.expression(expression)) }
    }
    var value: Expression?
    if let register = data[5]?.be32 {
      if case .constant(let raw) = rule.slots[NftRuleState.slot(register)] {
        let type = set.data.first ?? .integer
        value = .constant(self.value(raw, type, host: set.dataHost.first ?? false))
      } else {
        value = self.key(register, bytes: set.dataLengths.reduce(0) { $0 + ($1 + 3) & ~3 }).0.expression
      }
    }
    let operations: [SetUpdate.Operation] = [.add, .update, .delete]
    lowering.update(
      SetUpdate(
        operations[Int(min(data[3]?.be32 ?? 0, 2))], set: set.id, key: key.expression, data: value,
        details: details.isEmpty ? nil : lowering.text(details.joined(separator: " ")),
        isLimited: details.contains { text in ["limit", "quota", "ct count"].contains { text.hasPrefix($0) } }),
      key: key)
  }

  mutating func object(_ data: Attributes) {
    let name = data[2].map { "\"\($0.string)\"" } ?? "map"
    if let set = set(data[4]) {
      let (key, _) = key(data[3]?.be32 ?? 1, bytes: bytes(of: set))
      lowering.require(key)
    }
    switch data[1]?.be32 ?? 1 {
    case 2: lowering.add(.timeDependent(lowering.text("quota name \(name)")) as Statement)
    case 4: lowering.add(.timeDependent(lowering.text("limit name \(name)")) as Statement)
    case 3: note("ct helper set \(name)")
    case 7: note("ct timeout set \(name)")
    case 8: note("meta secmark set \(name)")
    case 9: note("ct expectation set \(name)")
    case 10: lowering.add(.handOff(lowering.text("synproxy name \(name)")))
    default: note("counter name \(name)")
    }
  }

  func forwardText(_ word: String, address: Int, device: Int, _ data: Attributes) -> String {
    var text = word + " to"
    if case .range(let low, _) = argument(data[address]?.be32, nil) {
      let version: IPVersion = lowering.family == .ip6 ? .v6 : .v4
      text += " \(IPAddress(bits: low, version: version))"
    }
    if let register = data[device]?.be32, case .constant(let raw) = rule.slots[NftRuleState.slot(register)] {
      text +=
        (word == "dup" && text.hasSuffix("to") ? "" : word == "fwd" ? "" : " device")
        + " \"\(names[Int(raw.number(host: true).low)])\""
    }
    return text
  }

  // MARK: xtables

  /// An extension in a table that is not iptables': nothing says how its options are spelled.
  mutating func compat(_ data: Attributes, isMatch: Bool) {
    let name = data[1]?.string ?? ""
    let text = lowering.text("xt \(isMatch ? "match" : "target") \"\(name)\"")
    if isMatch {
      if name != "comment" { opaque.insert("match \(name) of xtables") }
      return lowering.add(name == "comment" ? .note(text) : .unknown(text) as Test)
    }
    switch name {
    case "LOG", "NFLOG", "ULOG", "TCPMSS", "CHECKSUM", "TRACE", "CLASSIFY": lowering.add(.note(text) as Statement)
    default:
      opaque.insert("target \(name) of xtables")
      lowering.add(.unknown(text) as Statement)
    }
  }
}

extension Expression {
  var isWholeField: Bool {
    switch self {
    case .field, .payload: true
    default: false
    }
  }
}

import Ruleset
import Wire

// Rules: matches and statements up to the end of the line.
extension NftReader {
  mutating func rule(_ chain: ChainID) {
    let line = self.line
    let start = scanner.start
    let inVariable = scanner.isInVariable
    let variables = variableUses
    lowering.beginRule()
    while !atEndOfStatement {
      failure = nil
      let from = scanner.start
      let clauses = lowering.ruleset.clauses.count
      if clauses - lowering.firstClause > 60_000 {
        failure = "expected at most 60,000 matches and statements in a rule"
      }
      if failure != nil || !statement(chain) {
        diagnose(.warning, failure ?? "expected a statement, found \(scanner.description)", line: line)
        skipStatement()
        lowering.ruleset.clauses.removeSubrange(max(clauses, lowering.firstClause)...)
        let end = max(from, scanner.lastStop)
        lowering.add(.unknown(lowering.text(scanner.isInVariable || inVariable ? "" : scanner.text(from..<end))))
      }
      if scanner.start == from, !atEndOfStatement { advance() }
    }
    let plain = variableUses == variables && !inVariable
    if plain, lineMap == nil { hiddenParts(start) }
    lowering.endRule(
      in: chain, file: file, line: line, offset: start, length: plain ? max(0, scanner.lastStop - start) : 0)
  }

  /// nft 1.0 prints some matches and targets of iptables-nft as nothing: a listed rule of such a table then has two
  /// blanks in a row, or one at its end, where the target stood. What is hidden is unknown, though most often a comment.
  private mutating func hiddenParts(_ start: Int) {
    guard start > 0, mayHideParts() else { return }
    let stop = scanner.lastStop
    let base = scanner.base
    // A rule stands twice as deep as its chain; what is deeper by a blank has lost its first match.
    var doubled = base[start - 1] == 0x20 && (indentation(start).map { $0 > ruleIndentation } ?? false)
    var quoted = false
    var at = start
    while at < stop {
      if base[at] == UInt8(ascii: "\"") { quoted.toggle() }
      if base[at] == 0x20, base[at - 1] == 0x20, !quoted { doubled = true }
      at += 1
    }
    // `# handle 7` has one blank before it.
    var next = stop
    while next < scanner.end, base[next] == 0x20 { next += 1 }
    let comment = next < scanner.end && base[next] == UInt8(ascii: "#")
    let trailing = scanner.kind == .newline && next - stop > (comment ? 1 : 0)
    guard doubled || trailing, spelled(start).contains("counter packets ") else { return }
    ownedTables.insert(lowering.table.index)
    if doubled { lowering.addFirst(.unknown(lowering.text("xt match (not printed by nft)"))) }
    if trailing { lowering.add(.unknown(lowering.text("xt target (not printed by nft)")) as Statement) }
  }

  /// Blanks and tabs before an offset, back to the start of its line; nil: something else stands there.
  func indentation(_ offset: Int) -> Int? {
    var at = offset
    while at > 0, scanner.base[at - 1] == 0x20 || scanner.base[at - 1] == 0x09 { at -= 1 }
    return at == 0 || scanner.base[at - 1] == 10 ? offset - at : nil
  }

  /// Whether the table has a family and a name that iptables-nft's tables have.
  private mutating func mayHideParts() -> Bool {
    if let (table, answer) = lastBuiltin, table == lowering.table { return answer }
    let answer =
      (lowering.family == .ip || lowering.family == .ip6)
      && Self.builtinTables.contains(lowering.ruleset[lowering.table].name)
    lastBuiltin = (lowering.table, answer)
    return answer
  }

  /// What was spelled since `start`.
  func spelled(_ start: Int) -> String { scanner.text(start..<max(start, scanner.lastStop)) }

  private func spelling(_ start: Int) -> UnsafeRawBufferPointer {
    scanner.bytes(start..<max(start, scanner.lastStop))
  }

  private mutating func note(_ start: Int) -> Bool {
    lowering.add(.note(lowering.text(scanner.bytes(start..<max(start, scanner.lastStop)))))
    return true
  }

  /// One match or statement. False: not understood.
  private mutating func statement(_ chain: ChainID) -> Bool {
    let start = scanner.start
    if let name = scanner.xtables { return xtables(name) }
    guard scanner.kind == .word, let word else { return expression(start) }
    switch word {
    case .accept:
      lowering.add(.accept)
      advance()
    case .drop:
      lowering.add(.drop)
      advance()
    case .return:
      lowering.add(.return)
      advance()
    case .continue:
      lowering.add(.continue)
      advance()
    case .jump, .goto:
      advance()
      if scanner.isMark("{") { return inlineChain(isJump: word == .jump) }
      guard scanner.kind == .word || scanner.kind == .string else {
        expected("a chain's name")
        return false
      }
      if word == .jump { lowering.jump(to: scanner.bytes) } else { lowering.goto(scanner.bytes) }
      advance()
    case .counter: return counter(start)
    case .comment:
      advance()
      guard name() != nil else {
        expected("a comment")
        return false
      }
      lowering.add(.note(lowering.text(scanner.bytes(start..<scanner.lastStop))))
      // A comment is a match that always holds, as iptables has it.
      if case .statement(.note(let text))? = lowering.ruleset.clauses.last {
        lowering.ruleset.clauses[lowering.ruleset.clauses.count - 1] = .match(Match(.note(text)))
      }
    case .log: return log(start)
    case .limit, .quota: return rate(start)
    case .reject: return reject()
    case .dnat: return translate(.destination)
    case .snat: return translate(.source)
    case .masquerade: return translate(.masquerade)
    case .redirect: return translate(.redirect)
    case .notrack:
      advance()
      lowering.add(.noTrack)
    case .tproxy: return transparentProxy(start)
    case .queue:
      skipToEndOfClause()
      lowering.add(.handOff(lowering.text(spelled(start))))
    case .synproxy:
      skipToEndOfClause()
      lowering.add(.handOff(lowering.text(spelled(start))))
    case .dup:
      skipToEndOfClause()
      return note(start)
    case .fwd:
      skipToEndOfClause()
      lowering.add(.handOff(lowering.text(spelled(start))))
    case .flow:
      skipToEndOfClause()
      return note(start)
    case .xt: return opaque(start)
    case .add, .update, .delete: return changeSet(start)
    case .set:
      skipToEndOfClause()
      lowering.add(.changeSet(lowering.text(spelled(start))))
    case .meter:
      skipBlock()
      lowering.add(.timeDependent(lowering.text(spelled(start))))
    case .reset:
      skipToEndOfClause()
      return note(start)
    case .secmark:
      skipToEndOfClause()
      return note(start)
    case .ct: return connection(start)
    default: return expression(start)
    }
    return true
  }

  /// `jump { … }`: a chain without a name.
  private mutating func inlineChain(isJump: Bool) -> Bool {
    guard depth < 32 else { return false }
    let line = self.line
    anonymousChains += 1
    let name = "__inline\(anonymousChains)"
    let chain = lowering.ruleset.chain(name, in: lowering.table)
    lowering.ruleset.define(chain, line: line)
    lowering.ruleset.chains[Int(chain.index)].isInline = true
    _ = take("{")
    let outer = lowering.suspend()
    depth += 1
    body(line: line, of: "an inline chain", nil) { reader in reader.chainMember(chain) }
    depth -= 1
    lowering.resume(outer)
    lowering.add(isJump ? .jump(chain) : .goto(chain))
    return true
  }

  // MARK: Statements that change nothing here

  private mutating func counter(_ start: Int) -> Bool {
    advance()
    while scanner.kind == .word, let word {
      if word == .packets || word == .bytes {
        advance()
        advance()
      } else if word == .name {
        advance()
        return objectName() && note(start)
      } else {
        break
      }
    }
    return note(start)
  }

  /// An object's name, or the map that yields it.
  private mutating func objectName() -> Bool {
    if scanner.kind == .string {
      advance()
      return true
    }
    if let word, word != .map, isKeyWord(word) {
      guard let key = term(literal: nil), take(.map) else { return false }
      lowering.require(key)
      if take("@") {
        guard let name = name() else { return false }
        _ = setReference(name, key)
        return true
      }
      return anonymousSet(key, data: .object) != nil
    }
    return name() != nil
  }

  private func isKeyWord(_ word: NftWord) -> Bool {
    switch word {
    case .ip, .ip6, .tcp, .udp, .th, .icmp, .icmpv6, .ether, .meta, .ct, .numgen, .jhash, .symhash, .mark, .iif, .oif,
      .iifname, .oifname:
      true
    default: false
    }
  }

  private mutating func log(_ start: Int) -> Bool {
    advance()
    while scanner.kind == .word, let word {
      switch word {
      case .prefix, .level, .group, .snaplen, .queueThreshold: advance()
      case .flags:
        advance()
        while take(",") {}
        if word == .flags, self.word == .tcp || self.word == .ip { advance() }
        advance()
        while take(",") { advance() }
        continue
      default: return note(start)
      }
      advance()
    }
    return note(start)
  }

  /// `limit rate over 10/second burst 5 packets`, `quota over 10 mbytes`, `limit name "x"`.
  private mutating func rate(_ start: Int) -> Bool {
    advance()
    if take(.name) {
      guard objectName() else { return false }
    } else {
      _ = take(.rate)
      if word == .over || word == .until { advance() }
      advance()
      // `mbytes/second`: one word; then burst.
      while scanner.kind == .word, let word = rateWord {
        _ = word
        advance()
      }
    }
    lowering.add(.timeDependent(lowering.text(scanner.bytes(start..<scanner.lastStop))))
    return true
  }

  /// A word that belongs to a rate: a number, a unit, `burst`, `used`.
  private var rateWord: NftWord? {
    if let first = scanner.bytes.first, first &- 48 < 10 { return .rate }
    switch word {
    case .bytes, .kbytes, .mbytes, .packets, .burst, .used: return .rate
    default: break
    }
    let text = scanner.text(scanner.start..<scanner.stop)
    return text.contains("bytes/") || text.hasPrefix("/") || text == "gbytes" ? .rate : nil
  }

  private mutating func opaque(_ start: Int) -> Bool {
    advance()
    let isMatch = word == .match
    advance()
    let what = scanner.text(scanner.start..<scanner.stop)
    advance()
    return xtables(what, isMatch: isMatch, spelled(start))
  }

  /// `# xt_tcp`, `# xt_REJECT`: targets are in capitals.
  private mutating func xtables(_ name: String) -> Bool {
    advance()
    let isMatch = name.utf8.first.map { $0 >= 97 && $0 <= 122 } ?? true
    return xtables(name, isMatch: isMatch, "xt \(isMatch ? "match" : "target") \"\(name)\"")
  }

  private mutating func xtables(_ name: String, isMatch: Bool, _ spelling: String) -> Bool {
    ownedTables.insert(lowering.table.index)
    let text = lowering.text(spelling)
    if isMatch {
      lowering.add(name == "comment" ? .note(text) : .unknown(text) as Test)
    } else {
      switch name {
      case "LOG", "NFLOG", "ULOG", "TCPMSS", "CHECKSUM", "TRACE", "CLASSIFY": lowering.add(.note(text))
      default: lowering.add(.unknown(text) as Statement)
      }
    }
    return true
  }

  /// To the end of the rule or to its comment.
  private mutating func skipToEndOfClause() {
    while !atEndOfStatement {
      if scanner.kind == .word, word == .comment { return }
      if scanner.isMark("{") {
        skipBlock()
        continue
      }
      advance()
    }
  }

  /// Through the next `{ … }`.
  private mutating func skipBlock() {
    while !scanner.isMark("{") {
      if atEndOfStatement { return }
      advance()
    }
    var braces = 0
    while scanner.kind != .end {
      if scanner.isMark("{") { braces += 1 }
      if scanner.isMark("}") {
        braces -= 1
        if braces == 0 {
          advance()
          return
        }
      }
      advance()
    }
  }

  // MARK: Sets

  /// `update @s { ip saddr timeout 1h : value }`.
  private mutating func changeSet(_ start: Int) -> Bool {
    let operation: SetUpdate.Operation = word == .delete ? .delete : word == .update ? .update : .add
    advance()
    guard take("@") else {
      expected("'@' and a set's name")
      return false
    }
    guard let name = name() else { return false }
    guard take("{") else {
      expected("'{'")
      return false
    }
    guard let key = elementKey(of: name) else { return false }
    let set = setReference(name, key)
    let from = scanner.start
    var timed = false
    var braces = 1
    while braces > 1 || !(scanner.isMark("}") || scanner.isByte(":")) {
      if scanner.kind == .end || (scanner.kind == .newline && braces == 1 && scanner.isInVariable) { return false }
      if scanner.isMark("{") { braces += 1 }
      if scanner.isMark("}") { braces -= 1 }
      if scanner.kind == .word, let word, word == .limit || word == .quota || word == .count { timed = true }
      advance()
    }
    let details = scanner.lastStop > from ? lowering.text(spelled(from)) : nil
    var data: Expression?
    if scanner.isByte(":") {
      advance()
      guard let value = term(literal: sets[setInfo(name)]?.data.first ?? .integer) else { return false }
      data = value.expression
    }
    guard take("}") else {
      expected("'}'")
      return false
    }
    lowering.update(
      SetUpdate(operation, set: set, key: key.expression, data: data, details: details, isLimited: timed), key: key)
    return true
  }

  /// What an element of a set is made of: a key of the packet, or a constant.
  private mutating func elementKey(of set: Range<Int>) -> NftTerm? {
    let start = scanner
    if let key = term(literal: nil) { return key }
    scanner = start
    failure = nil
    return term(literal: sets[setInfo(set)]?.keys.first ?? .integer)
  }

  // MARK: Connection tracking

  private mutating func connection(_ start: Int) -> Bool {
    let saved = scanner
    advance()
    var direction = ZoneDirection.both
    if word == .original { direction = .original }
    if word == .reply { direction = .reply }
    if direction != .both { advance() }
    let key = word
    advance()
    if key == .count {
      _ = take(.over)
      advance()
      lowering.add(.timeDependent(lowering.text(spelled(start))) as Test)
      return true
    }
    guard take(.set) else {
      scanner = saved
      return expression(start)
    }
    switch key {
    case .zone:
      if scanner.kind == .word, let zone = NftType.number(scanner.bytes), zone <= Bits128(UInt32(0xFFFF)) {
        advance()
        lowering.add(.setZone(UInt16(zone.low), direction: direction))
        return true
      }
    case .mark:
      return assign(NftTerm(.field(.connectionMark), .mark), start)
    case .helper, .timeout, .expectation, .secmark, .label, .event:
      if key == .helper || key == .timeout || key == .expectation {
        guard objectName() else { return false }
      } else if scanner.kind == .word, let word, isKeyWord(word) {
        guard term(literal: nil) != nil else { return false }
        if take(.map) { skipBlockOrReference() }
      } else {
        advance()
        while take(",") || take("|") { advance() }
      }
      return note(start)
    default: break
    }
    skipToEndOfClause()
    lowering.add(.unknown(lowering.text(spelled(start))) as Statement)
    return true
  }

  private mutating func skipBlockOrReference() {
    if take("@") { advance() } else { skipBlock() }
  }

  // MARK: Matches, verdict maps and assignments

  private mutating func expression(_ start: Int) -> Bool {
    guard let left = term(literal: nil) else { return false }
    switch scanner.kind == .word ? word : nil {
    case .vmap: return verdictMap(left)
    case .set:
      advance()
      return assign(left, start)
    default: break
    }
    let comparator = self.comparator()
    if atEndOfStatement {
      expected("a value to compare with")
      return false
    }
    if case .unknown(let text) = left.expression, left.type == .boolean, comparator == .implicit,
      lowering.ruleset[text].hasPrefix("tcp option")
    {
      return optionPresence(lowering.ruleset[text], start)
    }
    let right = operand(left)
    if case .unknown = right { return unreadOperand(start) }
    lowering.match(left, comparator, right, text: spelling(start))
    return true
  }

  /// A right side that could not be read: where it is one word, the match is unknown and the rest is read on.
  private mutating func unreadOperand(_ start: Int) -> Bool {
    guard failure == nil || scanner.kind == .word || scanner.kind == .string, !atEndOfStatement else { return false }
    failure = nil
    advance()
    while scanner.isMark(",") || scanner.isByte(".") || scanner.isByte("-") {
      advance()
      advance()
    }
    lowering.add(.unknown(lowering.text(spelled(start))) as Test)
    return true
  }

  private mutating func optionPresence(_ text: String, _ start: Int) -> Bool {
    let present = word == .exists
    advance()
    let name = text.split(separator: " ").last.map(String.init) ?? ""
    let kinds: [String: UInt8] = [
      "eol": 0, "nop": 1, "noop": 1, "maxseg": 2, "mss": 2, "window": 3, "sack-perm": 4, "sack-permitted": 4, "sack": 5,
      "timestamp": 8, "fastopen": 34, "mptcp": 30, "md5sig": 19,
    ]
    guard let kind = kinds[name] ?? UInt8(name) else {
      lowering.add(.unknown(lowering.text(spelled(start))) as Test)
      return true
    }
    lowering.add(.tcpOption(kind), negated: !present)
    return true
  }

  private mutating func comparator() -> NftOperator {
    if scanner.kind == .punctuation {
      let found: NftOperator? =
        switch scanner.mark {
        case NftScanner.Operator.equal: .equal
        case NftScanner.Operator.notEqual: .notEqual
        case UInt8(ascii: "<"): .less
        case UInt8(ascii: ">"): .greater
        case NftScanner.Operator.lessOrEqual: .lessOrEqual
        case NftScanner.Operator.greaterOrEqual: .greaterOrEqual
        default: nil
        }
      if let found {
        advance()
        return found
      }
      return .implicit
    }
    guard scanner.kind == .word, scanner.stop - scanner.start == 2 else { return .implicit }
    let found: NftOperator? =
      switch word {
      case .eq: .equal
      case .ne: .notEqual
      case .lt: .less
      case .gt: .greater
      case .le: .lessOrEqual
      case .ge: .greaterOrEqual
      default: nil
      }
    if let found {
      advance()
      return found
    }
    return .implicit
  }

  private mutating func verdictMap(_ key: NftTerm) -> Bool {
    advance()
    if take("@") {
      guard let name = name() else {
        expected("a map's name")
        return false
      }
      lowering.verdictMap(key, setReference(name, key))
      return true
    }
    guard let set = anonymousSet(key, data: .verdict) else { return false }
    lowering.verdictMap(key, set)
    return true
  }

  /// `KEY set VALUE`
  private mutating func assign(_ target: NftTerm, _ start: Int) -> Bool {
    if target.isUnknown || target.expression == .field(.tcpMaximumSegment) {
      // Written headers and options that the walk does not follow.
      if case .unknown(let text) = target.expression, lowering.ruleset[text] == "meta nftrace" {
        advance()
        return note(start)
      }
      lowering.require(target)
      if target.expression == .field(.tcpMaximumSegment) { lowering.require(NftNeeds(transport: 6)) }
      if let value = assigned(target.type) { lowering.require(value) } else { skipToEndOfClause() }
      failure = nil
      return note(start)
    }
    if case .field(let field) = target.expression, field == .securityMark || field == .priority || field == .packetType
    {
      if assigned(target.type) == nil { skipToEndOfClause() }
      failure = nil
      return note(start)
    }
    guard let value = assigned(target.type) else {
      if failure == nil { expected("a value of type \(target.type.name)") }
      return false
    }
    lowering.set(target, to: value, text: spelling(start))
    return true
  }

  /// A value or an expression, with the map behind it if one is there.
  private mutating func assigned(_ type: NftType) -> NftTerm? {
    var result: NftTerm?
    if scanner.kind != .punctuation, let value = value(type) {
      result = operations(behind: NftTerm(constant: value.low, type), literal: type)
    } else {
      failure = nil
      result = term(literal: type)
    }
    guard let key = result else { return nil }
    return mapped(key, data: [type])
  }

  /// `KEY map { … }` or `KEY map @m`: the data for the key.
  mutating func mapped(_ key: NftTerm, data: [NftType]) -> NftTerm? {
    guard scanner.kind == .word, word == .map else { return key }
    advance()
    let set: SetID
    if take("@") {
      guard let name = name() else {
        expected("a map's name")
        return nil
      }
      set = setReference(name, key)
    } else {
      guard let anonymous = anonymousSet(key, data: .values(data)) else { return nil }
      set = anonymous
    }
    var term = NftTerm(.map(key: key.expression, set), data[0])
    for part in key.parts.isEmpty ? [key] : key.parts {
      if part.needs.network != 0 { term.needs.network = part.needs.network }
      if part.needs.transport != 0 { term.needs.transport = part.needs.transport }
    }
    return term
  }
}

import Input
import Ruleset
import Wire

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

// Tables, chains, and the other things that stand in a table.
extension NftReader {
  /// One command or one `table … { … }` of the top level.
  mutating func command() {
    let line = self.line
    failure = nil
    switch word {
    case .table: tableBlock()
    case .add, .create: addCommand()
    case .insert: insertCommand()
    case .define, .redefine: define()
    case .include:
      diagnose(.note, "include is not followed; give the file itself", line: line)
      skipStatement()
    case .delete, .destroy, .flush, .reset, .replace, .rename: removeCommand()
    case .list, .undefine: skipStatement()
    default:
      diagnose(.error, "expected 'table' or a command such as 'add rule', found \(scanner.description)", line: line)
      while scanner.kind != .newline, scanner.kind != .end { advance() }
    }
  }

  /// `[family] NAME`: the table, made if it is new.
  mutating func tableName() -> TableID? {
    if let known = sameTable() { return known }
    let start = scanner.start
    var family = Family.ip
    if scanner.kind == .word, let known = Family(rawValue: scanner.text(scanner.start..<scanner.stop)) {
      family = known
      advance()
    }
    guard let range = name() else {
      expected("a table's name")
      return nil
    }
    let name = scanner.text(range)
    let key = "\(family.rawValue) \(name)"
    var table = tables[key]
    if table == nil {
      table = lowering.ruleset.addTable(Table(family: family, name: name, backend: .nft, file: file))
      tables[key] = table
    }
    lastTable = scanner.isInVariable || range.upperBound <= start ? nil : (start..<range.upperBound, table!)
    return table
  }

  /// The table of the command before, if this one spells it alike: rules come by the thousand.
  private mutating func sameTable() -> TableID? {
    guard let (range, table) = lastTable, !scanner.isInVariable, scanner.start + range.count < scanner.end,
      scanner.base[scanner.start + range.count] == 0x20, scanner.base[range.upperBound] == 0x20,
      memcmp(scanner.base + scanner.start, scanner.base + range.lowerBound, range.count) == 0
    else { return nil }
    let end = scanner.start + range.count
    while scanner.start < end { advance() }
    return table
  }

  mutating func tableBlock() {
    let line = self.line
    let warned = warningAbove(scanner.start)
    tableIndentation = indentation(scanner.start) ?? 0
    advance()
    guard let table = tableName() else { return report(line) }
    if warned { ownedTables.insert(table.index) }
    lowering.enter(table)
    guard take("{") else { return }
    if !body(line: line, of: "table", nil, { reader in reader.tableMember() }) {
      lowering.ruleset.tables[Int(table.index)].isCut = true
    }
  }

  /// What is between braces, the first of them consumed: `member` reads one thing and leaves the rest. False: the file
  /// ends before the braces do.
  @discardableResult
  mutating func body(
    line opened: Int, of kind: StaticString, _ name: Range<Int>?, _ member: (inout NftReader) -> Void
  ) -> Bool {
    while true {
      skipSeparators()
      if take("}") { return true }
      if scanner.kind == .end {
        let name = name.map { " " + scanner.text($0) } ?? ""
        diagnose(.error, "expected '}' for \(kind)\(name), found the end of the file", line: opened)
        return false
      }
      let before = scanner.start
      member(&self)
      if scanner.start == before, !scanner.isInVariable { advance() }
    }
  }

  func isTableKeyword(_ word: NftWord?) -> Bool {
    switch word {
    case .chain, .set, .map, .table: true
    default: false
    }
  }

  mutating func report(_ line: Int, _ severity: Diagnostic.Severity = .error) {
    if let failure { diagnose(severity, failure, line: line) }
    failure = nil
    skipStatement()
  }

  mutating func tableMember() {
    let line = self.line
    failure = nil
    switch word {
    case .chain:
      ruleIndentation = indentation(scanner.start).map { max($0, 2 * $0 - tableIndentation) } ?? Int.max
      advance()
      guard let name = name() else {
        expected("a chain's name")
        return report(line)
      }
      chainBlock(name, line: line)
    case .set, .map:
      let isMap = word == .map
      advance()
      guard let name = name() else {
        expected("a set's name")
        return report(line)
      }
      setBlock(name, isMap: isMap, line: line)
    case .meter:
      advance()
      guard let name = name() else { return report(line) }
      setBlock(name, isMap: false, line: line)
    case .flowtable, .counter, .quota, .limit, .secmark, .synproxy, .ct:
      objectBlock(line: line)
    case .comment:
      advance()
      if let text = name() { lowering.ruleset.tables[Int(lowering.table.index)].comment = scanner.text(text) }
    case .flags:
      advance()
      while scanner.kind == .word || scanner.isMark(",") {
        if word == .dormant { lowering.ruleset.tables[Int(lowering.table.index)].dormant = true }
        advance()
      }
    case .include, .define, .redefine, .undefine: command()
    default:
      expected("'chain', 'set', 'map' or another part of a table")
      report(line)
    }
  }

  // MARK: Chains

  mutating func chainBlock(_ name: Range<Int>, line: Int) {
    let nameID = lowering.ruleset.names.intern(scanner.bytes(name))
    let chain = lowering.ruleset.chain(nameID, in: lowering.table)
    if !lowering.ruleset[chain].isDefined { lowering.ruleset.define(chain, line: line) }
    guard take("{") else { return }
    if !body(line: line, of: "chain", name, { reader in reader.chainMember(chain) }) {
      lowering.ruleset.markCut(chain)
    }
  }

  mutating func chainMember(_ chain: ChainID) {
    switch scanner.kind == .word && scanner.stop - scanner.start <= 7 ? word : nil {
    case .type: baseChain(chain)
    case .policy:
      advance()
      setPolicy(chain, drops: word == .drop)
      advance()
    case .devices, .device: devices(chain)
    case .flags: chainProperty(chain)
    case .comment: chainProperty(chain)
    case .include, .define, .redefine, .undefine: command()
    default: rule(chain)
    }
  }

  mutating func setPolicy(_ chain: ChainID, drops: Bool) {
    let base = lowering.ruleset[chain].base
    if base != Chain.notBase { lowering.ruleset.bases[Int(base)].policyDrops = drops }
  }

  mutating func chainProperty(_ chain: ChainID) {
    let start = scanner.start
    while !atEndOfStatement { advance() }
    lowering.ruleset.chainProperties[chain.index, default: []].append(scanner.text(start..<scanner.lastStop))
  }

  mutating func devices(_ chain: ChainID) {
    let list = deviceList()
    let base = lowering.ruleset[chain].base
    if base != Chain.notBase { lowering.ruleset.bases[Int(base)].devices += list }
  }

  /// `device "a"`, `devices = { a, b }`.
  mutating func deviceList() -> [String] {
    advance()
    _ = take("=")
    var list: [String] = []
    if take("{") {
      while !scanner.isMark("}"), scanner.kind != .end {
        if scanner.kind == .word || scanner.kind == .string { list.append(scanner.text(scanner.start..<scanner.stop)) }
        advance()
      }
      _ = take("}")
    } else if let one = name() {
      list.append(scanner.text(one))
    }
    return list
  }

  /// `type filter hook input [device …] priority filter + 10; policy accept;`
  mutating func baseChain(_ chain: ChainID) {
    let line = self.line
    advance()
    let typeText = scanner.text(scanner.start..<scanner.stop)
    advance()
    guard let type = ChainType(rawValue: typeText) else {
      diagnose(.error, "expected a chain type (filter, nat, route), found '\(typeText)'", line: line)
      return skipStatement()
    }
    guard take(.hook) else {
      expected("'hook'")
      return report(line)
    }
    let hookText = scanner.text(scanner.start..<scanner.stop)
    guard let hook = Hook(rawValue: hookText) else {
      diagnose(.error, "expected a hook (prerouting, input, …), found '\(hookText)'", line: line)
      return skipStatement()
    }
    advance()
    var list: [String] = []
    while word == .device || word == .devices { list += deviceList() }
    var priority = 0
    if take(.priority) { priority = chainPriority(line) }
    let base = BaseChain(type: type, hook: hook, priority: priority, policyDrops: false, devices: list)
    let declared = Int(lowering.ruleset[chain].line)
    lowering.ruleset.define(chain, line: declared, base: base)
  }

  mutating func chainPriority(_ line: Int) -> Int {
    var value = 0
    var sign = 1
    var first = true
    while !atEndOfStatement {
      let text = scanner.text(scanner.start..<scanner.stop)
      switch text {
      case "+": sign = 1
      case "-": sign = -1
      default:
        if let number = Int32(text) {
          value = min(max(value + sign * Int(number), Int(Int32.min)), Int(Int32.max))
        } else if first, let known = Self.priority(text, lowering.family) {
          value = known
        } else {
          diagnose(.error, "expected a priority (a number or a name such as filter), found '\(text)'", line: line)
        }
        first = false
        sign = 1
      }
      advance()
    }
    return value
  }

  static func priority(_ name: String, _ family: Family) -> Int? {
    let bridge = family == .bridge
    return switch name {
    case "raw": HookPriority.raw
    case "mangle": HookPriority.mangle
    case "dstnat": bridge ? -300 : HookPriority.destinationNAT
    case "filter": bridge ? -200 : HookPriority.filter
    case "out": 100
    case "security": HookPriority.security
    case "srcnat": bridge ? 300 : HookPriority.sourceNAT
    default: nil
    }
  }

  // MARK: Objects

  /// Flowtables, counters, quotas, helpers …: kept as they are spelled.
  mutating func objectBlock(line: Int) {
    var kind = scanner.text(scanner.start..<scanner.stop)
    advance()
    if kind == "ct" {
      kind += " " + scanner.text(scanner.start..<scanner.stop)
      advance()
    }
    guard let name = name() else {
      expected("a name for the \(kind)")
      return report(line)
    }
    object(kind, name: name, line: line)
  }

  mutating func object(_ kind: String, name: Range<Int>, line: Int) {
    var text = ""
    if scanner.isMark("{") {
      let start = scanner.stop
      advance()
      var braces = 1
      while braces > 0 {
        if scanner.kind == .end {
          diagnose(.error, "expected '}' for \(kind) \(scanner.text(name)), found the end of the file", line: line)
          break
        }
        if scanner.isMark("{") { braces += 1 }
        if scanner.isMark("}") { braces -= 1 }
        if braces == 0 { text = scanner.text(start..<scanner.start) }
        advance()
      }
    } else {
      let start = scanner.start
      skipStatement()
      text = scanner.text(start..<max(start, scanner.lastStop))
    }
    lowering.ruleset.objects.append(
      TableObject(table: lowering.table, kind: kind, name: scanner.text(name), text: Self.trimmed(text)))
  }

  static func trimmed(_ text: String) -> String {
    let lines = text.split(separator: "\n").map { line in
      String(line.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\r" }.reversed())
    }
    return lines.filter { !$0.isEmpty && !$0.hasPrefix("#") }.joined(separator: "\n")
  }

  // MARK: Tables that iptables-nft owns

  /// Whether `# Warning: table ip nat is managed by iptables-nft, do not touch!` stands above this offset.
  func warningAbove(_ offset: Int) -> Bool {
    var end = offset
    while end > 0, scanner.base[end - 1] <= 0x20 { end -= 1 }
    var start = end
    while start > 0, scanner.base[start - 1] != 10, end - start < 200 { start -= 1 }
    return scanner.text(start..<end).contains("is managed by iptables-nft")
  }

  static let builtinTables: Set<String> = ["filter", "nat", "mangle", "raw", "security"]

  /// A table is iptables-nft's if it has one of its names, its base chains are the built-in ones, and something says
  /// so: the warning above it, a rule that only iptables-nft writes, or another table of the dump that is.
  mutating func markOwnedTables() {
    var candidates: [Int] = []
    var proven = false
    for index in firstTable..<lowering.ruleset.tables.count {
      let table = lowering.ruleset.tables[index]
      guard table.family == .ip || table.family == .ip6, Self.builtinTables.contains(table.name) else { continue }
      let chains = lowering.ruleset.chains.indices.filter { lowering.ruleset.chains[$0].table.index == UInt32(index) }
      let bases = chains.compactMap { chain -> (String, BaseChain)? in
        guard let base = lowering.ruleset.base(of: ChainID(chain)) else { return nil }
        return (lowering.ruleset.name(of: ChainID(chain)), base)
      }
      guard bases.allSatisfy({ $0.0 == $0.1.hook.rawValue.uppercased() }) else { continue }
      candidates.append(index)
      if ownedTables.contains(UInt32(index)) { proven = true }
    }
    guard proven else { return }
    for index in candidates { lowering.ruleset.tables[index].backend = .iptablesNft }
  }
}

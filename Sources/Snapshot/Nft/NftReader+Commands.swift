import Input
import Ruleset
import Wire

// The commands of input files (`nft -f`) that say what rules there are.
extension NftReader {
  /// `add table|chain|rule|set|map|element|flowtable|counter …`
  mutating func addCommand() {
    let line = self.line
    advance()
    guard scanner.kind == .word, let word else {
      expected("what to add (rule, chain, table …)")
      return report(line)
    }
    switch word {
    case .table: tableBlock()
    case .rule:
      advance()
      addRule(line)
    case .chain, .set, .map, .flowtable, .counter, .quota, .limit, .secmark, .synproxy, .ct, .element:
      addObject(word, line)
    default:
      // `add ip filter input accept`: a rule, the word left out.
      addRule(line)
    }
  }

  private mutating func addObject(_ word: NftWord, _ line: Int) {
    var kind = scanner.text(scanner.start..<scanner.stop)
    advance()
    if word == .ct {
      kind += " " + scanner.text(scanner.start..<scanner.stop)
      advance()
    }
    guard let table = tableName() else { return report(line) }
    lowering.enter(table)
    guard let name = name() else {
      expected("a name for the \(kind)")
      return report(line)
    }
    switch word {
    case .chain: chainBlock(name, line: line)
    case .set, .map: setBlock(name, isMap: word == .map, line: line)
    case .element: addElements(name, line)
    default: object(kind, name: name, line: line)
    }
  }

  private mutating func addElements(_ name: Range<Int>, _ line: Int) {
    let at = setInfo(name)
    guard let info = sets[at] else {
      diagnose(.warning, "set \(scanner.text(name)) is not declared; its elements are left out", line: line)
      return skipStatement()
    }
    var set = lowering.ruleset.sets[Int(info.id.index)]
    lowering.ruleset.sets[Int(info.id.index)].lows = []
    elements(into: &set, at)
    lowering.ruleset.sets[Int(info.id.index)] = set
  }

  /// `TABLE CHAIN [handle n | position n | index n] RULE`
  private mutating func ruleChain(_ line: Int) -> (chain: ChainID, index: Int?)? {
    guard let table = tableName() else {
      report(line)
      return nil
    }
    lowering.enter(table)
    guard let name = name() else {
      expected("a chain's name")
      report(line)
      return nil
    }
    let chain = lowering.ruleset.chain(lowering.ruleset.names.intern(scanner.bytes(name)), in: table)
    var index: Int?
    if word == .handle || word == .position || word == .index {
      let isIndex = word == .index
      advance()
      let number = Int(scanner.text(scanner.start..<scanner.stop))
      advance()
      if isIndex {
        index = number
      } else {
        diagnose(.warning, "rules have no handles here; the rule is placed at the end of its chain", line: line)
      }
    }
    return (chain, index)
  }

  private mutating func addRule(_ line: Int) {
    guard let (chain, index) = ruleChain(line) else { return }
    if let index { insertions.append((lowering.ruleset.rules.count, chain, index + 1)) }
    rule(chain)
  }

  mutating func insertCommand() {
    let line = self.line
    advance()
    _ = take(.rule)
    guard let (chain, index) = ruleChain(line) else { return }
    insertions.append((lowering.ruleset.rules.count, chain, index ?? 0))
    rule(chain)
  }

  mutating func define() {
    let line = self.line
    advance()
    guard let name = name() else {
      expected("a variable's name")
      return report(line)
    }
    guard take("=") else {
      expected("'='")
      return report(line)
    }
    let start = scanner.start
    let valueLine = scanner.line
    skipStatement()
    variables[scanner.text(name)] = (start..<max(start, scanner.lastStop), valueLine)
  }

  /// Commands that take something away: harmless while there is nothing yet.
  mutating func removeCommand() {
    let line = self.line
    let start = scanner.start
    let verb = scanner.text(scanner.start..<scanner.stop)
    advance()
    let isTable = word == .table
    let isRuleset = word == .ruleset
    if isTable {
      advance()
      let before = tables.count
      let existing = tableName()
      let isNew = tables.count > before
      if let existing, isNew || !lowering.ruleset.chains.contains(where: { $0.table == existing }) {
        return skipStatement()
      }
    } else if isRuleset, lowering.ruleset.chains.count == firstChain {
      return skipStatement()
    }
    skipStatement()
    diagnose(
      .warning, "'\(verb)' is not followed: \(scanner.text(start..<max(start, min(scanner.lastStop, start + 80))))",
      line: line)
  }
}

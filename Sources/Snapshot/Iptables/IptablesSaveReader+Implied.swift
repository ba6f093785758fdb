import Input
import Ruleset
import Wire

// Rules without `*TABLE`: iptables -S, and excerpts.
extension IptablesParser {
  /// Opens the table of a line that stands under none.
  mutating func enterImplied(_ at: Int) {
    if implied == nil {
      guard table == nil else { return }
      implied = ImpliedTables(DumpSection(file, range: at..<limit, firstLine: line), command: command)
      impliedSection = -1
    }
    guard let implied else { return }
    var index = impliedSection
    if let own = implied.sectionOfLine[at] {
      index = own
    } else {
      while index + 1 < implied.sections.count, implied.sections[index + 1].start <= at { index += 1 }
    }
    guard index != impliedSection, implied.sections.indices.contains(index) else { return }
    enter(implied.sections[index], index)
  }

  private mutating func enter(_ section: ImpliedTables.Section, _ index: Int) {
    closeImplied()
    impliedSection = index
    if skipped.contains(section.table) {
      closeTable()
      return
    }
    let family: Family = version == .v6 ? .ip6 : .ip
    if let known = seen["\(family) \(section.table)"] {
      // More of a table that was open already: what was told in whole is not told again.
      resolveJumps()
      table = known
      guard implied!.sectionOfLine.isEmpty else { return }
      told = Set(
        ruleset.chains.indices.lazy.filter { [ruleset] in
          ruleset.chains[$0].table == known && ruleset.chains[$0].isDefined && !ruleset.chains[$0].isCut
        }.map { UInt32($0) })
      return
    }
    warn(
      section.isGuess
        ? "no *TABLE line stands before this one, and nothing tells the table; read as table \(section.table)"
        : "no *TABLE line stands before this one; read as table \(section.table)", section.isGuess ? .warning : .note)
    openTable(section.table)
    if section.isGuess {
      unread.append(UnreadPart(.rules, .tableNotTold, file: file.name, lines: section.firstLine...section.lastLine))
    }
    guard let table else { return }
    // Until their declarations come, built-in chains are taken for left out: `iptables -S CHAIN` prints one chain alone.
    partialTables.insert(table.index)
  }

  /// What the section that ends here does not tell of its table is unknown.
  mutating func closeImplied() {
    guard let implied, implied.sections.indices.contains(impliedSection), table != nil else { return }
    told = []
    resolveJumps()
    let section = implied.sections[impliedSection]
    closePart(section.firstLine...section.lastLine, isExcerpt: section.isExcerpt)
  }

  /// Marks what a part of a table leaves out: built-in chains and their policies first of all.
  mutating func closePart(_ lines: ClosedRange<Int>, isExcerpt: Bool) {
    guard let table else { return }
    var lacksChains = isExcerpt
    for hook in ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] {
      guard let place = Self.place(ruleset[table].name, hook) else { continue }
      // iptables before 1.8 with an old kernel has no INPUT in nat.
      if hook == "INPUT", ruleset[table].name == "nat", !lacksChains { continue }
      let chain = ruleset.chain(hook, in: table)
      guard !ruleset[chain].isDefined else { continue }
      defineBuiltIn(chain, place, line: lines.lowerBound)
      ruleset.markCut(chain)
      lacksChains = true
    }
    guard lacksChains else { return }
    let part = UnreadPart(.rules, .excerpt, file: file.name, lines: lines)
    guard !unread.contains(part) else { return }
    unread.append(part)
    diagnostics.add(Diagnostic(.warning, file: file.name, .line(lines.lowerBound), part.sentence))
  }

  /// `-P CHAIN POLICY` and `-N CHAIN`, unless the chain was told before.
  mutating func declareImplied(_ name: Token, policy: Token?) {
    guard table != nil else { return }
    let chain = self.chain(name)
    if implied != nil, ruleset[chain].isDefined, !ruleset[chain].isCut {
      told.insert(chain.index)
      return
    }
    declareChain(name, policy: policy)
  }

  /// A chain that has rules here and is not declared: it may have others.
  mutating func adoptPart(_ chain: ChainID, _ name: Token) {
    if let place = Self.place(ruleset[table!].name, name) {
      defineBuiltIn(chain, place, line: line)
    } else {
      ruleset.define(chain, line: line)
    }
    ruleset.markCut(chain)
  }

  private mutating func defineBuiltIn(_ chain: ChainID, _ place: (hook: Hook, priority: Int), line: Int) {
    ruleset.define(
      chain, line: line,
      base: BaseChain(
        type: ruleset[ruleset[chain].table].name == "nat" ? .nat : .filter, hook: place.hook, priority: place.priority,
        policyDrops: false))
  }

  static func place(_ table: String, _ chain: String) -> (hook: Hook, priority: Int)? {
    var name = chain
    return name.withUTF8 { utf8 in
      utf8.baseAddress.flatMap { place(table, Token(start: $0, count: utf8.count)) }
    }
  }
}

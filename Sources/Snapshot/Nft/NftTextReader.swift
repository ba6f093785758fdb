import Input
import Ruleset
import Wire

/// Reads nft's language: what `nft list ruleset` prints (also with -a, -s, -n), and as much of input files (`nft -f`) as
/// says what rules there are: `add`, `create`, `insert`, `define`. What a rule holds that is not understood becomes an
/// unknown match with its text, and one diagnostic; the rest is kept.
public enum NftTextReader {
  /// `isExcerpt`: the text is a part of the rules, as `nft list chain` prints it: chains and sets that it leaves out are
  /// unknown.
  public static func read(
    _ file: SourceFile, range: Range<Int>, isExcerpt: Bool = false, into snapshot: inout Snapshot
  ) {
    let range = range.clamped(to: 0..<file.bytes.count)
    var line = 1
    if range.lowerBound > 0 { line = file.line(at: range.lowerBound) }
    var ruleset = Ruleset()
    swap(&ruleset, &snapshot.ruleset)
    let index = ruleset.addFile(file)
    guard let base = file.bytes.baseAddress else {
      swap(&ruleset, &snapshot.ruleset)
      return
    }
    var reader = NftReader(
      scanner: NftScanner(base.assumingMemoryBound(to: UInt8.self), range, line: line), ruleset: ruleset,
      file: index, fileName: file.name)
    ruleset = Ruleset()
    reader.reserve(range.count)
    reader.isExcerpt = isExcerpt
    reader.readAll()
    if isExcerpt {
      let part = UnreadPart(.rules, .excerpt, file: file.name, lines: line...max(line, reader.line))
      snapshot.unread.append(part)
      snapshot.diagnostics.add(Diagnostic(.warning, file: file.name, .line(line), part.sentence))
    }
    snapshot.diagnostics.add(contentsOf: reader.diagnostics)
    swap(&reader.lowering.ruleset, &snapshot.ruleset)
    withExtendedLifetime(file) {}
  }
}

/// The state of reading one text.
struct NftReader {
  var scanner: NftScanner
  var lowering: NftLowering
  let file: UInt32
  let fileName: String
  /// Where the text was made from JSON: the line that each of its lines stands for.
  var lineMap: [Int]?
  var diagnostics = Diagnostics()
  let words = NftWordTable.shared

  /// Tables of this text, by family and name.
  var tables: [String: TableID] = [:]
  /// How the command before spelled its table.
  var lastTable: (range: Range<Int>, id: TableID)?
  var firstTable: Int
  var firstChain: Int
  /// Sets of this text: table and name → what is known of them.
  var sets: [SetKey: SetInfo] = [:]
  /// `define NAME = …`: the bytes of the value, and its line.
  var variables: [String: (range: Range<Int>, line: Int)] = [:]
  /// Tables that say, or whose rules show, that iptables-nft wrote them.
  var ownedTables: Set<UInt32> = []
  /// The table asked about last, and whether iptables-nft may have written it.
  var lastBuiltin: (table: TableID, answer: Bool)?
  /// Rules that `insert` placed: (rule, chain, position from 0 in the chain at that time).
  var insertions: [(rule: Int, chain: ChainID, position: Int)] = []
  var anonymousChains = 0
  /// How many variables were replaced so far: a rule that uses one has no text of its own.
  var variableUses = 0
  var depth = 0
  var isExcerpt = false
  /// Bytes before a rule of the chain being read where nothing of it is hidden: twice its chain's, counted from the table.
  var ruleIndentation = Int.max
  var tableIndentation = 0
  /// What went wrong first in the statement being read.
  var failure: String?

  struct SetKey: Hashable {
    var table: UInt32
    var name: NameID
  }

  struct SetInfo {
    var id: SetID
    var keys: [NftType]
    var widths: [Int]
    var data: [NftType]
    /// Line of the first reference, for sets never declared.
    var line: Int
  }

  init(scanner: NftScanner, ruleset: Ruleset, file: UInt32, fileName: String) {
    self.scanner = scanner
    firstTable = ruleset.tables.count
    firstChain = ruleset.chains.count
    lowering = NftLowering(ruleset)
    self.file = file
    self.fileName = fileName
  }

  var line: Int { position(scanner.kind == .newline ? scanner.line - 1 : scanner.line) }
  func position(_ line: Int) -> Int {
    guard let lineMap else { return line }
    return line > 0 && line <= lineMap.count ? lineMap[line - 1] : line
  }

  // MARK: Tokens

  var word: NftWord? { scanner.kind == .word ? words.find(scanner.bytes) : nil }

  /// The word that is next, if it is this one; consumed then.
  mutating func take(_ wanted: NftWord) -> Bool {
    guard scanner.kind == .word, word == wanted else { return false }
    advance()
    return true
  }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard scanner.isMark(scalar) else { return false }
    advance()
    return true
  }

  /// Consumes a token; variables are replaced by what they stand for.
  @inline(__always) mutating func advance() {
    scanner.advance()
    if scanner.kind == .punctuation, scanner.isMark("$") { substitute() }
  }

  mutating func substitute() {
    let dollar = scanner.line
    scanner.advance()
    guard scanner.kind == .word, let value = variables[scanner.text(scanner.start..<scanner.stop)],
      scanner.enter(value.range, line: value.line)
    else {
      diagnose(.warning, "variable \(scanner.description) is not defined here", line: position(dollar))
      return
    }
    variableUses += 1
    advance()
  }

  mutating func skipNewlines() {
    while scanner.kind == .newline { advance() }
  }

  /// Newlines and semicolons.
  mutating func skipSeparators() {
    while scanner.kind == .newline || scanner.isMark(";") { advance() }
  }

  /// A name: a word or a quoted string.
  mutating func name() -> Range<Int>? {
    guard scanner.kind == .word || scanner.kind == .string else { return nil }
    let range = scanner.start..<scanner.stop
    advance()
    return range
  }

  var atEndOfStatement: Bool {
    switch scanner.kind {
    case .newline, .end: true
    case .punctuation: scanner.isMark(";") || scanner.isMark("}")
    default: false
    }
  }

  // MARK: Diagnostics

  mutating func diagnose(_ severity: Diagnostic.Severity, _ message: String, line: Int? = nil) {
    diagnostics.add(Diagnostic(severity, file: fileName, .line(line ?? self.line), message))
  }

  mutating func expected(_ what: String) {
    if failure == nil { failure = "expected \(what), found \(scanner.description)" }
  }

  /// Skips to the end of a statement, over blocks in it; stands on the separator then.
  mutating func skipStatement() {
    var braces = 0
    while scanner.kind != .end {
      if scanner.isMark("{") {
        braces += 1
      } else if scanner.isMark("}") {
        if braces == 0 { return }
        braces -= 1
      } else if braces == 0, atEndOfStatement {
        return
      }
      advance()
    }
  }

  // MARK: Top level

  /// Room for what a large dump of this many bytes holds, so that arrays need not be moved as they grow.
  mutating func reserve(_ bytes: Int) {
    guard bytes > 1 << 20 else { return }
    lowering.ruleset.reserve(rules: bytes / 128, clauses: bytes / 60, chains: bytes / 260, nameLength: 56)
  }

  mutating func readAll() {
    advance()
    while true {
      skipSeparators()
      if scanner.kind == .end { break }
      let before = scanner.start
      command()
      if scanner.start == before, scanner.kind != .end, !scanner.isInVariable { advance() }
    }
    finish()
  }

  mutating func finish() {
    markOwnedTables()
    placeInsertions()
    reportMissing()
  }

  /// Chains that rules lead to and that no line declares.
  mutating func reportMissing() {
    let ruleset = lowering.ruleset
    let missing = Set(
      (firstChain..<ruleset.chains.count).lazy.filter { !ruleset.chains[$0].isDefined }.map { UInt32($0) })
    for info in sets.values.sorted(by: { $0.line < $1.line }) {
      let set = ruleset.sets[Int(info.id.index)]
      if !set.isDefined {
        diagnose(.warning, "set \(set.name) is not declared in table \(ruleset[set.table].name)", line: info.line)
      }
    }
    guard !missing.isEmpty else { return }
    if isExcerpt {
      for chain in missing {
        lowering.ruleset.define(ChainID(Int(chain)), line: 1)
        lowering.ruleset.markCut(ChainID(Int(chain)))
      }
      return
    }
    var reported: Set<UInt32> = []
    for rule in ruleset.rules where rule.file == file {
      for clause in ruleset.clauses(of: rule) {
        var targets: [ChainID] = []
        switch clause {
        case .statement(.jump(let chain)), .statement(.goto(let chain)): targets = [chain]
        case .statement(.verdictMap(let lookup)):
          let set = ruleset.sets[Int(ruleset.lookups[Int(lookup.index)].set.index)]
          if case .verdicts(let verdicts) = set.data {
            for case .jump(let chain) in verdicts { targets.append(chain) }
            for case .goto(let chain) in verdicts { targets.append(chain) }
          }
        default: break
        }
        for target in targets where missing.contains(target.index) && reported.insert(target.index).inserted {
          diagnose(
            .error, "chain \(ruleset.name(of: target)) does not exist in table \(ruleset[ruleset[target].table].name)",
            line: Int(rule.line))
        }
      }
    }
  }

  /// Puts inserted rules where they belong among their chain's rules.
  mutating func placeInsertions() {
    guard !insertions.isEmpty else { return }
    let chains = Set(insertions.map(\.chain.index))
    let placed = Dictionary(insertions.map { ($0.rule, $0.position) }, uniquingKeysWith: { $1 })
    for chain in chains {
      let slots = lowering.ruleset.rules.indices.filter { lowering.ruleset.rules[$0].chain.index == chain }
      var order: [Int] = []
      for slot in slots {
        if let position = placed[slot] {
          order.insert(slot, at: min(position, order.count))
        } else {
          order.append(slot)
        }
      }
      let rules = order.map { lowering.ruleset.rules[$0] }
      for (slot, rule) in zip(slots, rules) { lowering.ruleset.rules[slot] = rule }
    }
  }
}

extension NftTextReader {
  static let descriptor = DumpDescriptor(
    .nftText, role: .rules, commands: ["nft list ruleset", "nft list table ip kube-proxy"],
    collected: [.init("nft-ruleset.txt", "nft", "list", "ruleset")],
    isNamed: { $0.contains("nft") }, empty: { $0.rulesRead = true },
    read: { dump, snapshot in read(dump.section.file, range: dump.section.range, into: &snapshot) },
    recognises: { line in
      switch line.first {
      case "flush": return line.second == "ruleset"
      case "add":
        switch line.second {
        case "table", "chain", "rule", "set", "map", "element": return true
        default: return false
        }
      case "table": return line.text.last == UInt8(ascii: "{") || line.text.contains(" {")
      default: return line.text.hasPrefix("#!") && line.text.contains("nft")
      }
    })
}

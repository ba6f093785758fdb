import Input
import Ruleset
import Wire

/// What `iptables -L` prints, in all its forms: with and without -n, -v and --line-numbers, a table or a chain. It leaves
/// things out that iptables-save has; they are unknown.
enum IptablesListingReader: DumpReader {
  static let descriptor = DumpDescriptor(
    .iptablesListing, role: .rules, commands: ["iptables -L -n -v", "iptables -t nat -L -n -v"],
    read: { dump, snapshot in
      let variant = RuleSelection.Variant(dump)
      IptablesSaveReader.read(
        parts: [dump], version: variant.version, backend: variant.backend, skipping: [], into: &snapshot)
    },
    recognises: { line in
      if line.first == "Chain" { return heading(line.text) != nil }
      return ListedRule.Columns(line.text) != nil
    })

  static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    descriptor.read(RecognisedDump(format: .iptablesListing, section: section), &snapshot)
  }

  /// `Chain INPUT (policy ACCEPT 1 packets, 60 bytes)`, `Chain KUBE-FIREWALL (2 references)`: name and policy.
  static func heading(_ line: ByteText) -> (name: ByteText, policy: ByteText?)? {
    var words = Words(line)
    guard let chain = words.next(), chain == "Chain", let name = words.next(), let kind = words.next() else {
      return nil
    }
    if kind == "(policy" {
      guard let policy = words.next() else { return nil }
      return (name, policy.last == UInt8(ascii: ")") ? policy.dropLast(1) : policy)
    }
    guard kind.first == UInt8(ascii: "("), kind.dropFirst(1).int != nil, let word = words.next(),
      word.hasPrefix("reference")
    else { return nil }
    return (name, nil)
  }
}

/// A chain of a listing, and where its rows are.
private struct ListedChain {
  var name: String
  var policy: String?
  var line: Int
  var columns: ListedRule.Columns?
  var rows: [LineScanner.Line] = []
}

extension IptablesParser {
  /// Reads a listing, one table after the other.
  mutating func readListing(_ section: DumpSection) {
    var chains: [ListedChain] = []
    var names: Set<String> = []
    for line in section.lines {
      let text = line.text.trimmed
      guard let first = text.first, first != UInt8(ascii: "#") else { continue }
      self.line = line.number
      if let (name, policy) = IptablesListingReader.heading(text) {
        if !names.insert(name.string).inserted {
          // The chains of the next table.
          readListed(chains)
          chains = []
          names = [name.string]
        }
        chains.append(ListedChain(name: name.string, policy: policy?.string, line: line.number))
      } else if let columns = ListedRule.Columns(text) {
        if chains.isEmpty { chains.append(ListedChain(name: "", policy: nil, line: line.number)) }
        chains[chains.count - 1].columns = columns
      } else if chains.isEmpty {
        junk()
      } else {
        chains[chains.count - 1].rows.append(line)
      }
    }
    readListed(chains)
  }

  private mutating func readListed(_ chains: [ListedChain]) {
    guard let first = chains.first, let last = chains.last else { return }
    let lines = first.line...max(last.rows.last?.number ?? last.line, first.line)
    let (name, isGuess) = listedTable(chains)
    line = first.line
    if skipped.contains(name) { return warn("another copy of table \(name); not walked twice", .note) }
    told = []
    if let known = seen["\(version == .v6 ? Family.ip6 : .ip) \(name)"] {
      resolveJumps()
      table = known
    } else {
      warn("a listing, which names no table; read as table \(name)", isGuess ? .warning : .note)
      openTable(name)
      if isGuess { unread.append(UnreadPart(.rules, .tableNotTold, file: file.name, lines: lines)) }
    }
    guard let table else { return }
    partialTables.insert(table.index)
    for chain in chains where !chain.name.isEmpty { readListed(chain) }
    if chains.contains(where: { $0.columns.map { !$0.hasInterfaces } ?? false && !$0.rows.isEmpty }) {
      line = first.line
      warn(
        "iptables -L without -v shows no interfaces: they are unknown; hand over iptables-save, or iptables -L -n -v")
    }
    resolveJumps()
    closePart(lines, isExcerpt: chains.contains { $0.name.isEmpty })
  }

  private mutating func readListed(_ listed: ListedChain) {
    line = listed.line
    var name = listed.name
    let chain = self.ruleset.chain(name, in: table!)
    // Told by an earlier part already.
    if ruleset[chain].isDefined, !ruleset[chain].isCut { return }
    var policy = listed.policy
    name.withUTF8 { bytes in
      guard let start = bytes.baseAddress else { return }
      let token = Token(start: start, count: bytes.count)
      if policy != nil {
        policy!.withUTF8 { declareChain(token, policy: Token(start: $0.baseAddress!, count: $0.count)) }
      } else {
        declareChain(token, policy: nil)
      }
    }
    guard let columns = listed.columns else {
      if !listed.rows.isEmpty { ruleset.markCut(chain) }
      return
    }
    for row in listed.rows {
      line = row.number
      let text = row.text.trimmed
      if text.isEmpty { continue }
      guard let rule = ListedRule(text, columns) else {
        warn("expected a rule of `iptables -L`, found “\(text.printable)”; what it does is unknown")
        ruleset.addRule(
          [.statement(.unknown(ruleset.addText("the rule on line \(row.number), which is not understood")))], to: chain,
          file: fileIndex, line: row.number, offset: row.offset, length: row.text.count)
        continue
      }
      read(rule, of: chain, row, hasInterfaces: columns.hasInterfaces)
    }
  }

  private mutating func read(_ listed: ListedRule, of chain: ChainID, _ row: LineScanner.Line, hasInterfaces: Bool) {
    var unknown = listed.unknown
    if !hasInterfaces {
      unknown.append("the interfaces of the rule on line \(row.number), which iptables -L shows with -v only")
    }
    pendingUnknown = unknown
    listed.options.withUnsafeBufferPointer { options in
      guard let start = options.baseAddress else { return }
      var words = Tokenizer(at: start, end: start + options.count)
      parseRule(&words, chain: chain, start: row.offset, end: row.offset + row.text.count)
      // Jumps keep where the name stands.
      resolveJumps()
    }
    if listed.options.isEmpty {
      ruleset.addRule(
        unknown.map { .match(Match(.unknown(ruleset.addText($0)), negated: false)) }, to: chain, file: fileIndex,
        line: row.number, offset: row.offset, length: row.text.count)
    }
    pendingUnknown = []
  }

  /// By the command, the built-in chains, or what the rules do and the chains are called.
  private func listedTable(_ chains: [ListedChain]) -> (name: String, isGuess: Bool) {
    if let command, let stated = Prompt.table(of: command) { return (stated, false) }
    let policies = Set(chains.filter { $0.policy != nil }.map(\.name))
    if policies.count > 1, let table = ImpliedTables.table(policies: policies) { return (table, false) }
    for chain in chains {
      if let table = ImpliedTables.table(chain: chain.name, target: nil) { return (table, false) }
      for row in chain.rows {
        for word in row.words.prefix(4) {
          if let table = ImpliedTables.table(chain: "", target: word.string) { return (table, false) }
        }
      }
    }
    if let table = ImpliedTables.table(policies: policies) { return (table, policies != ["FORWARD"]) }
    return ("filter", true)
  }
}

import Input
import Ruleset
import Wire

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Reads what iptables-save and ip6tables-save print (legacy and nft variants, with and without counters), `iptables
/// -S`, and iptables-restore input. One pass over the bytes; rules keep the offset of their line, not its text.
public enum IptablesSaveReader {
  /// Appends the dump's tables to the snapshot's ruleset. `version` nil: told by the header or the addresses.
  /// Text before the first table and after COMMIT is reported once and left out.
  /// `command`: what a prompt before it says that printed it.
  public static func read(
    _ section: DumpSection, version: IPVersion? = nil, backend: Backend = .iptables, command: String? = nil,
    into snapshot: inout Snapshot
  ) {
    let file = section.file
    // The ruleset leaves the snapshot while it is changed, so that its arrays stay uniquely referenced.
    var parser = IptablesParser(
      ruleset: snapshot.ruleset, diagnostics: snapshot.diagnostics, file: file, version: version, backend: backend)
    snapshot.ruleset = Ruleset()
    snapshot.diagnostics = Diagnostics()
    parser.command = command
    parser.read(section)
    snapshot.ruleset = parser.ruleset
    snapshot.diagnostics = parser.diagnostics
    snapshot.unread += parser.unread
  }

  /// Reads parts of tables, which stand in one file without `*TABLE`: what an earlier part tells in whole is not read again,
  /// and tables in `skipping` not at all.
  static func read(
    parts: [RecognisedDump], version: IPVersion?, backend: Backend, skipping: Set<String>, into snapshot: inout Snapshot
  ) {
    guard let file = parts.first?.section.file else { return }
    var parser = IptablesParser(
      ruleset: snapshot.ruleset, diagnostics: snapshot.diagnostics, file: file, version: version, backend: backend)
    snapshot.ruleset = Ruleset()
    snapshot.diagnostics = Diagnostics()
    parser.skipped = skipping
    for part in parts {
      parser.command = part.command
      if part.format == .iptablesListing {
        parser.readListing(part.section)
      } else {
        parser.readLines(part.section)
        parser.closeImplied()
        parser.implied = nil
      }
      parser.closeTable()
    }
    parser.finish()
    snapshot.ruleset = parser.ruleset
    snapshot.diagnostics = parser.diagnostics
    snapshot.unread += parser.unread
  }

  public static func read(
    _ file: SourceFile, version: IPVersion? = nil, backend: Backend = .iptables, into snapshot: inout Snapshot
  ) {
    read(DumpSection(file), version: version, backend: backend, into: &snapshot)
  }
}

/// The state of one reading.
struct IptablesParser {
  var ruleset: Ruleset
  var diagnostics: Diagnostics
  let file: SourceFile
  let fileIndex: UInt32
  var version: IPVersion
  var versionKnown: Bool
  var backend: Backend

  let base: UnsafePointer<UInt8>
  var line = 0
  var table: TableID?
  /// Tables of this dump by name, to notice a repetition.
  var seen: [String: TableID] = [:]
  var lastChain: ChainID?
  var lastChainTable: TableID?
  var junkLines = 0
  /// Lines inside tables that are none of a dump's.
  private var doubtful: ClosedRange<Int>?
  var firstJunk = 0
  var interfaces: [String: WideID] = [:]
  /// Declarations before this offset were looked at ahead.
  var foreseen = 0
  /// Jumps of the open table whose targets are not looked up yet.
  var pendingJumps: [PendingJump] = []
  /// Chains first named by a jump, with the rule's line.
  var jumps: [(chain: ChainID, line: Int)] = []

  /// A `*TABLE` was read: a dump as iptables-save prints it.
  var isSave = false
  /// What a prompt says that printed the text.
  var command: String?
  /// The text that is being read ends here.
  var limit = 0
  /// The tables of rules that stand without `*TABLE`, looked for when the first such line comes.
  var implied: ImpliedTables?
  /// The section of `implied` that is open.
  var impliedSection = -1
  /// Chains of the open section that another section told already.
  var told: Set<UInt32> = []
  /// Tables of which not all chains, or not all rules of the chains, are in the text.
  var partialTables: Set<UInt32> = []
  var unread: [UnreadPart] = []
  /// Tables that another dump tells better.
  var skipped: Set<String> = []
  /// What a listing does not show of the rule being read.
  var pendingUnknown: [String] = []

  // Of the rule being read.
  var rule = RuleState()

  init(ruleset: Ruleset, diagnostics: Diagnostics, file: SourceFile, version: IPVersion?, backend: Backend) {
    self.ruleset = ruleset
    self.diagnostics = diagnostics
    self.file = file
    self.version = version ?? .v4
    versionKnown = version != nil
    self.backend = backend
    fileIndex = self.ruleset.addFile(file)
    base = file.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(bitPattern: 1)!
  }

  mutating func read(_ section: DumpSection) {
    readLines(section)
    finish()
  }

  mutating func readLines(_ section: DumpSection) {
    let range = section.range
    if range.upperBound > Int(UInt32.max) {
      diagnostics.add(Diagnostic(.error, file: file.name, .whole, "larger than 4 GiB; only the first 4 GiB are read"))
    }
    limit = min(range.upperBound, Int(UInt32.max))
    // What kube-proxy writes: a chain for each endpoint, two rules and a jump to it.
    let size = limit - range.lowerBound
    ruleset.reserve(rules: size / 140, clauses: size / 65, chains: size / 440)
    pendingJumps.reserveCapacity(PendingJump.limit)
    line = section.firstLine - 1
    var at = range.lowerBound
    var released = range.lowerBound
    if !versionKnown { version = guessVersion(range) }
    while at < limit {
      line += 1
      let end = lineEnd(from: at, limit: limit)
      readLine(at, end)
      at = end + 1
      if at - released > 4 << 20 {
        file.releasePages(before: at)
        released = at
      }
    }
  }

  @inline(__always) func lineEnd(from: Int, limit: Int) -> Int {
    guard let found = memoryFind(base + from, 10, limit - from) else { return limit }
    return found - base
  }

  @inline(__always) mutating func readLine(_ start: Int, _ lineEnd: Int) {
    var at = start
    var end = lineEnd
    while at < end, base[at] == 0x20 || base[at] == 0x09 { at += 1 }
    while end > at, base[end - 1] <= 0x20 { end -= 1 }
    guard at < end else { return }
    switch base[at] {
    case UInt8(ascii: "-"):
      if end - at > 3, base[at + 1] == UInt8(ascii: "A"), base[at + 2] == 0x20, table != nil, implied == nil {
        readRule(at, end, from: at + 3)
      } else {
        readCommand(at, end)
      }
    case UInt8(ascii: ":"):
      if at >= foreseen { foresee(at) }
      readChain(at, end)
    case UInt8(ascii: "["): readCounted(at, end)
    case UInt8(ascii: "*"): beginTable(at, end)
    case UInt8(ascii: "#"): readComment(at, end)
    case UInt8(ascii: "C") where Token(start: base + at, count: end - at).equals("COMMIT"): closeTable()
    default: junk()
    }
  }

  /// Text that is no part of a dump: a prompt, a log line, another tool's output.
  mutating func junk() {
    if junkLines == 0 { firstJunk = line }
    junkLines += 1
    if table != nil { doubt() }
  }

  /// What this line would say of the table that it stands in is not known.
  private mutating func doubt() {
    doubtful = (doubtful?.lowerBound ?? line)...max(line, doubtful?.upperBound ?? line)
  }

  mutating func warn(_ message: String, _ severity: Diagnostic.Severity = .warning) {
    diagnostics.add(Diagnostic(severity, file: file.name, .line(line), message))
  }

  // MARK: - Tables and chains

  private mutating func readComment(_ at: Int, _ end: Int) {
    let token = Token(start: base + at, count: end - at)
    guard token.hasPrefix("# Generated by ") else {
      if token.hasPrefix("# Warning: "), token.text.contains("tables present") {
        warn(String(token.text.dropFirst(2)), .note)
      }
      return
    }
    let text = token.text
    if !versionKnown { version = text.contains("ip6tables") ? .v6 : .v4 }
    if backend == .iptables {
      if text.contains("nf_tables") || text.contains("-nft-save") { backend = .iptablesNft }
      if text.contains("legacy") { backend = .iptablesLegacy }
    }
  }

  private mutating func beginTable(_ at: Int, _ end: Int) {
    var words = Tokenizer(at: base + at + 1, end: base + end)
    guard let name = words.next()?.text, words.next() == nil else { return warn("expected *TABLE alone on the line") }
    isSave = true
    implied = nil
    // Files without headers may hold IPv4 tables first and IPv6 tables behind them.
    if !versionKnown { version = guessVersion(at..<sectionEnd(at)) }
    openTable(name)
  }

  mutating func closeTable() {
    resolveJumps()
    table = nil
  }

  mutating func openTable(_ name: String) {
    closeTable()
    if !["filter", "nat", "mangle", "raw", "security", "broute"].contains(name) {
      warn("table '\(name)' is none of iptables' tables; its chains are kept and not walked")
    }
    let family: Family = version == .v6 ? .ip6 : .ip
    if let earlier = seen["\(family) \(name)"] {
      // iptables-restore empties a table that comes again, so the last one counts.
      ruleset.tables[Int(earlier.index)].dormant = true
      warn("table \(name) comes again: this copy replaces the earlier one, as iptables-restore does", .note)
    }
    let id = ruleset.addTable(Table(family: family, name: name, backend: backend, file: fileIndex))
    seen["\(family) \(name)"] = id
    table = id
  }

  /// The open table's chain of this name, made when it is new.
  @inline(__always) mutating func chain(_ token: Token) -> ChainID {
    ruleset.chain(ruleset.names.intern(token.bytes), in: table!)
  }

  /// Asks for the places of the next declarations' names before they are read: each is somewhere else.
  private mutating func foresee(_ start: Int) {
    var at = start
    let limit = min(at + 2048, file.bytes.count)
    while at < limit, base[at] == UInt8(ascii: ":") {
      let end = lineEnd(from: at, limit: limit)
      var nameEnd = at + 1
      while nameEnd < end, base[nameEnd] > 0x20 { nameEnd += 1 }
      let name = UnsafeRawBufferPointer(start: base + at + 1, count: nameEnd - at - 1)
      ruleset.names.prefetchSlot(NameTable.hash(name))
      at = end + 1
    }
    foreseen = max(at, start + 1)
  }

  private mutating func readChain(_ at: Int, _ end: Int) {
    guard table != nil else { return junk() }
    var words = Tokenizer(at: base + at + 1, end: base + end)
    guard let name = words.next() else { return warn("expected :CHAIN POLICY [packets:bytes]") }
    let policy = words.next()
    declareChain(name, policy: policy)
  }

  mutating func declareChain(_ name: Token, policy: Token?) {
    guard let table else { return }
    let chain = self.chain(name)
    if ruleset[chain].isDefined { warn("chain \(printable(name.text)) is declared twice", .note) }
    let hasPolicy = policy.map { !$0.equals("-") } ?? false
    guard hasPolicy, let place = Self.place(ruleset[table].name, name) else {
      if hasPolicy {
        warn("chain \(printable(name.text)) has a policy but is no built-in chain of table \(ruleset[table].name)")
      }
      return ruleset.define(chain, line: line)
    }
    ruleset.define(
      chain, line: line,
      base: BaseChain(
        type: ruleset[table].name == "nat" ? .nat : .filter, hook: place.hook, priority: place.priority,
        policyDrops: policy!.equals("DROP")))
  }

  /// The hook and priority of a built-in chain (include/uapi/linux/netfilter_ipv4.h, net/ipv4/netfilter/iptable_*.c).
  static func place(_ table: String, _ chain: Token) -> (hook: Hook, priority: Int)? {
    let hook: Hook
    if chain.equals("PREROUTING") {
      hook = .prerouting
    } else if chain.equals("INPUT") {
      hook = .input
    } else if chain.equals("FORWARD") {
      hook = .forward
    } else if chain.equals("OUTPUT") {
      hook = .output
    } else if chain.equals("POSTROUTING") {
      hook = .postrouting
    } else {
      return nil
    }
    switch (table, hook) {
    case ("raw", .prerouting), ("raw", .output): return (hook, HookPriority.raw)
    case ("mangle", _): return (hook, HookPriority.mangle)
    case ("nat", .prerouting), ("nat", .output): return (hook, HookPriority.destinationNAT)
    case ("nat", .input), ("nat", .postrouting): return (hook, HookPriority.sourceNAT)
    case ("filter", .input), ("filter", .forward), ("filter", .output): return (hook, HookPriority.filter)
    case ("security", .input), ("security", .forward), ("security", .output): return (hook, HookPriority.security)
    default: return nil
    }
  }

  // MARK: - Rules and commands

  private mutating func readCounted(_ at: Int, _ end: Int) {
    guard table != nil || Token(start: base + at, count: end - at).text.contains("] -A ") else { return junk() }
    var words = Tokenizer(at: base + at, end: base + end)
    guard let counters = words.next(), counters[counters.count - 1] == UInt8(ascii: "]"), let verb = words.next(),
      verb.equals("-A")
    else {
      doubt()
      return warn("expected [packets:bytes] -A CHAIN …")
    }
    enterImplied(at)
    while words.at < words.end, words.at.pointee == 0x20 { words.at += 1 }
    readRule(words.at - base - 3, end, from: words.at - base)
  }

  /// What iptables -S prints, and the commands that restore files use besides -A.
  private mutating func readCommand(_ at: Int, _ end: Int) {
    var words = Tokenizer(at: base + at, end: base + end)
    guard let verb = words.next() else { return }
    if verb.equals("-t") || verb.equals("--table"), let name = words.next() {
      if table == nil || ruleset[table!].name != name.text {
        if let known = seen["\(version == .v6 ? Family.ip6 : .ip) \(name.text)"] {
          closeTable()
          table = known
        } else {
          openTable(name.text)
        }
      }
      while words.at < words.end, words.at.pointee == 0x20 { words.at += 1 }
      if words.at < words.end { return readLineAgain(words.at - base, end) }
      return
    }
    if verb.equals("-P") || verb.equals("--policy"), let chain = words.next(), let policy = words.next() {
      enterImplied(at)
      return declareImplied(chain, policy: policy)
    }
    if verb.equals("-N") || verb.equals("--new-chain"), let chain = words.next() {
      enterImplied(at)
      return declareImplied(chain, policy: nil)
    }
    if verb.equals("-A") || verb.equals("--append") {
      enterImplied(at)
      while words.at < words.end, words.at.pointee == 0x20 { words.at += 1 }
      return readRule(at, end, from: words.at - base)
    }
    if verb.equals("-F") || verb.equals("-X") || verb.equals("-Z") || verb.equals("--flush")
      || verb.equals("--delete-chain")
    {
      return warn("'\(verb.text)' changes rules and is not evaluated; only what stands in the dump counts", .note)
    }
    if verb.equals("-I") || verb.equals("--insert") || verb.equals("-D") || verb.equals("-R") {
      doubt()
      return warn("'\(verb.text)' is a command, not a line of iptables-save; it is not evaluated")
    }
    guard table != nil else { return junk() }
    doubt()
    warn("expected -A CHAIN, :CHAIN, *TABLE or COMMIT, found '\(printable(verb.text))'")
  }

  private mutating func readLineAgain(_ at: Int, _ end: Int) {
    base[at] == UInt8(ascii: "-") && base[at + 1] == UInt8(ascii: "t") ? junk() : readLine(at, end)
  }

  @inline(__always) private mutating func readRule(_ start: Int, _ end: Int, from: Int) {
    guard let table else { return }
    var words = Tokenizer(at: base + from, end: base + end)
    guard let name = words.next() else { return warn("expected a chain name after -A") }
    if !told.isEmpty, told.contains(self.chain(name).index) { return }
    let chain: ChainID
    if let last = lastChain, lastChainTable == table, let known = sameOrNext(last, table, name) {
      chain = known
    } else {
      chain = self.chain(name)
      if !ruleset[chain].isDefined { adoptUndeclared(chain, name) }
    }
    lastChain = chain
    lastChainTable = table
    parseRule(&words, chain: chain, start: start, end: end)
  }

  /// iptables-save lists rules in the order in which it declares chains: most rules belong to the chain of the rule
  /// before, or to the next that has rules.
  @inline(__always) private func sameOrNext(_ last: ChainID, _ table: TableID, _ name: Token) -> ChainID? {
    for step in 0...1 {
      let index = Int(last.index) + step
      guard index < ruleset.chains.count else { return nil }
      let chain = ruleset.chains[index]
      if chain.table == table, chain.line != 0, ruleset.names.name(chain.name, equals: name.bytes) {
        return ChainID(index)
      }
    }
    return nil
  }

  /// A rule for a chain that no line declared: excerpts of dumps. Built-in ones get their hook and policy ACCEPT.
  private mutating func adoptUndeclared(_ chain: ChainID, _ name: Token) {
    if partialTables.contains(table!.index) { return adoptPart(chain, name) }
    guard let place = Self.place(ruleset[table!].name, name) else {
      warn("chain \(printable(name.text)) is not declared by a ':' line before this rule", .note)
      return ruleset.define(chain, line: line)
    }
    warn("policy of built-in chain \(name.text) is not in the dump; taken as ACCEPT", .note)
    ruleset.define(
      chain, line: line,
      base: BaseChain(
        type: ruleset[table!].name == "nat" ? .nat : .filter, hook: place.hook, priority: place.priority,
        policyDrops: false))
  }

  mutating func finish() {
    closeImplied()
    resolveJumps()
    if let doubtful {
      let part = UnreadPart(.rules, .cut, file: file.name, lines: doubtful)
      unread.append(part)
      diagnostics.add(Diagnostic(.warning, file: file.name, .line(doubtful.lowerBound), part.sentence))
    }
    if junkLines > 0 {
      diagnostics.add(
        Diagnostic(
          .note, file: file.name, .line(firstJunk),
          "\(junkLines) line\(junkLines == 1 ? "" : "s") outside any table left out (the first one is here)"))
    }
    if isSave, table != nil, !seen.isEmpty, ruleset.tables.last?.file == fileIndex {
      diagnostics.add(
        Diagnostic(
          .warning, file: file.name, .line(line),
          "the dump ends inside table \(ruleset[table!].name): COMMIT is missing, it may be cut"))
      markCutChains()
    }
    var reported = Set<UInt32>()
    for jump in jumps where !ruleset[jump.chain].isDefined && reported.insert(jump.chain.index).inserted {
      // What an excerpt leaves out is somewhere.
      if partialTables.contains(ruleset[jump.chain].table.index) {
        ruleset.define(jump.chain, line: jump.line)
        ruleset.markCut(jump.chain)
        continue
      }
      diagnostics.add(
        Diagnostic(
          .error, file: file.name, .line(jump.line),
          "jump to chain \(printable(ruleset.name(of: jump.chain))), which table \(ruleset[ruleset[jump.chain].table].name) does not have"
        ))
    }
  }

  /// Chains come in their order, each with its rules together: the last one that was begun and those behind it lack some.
  private mutating func markCutChains() {
    let chains = ruleset.chains.indices.filter { ruleset.chains[$0].table == table && ruleset.chains[$0].isDefined }
    let begun = chains.last { ruleset.chains[$0].ruleCount > 0 } ?? 0
    for chain in chains where chain >= begun { ruleset.markCut(ChainID(chain)) }
  }

  /// Where the section's COMMIT stands, looked for in the next MiB.
  private func sectionEnd(_ start: Int) -> Int {
    let limit = min(start + (1 << 20), file.bytes.count)
    var at = start
    while at < limit {
      let end = lineEnd(from: at, limit: limit)
      if Token(start: base + at, count: end - at).hasPrefix("COMMIT") { return end }
      at = end + 1
    }
    return limit
  }

  /// ip6tables dumps show IPv6 addresses or its ICMP names; looked for in the first MiB only.
  private func guessVersion(_ range: Range<Int>) -> IPVersion {
    let head = file.text(range.lowerBound..<min(range.upperBound, range.lowerBound + (1 << 20)))
    if head.contains("Generated by ip6tables") || file.name.contains("ip6tables") { return .v6 }
    if head.contains("Generated by iptables") { return .v4 }
    return head.contains("icmp6-") || head.contains("ipv6-icmp") || head.contains("::/") || head.contains("/128")
      ? .v6 : .v4
  }
}

/// memchr over bytes.
@inline(__always) func memoryFind(_ start: UnsafePointer<UInt8>, _ byte: Int32, _ count: Int) -> UnsafePointer<UInt8>? {
  guard count > 0, let found = memchr(start, byte, count) else { return nil }
  return UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
}

/// Text from an input made safe to print, cut to a bearable length: dumps are written by strangers.
public func printable(_ text: String, limit: Int = 1024) -> String { VisibleText.string(text, limit: limit) }

extension IptablesSaveReader {
  static let descriptor = DumpDescriptor(
    .iptablesSave, role: .rules, commands: ["iptables-save", "ip6tables-save", "iptables -S", "iptables -t nat -S"],
    collected: [
      .init("iptables-save.txt", "iptables-save", "-c"), .init("ip6tables-save.txt", "ip6tables-save", "-c"),
      .init("iptables-legacy-save.txt", "iptables-legacy-save", "-c"),
      .init("ip6tables-legacy-save.txt", "ip6tables-legacy-save", "-c"),
    ],
    isNamed: { $0.contains("tables") && $0.contains("save") }, empty: { $0.rulesRead = true },
    read: { dump, snapshot in
      let variant = RuleSelection.Variant(dump)
      read(dump.section, version: variant.version, backend: variant.backend, command: dump.command, into: &snapshot)
    },
    recognises: { line in
      switch line.text.first {
      case UInt8(ascii: "-"):
        // `-A -t …` is ipvsadm's.
        switch line.first {
        case "-A": return !line.second.isEmpty && line.second.first != UInt8(ascii: "-")
        case "-P": return isPolicy(line.rest.peek)
        case "-N": return !line.second.isEmpty && line.rest.peek == nil
        default: return false
        }
      case UInt8(ascii: ":"): return line.text.contains(" ") && line.text.last == UInt8(ascii: "]")
      case UInt8(ascii: "*"): return isTable(line.text.dropFirst(1).trimmed)
      case UInt8(ascii: "#"):
        return line.text.hasPrefix("# Generated by ") && line.text.contains("tables-") && line.text.contains("save")
      case UInt8(ascii: "["):
        guard let (counters, rest) = line.text.dropFirst(1).split(at: UInt8(ascii: "]")),
          let (packets, bytes) = counters.split(at: UInt8(ascii: ":"))
        else { return false }
        return packets.int != nil && bytes.int != nil && rest.hasPrefix(" -A ")
      default: return false
      }
    })

  private static func isPolicy(_ word: ByteText?) -> Bool {
    switch word {
    case .some(let word): word == "ACCEPT" || word == "DROP"
    case nil: false
    }
  }

  static func isTable(_ name: ByteText) -> Bool {
    switch name {
    case "filter", "nat", "mangle", "raw", "security", "broute": true
    default: false
    }
  }
}

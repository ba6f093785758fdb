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
  public static func read(
    _ file: SourceFile, range: Range<Int>? = nil, version: IPVersion? = nil, backend: Backend = .iptables,
    into snapshot: inout Snapshot
  ) {
    let range = range ?? 0..<file.bytes.count
    // The ruleset leaves the snapshot while it is changed, so that its arrays stay uniquely referenced.
    var parser = IptablesParser(
      ruleset: snapshot.ruleset, diagnostics: snapshot.diagnostics, file: file, version: version, backend: backend)
    snapshot.ruleset = Ruleset()
    snapshot.diagnostics = Diagnostics()
    parser.read(range)
    snapshot.ruleset = parser.ruleset
    snapshot.diagnostics = parser.diagnostics
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
  var firstJunk = 0
  var interfaces: [String: WideID] = [:]
  /// Declarations before this offset were looked at ahead.
  var foreseen = 0
  /// Jumps of the open table whose targets are not looked up yet.
  var pendingJumps: [PendingJump] = []
  /// Chains first named by a jump, with the rule's line.
  var jumps: [(chain: ChainID, line: Int)] = []

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

  mutating func read(_ range: Range<Int>) {
    if range.upperBound > Int(UInt32.max) {
      diagnostics.add(Diagnostic(.error, file: file.name, .whole, "larger than 4 GiB; only the first 4 GiB are read"))
    }
    let limit = min(range.upperBound, Int(UInt32.max))
    // What kube-proxy writes: a chain for each endpoint, two rules and a jump to it.
    let size = limit - range.lowerBound
    ruleset.reserve(rules: size / 140, clauses: size / 65, chains: size / 440)
    pendingJumps.reserveCapacity(PendingJump.limit)
    line = range.lowerBound == 0 ? 0 : file.line(at: range.lowerBound) - 1
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
    finish()
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
      if end - at > 3, base[at + 1] == UInt8(ascii: "A"), base[at + 2] == 0x20, table != nil {
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
    // Files without headers may hold IPv4 tables first and IPv6 tables behind them.
    if !versionKnown { version = guessVersion(at..<sectionEnd(at)) }
    openTable(name)
  }

  private mutating func closeTable() {
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

  private mutating func declareChain(_ name: Token, policy: Token?) {
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
    else { return warn("expected [packets:bytes] -A CHAIN …") }
    if table == nil { openImplicitTable() }
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
      if table == nil { openImplicitTable() }
      return declareChain(chain, policy: policy)
    }
    if verb.equals("-N") || verb.equals("--new-chain"), let chain = words.next() {
      if table == nil { openImplicitTable() }
      return declareChain(chain, policy: nil)
    }
    if verb.equals("-A") || verb.equals("--append") {
      if table == nil { openImplicitTable() }
      while words.at < words.end, words.at.pointee == 0x20 { words.at += 1 }
      return readRule(at, end, from: words.at - base)
    }
    if verb.equals("-F") || verb.equals("-X") || verb.equals("-Z") || verb.equals("--flush")
      || verb.equals("--delete-chain")
    {
      return warn("'\(verb.text)' changes rules and is not evaluated; only what stands in the dump counts", .note)
    }
    if verb.equals("-I") || verb.equals("--insert") || verb.equals("-D") || verb.equals("-R") {
      return warn("'\(verb.text)' is a command, not a line of iptables-save; it is not evaluated")
    }
    table == nil ? junk() : warn("expected -A CHAIN, :CHAIN, *TABLE or COMMIT, found '\(printable(verb.text))'")
  }

  private mutating func readLineAgain(_ at: Int, _ end: Int) {
    base[at] == UInt8(ascii: "-") && base[at + 1] == UInt8(ascii: "t") ? junk() : readLine(at, end)
  }

  /// `iptables -S` names no table: its built-in chains tell which it is.
  private mutating func openImplicitTable() {
    let text = file.text(0..<min(file.bytes.count, 4096))
    let name: String
    if text.contains("-P PREROUTING") {
      name = text.contains("-P FORWARD") ? "mangle" : text.contains("-P POSTROUTING") ? "nat" : "raw"
    } else if text.contains("-P ") || !(text.contains("-A PREROUTING") || text.contains("-A POSTROUTING")) {
      name = "filter"
    } else {
      name = text.contains("NOTRACK") || text.contains("-j CT ") ? "raw" : "nat"
    }
    warn("no *TABLE line stands before this one; read as table \(name)", .note)
    openTable(name)
    // Rules may name built-in chains that nothing declared.
    for hook in ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] {
      let declared = text.contains("-P \(hook) ")
      var copy = hook
      copy.withUTF8 { utf8 in
        let token = Token(start: utf8.baseAddress!, count: utf8.count)
        if !declared, let place = Self.place(name, token) {
          let chain = ruleset.chain(hook, in: table!)
          ruleset.define(
            chain, line: line,
            base: BaseChain(
              type: name == "nat" ? .nat : .filter, hook: place.hook, priority: place.priority, policyDrops: false))
        }
      }
    }
  }

  @inline(__always) private mutating func readRule(_ start: Int, _ end: Int, from: Int) {
    guard let table else { return }
    var words = Tokenizer(at: base + from, end: base + end)
    guard let name = words.next() else { return warn("expected a chain name after -A") }
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

  private mutating func finish() {
    resolveJumps()
    if junkLines > 0 {
      diagnostics.add(
        Diagnostic(
          .note, file: file.name, .line(firstJunk),
          "\(junkLines) line\(junkLines == 1 ? "" : "s") outside any table left out (the first one is here)"))
    }
    if table != nil, !seen.isEmpty, ruleset.tables.last?.file == fileIndex, !isExcerpt {
      diagnostics.add(
        Diagnostic(
          .warning, file: file.name, .line(line),
          "the dump ends inside table \(ruleset[table!].name): COMMIT is missing, it may be cut"))
      markCutChains()
    }
    var reported = Set<UInt32>()
    for jump in jumps where !ruleset[jump.chain].isDefined && reported.insert(jump.chain.index).inserted {
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

  /// `iptables -S` output has no COMMIT.
  var isExcerpt: Bool {
    !file.text(0..<min(file.bytes.count, 1 << 16)).contains("*")
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

/// Text from an input with control characters made visible, cut to a bearable length: dumps are written by strangers.
public func printable(_ text: String, limit: Int = 200) -> String {
  var out = ""
  for scalar in text.unicodeScalars.prefix(limit) {
    switch scalar.value {
    case 0x20..<0x7F, 0xA1...0x200A, 0x2010...0x2027, 0x2030...0x205E, 0x2070..<0xE000, 0xF900..<0xFFF0,
      0x10000..<0xE0000:
      out.unicodeScalars.append(scalar)
    default: out += "\\u{\(String(scalar.value, radix: 16))}"
    }
  }
  return text.unicodeScalars.count > limit ? out + "…" : out
}

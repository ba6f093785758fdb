import Input

/// The tables of rules that stand without `*TABLE`: what `iptables -S` prints for one table after the other, and lines that a
/// search picked out of iptables-save.
struct ImpliedTables {
  /// Rules of one table that stand together.
  struct Section {
    /// Where its first line begins.
    var start: Int
    var firstLine: Int
    var lastLine: Int
    var table: String
    /// Nothing tells the table: it is a guess.
    var isGuess: Bool
    /// No `-P` and no `-N`: some rules of what may be many more.
    var isExcerpt: Bool
  }

  private(set) var sections: [Section] = []
  /// Of an excerpt that mixes tables: the section by the offset of each line.
  private(set) var sectionOfLine: [Int: Int] = [:]

  /// What was seen of a run of lines so far.
  private struct Run {
    var start: Int
    var firstLine: Int
    var lastLine: Int
    var policies: Set<String> = []
    /// Of the last policy's chain: they are printed in the order in which a packet meets them.
    var lastHook = -1
    var hasNew = false
    var hasRules = false
    var rules: [(offset: Int, line: Int, chain: String, target: String?)] = []
  }

  /// `range`: from the first line without a table to where a `*TABLE` begins or the text ends. `command`: what a prompt says.
  init(_ section: DumpSection, command: String?) {
    let stated = command.flatMap { Prompt.table(of: $0) }
    var run: Run?
    for line in section.lines {
      var text = line.text.trimmed
      if text.first == UInt8(ascii: "*") { break }
      if text.first == UInt8(ascii: "["), let (_, rest) = text.split(at: UInt8(ascii: "]")) { text = rest.trimmed }
      var words = Words(text)
      guard let verb = words.next(), let chain = words.next() else { continue }
      switch verb {
      case "-P", "--policy":
        // Policies come first: one behind rules, or one that stands before the last in a table, begins the next table.
        let hook = Self.hooks.firstIndex { chain == $0 } ?? -1
        if let done = run, done.hasNew || done.hasRules || hook <= done.lastHook {
          add(done, stated)
          run = nil
        }
        open(&run, line)
        run!.policies.insert(chain.string)
        run!.lastHook = hook
      case "-N", "--new-chain":
        open(&run, line)
        run!.hasNew = true
      case "-A", "--append":
        open(&run, line)
        run!.hasRules = true
        run!.rules.append((line.offset, line.number, chain.string, Self.target(words)))
      default: continue
      }
    }
    if let run { add(run, stated) }
  }

  /// Changed in place: a run may have a hundred thousand rules.
  private func open(_ run: inout Run?, _ line: LineScanner.Line) {
    if run == nil { run = Run(start: line.offset, firstLine: line.number, lastLine: line.number) }
    run!.lastLine = line.number
  }

  private static let hooks: [StaticString] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]

  private static func target(_ line: Words) -> String? {
    var words = line
    while let word = words.next() {
      if word == "-j" || word == "-g" || word == "--jump" { return words.next()?.string }
    }
    return nil
  }

  private mutating func add(_ run: Run, _ stated: String?) {
    let isExcerpt = run.policies.isEmpty && !run.hasNew
    func section(_ table: String, isGuess: Bool) -> Section {
      Section(
        start: run.start, firstLine: run.firstLine, lastLine: run.lastLine, table: table, isGuess: isGuess,
        isExcerpt: isExcerpt)
    }
    if let stated { return sections.append(section(stated, isGuess: false)) }
    if let table = Self.table(policies: run.policies) { return sections.append(section(table, isGuess: false)) }
    // Each rule may tell; what does not takes after its chain.
    var own: [String?] = run.rules.map { Self.table(chain: $0.chain, target: $0.target) }
    var ofChain: [String: Set<String>] = [:]
    for (index, rule) in run.rules.enumerated() {
      guard let table = own[index] else { continue }
      ofChain[rule.chain, default: []].insert(table)
      if let target = rule.target { ofChain[target, default: []].insert(table) }
    }
    for (index, rule) in run.rules.enumerated() where own[index] == nil {
      if let known = ofChain[rule.chain], known.count == 1 {
        own[index] = known.first
      } else if let target = rule.target, let known = ofChain[target], known.count == 1 {
        own[index] = known.first
      }
    }
    let told = Set(own.compactMap { $0 })
    if told.count == 1, let table = told.first {
      // All that tell agree: no search mixes tables without a trace of the other, or the other does not matter.
      return sections.append(section(table, isGuess: false))
    }
    if told.isEmpty { return sections.append(section("filter", isGuess: true)) }
    var indexes: [String: Int] = [:]
    for (index, rule) in run.rules.enumerated() {
      let table = own[index] ?? "filter"
      if indexes[table] == nil {
        indexes[table] = sections.count
        sections.append(section(table, isGuess: false))
      }
      if own[index] == nil { sections[indexes[table]!].isGuess = true }
      sectionOfLine[rule.offset] = indexes[table]!
    }
  }

  /// By the built-in chains that `-P` names: all of a table's.
  static func table(policies: Set<String>) -> String? {
    guard !policies.isEmpty else { return nil }
    if policies.contains("FORWARD") {
      return policies.contains("PREROUTING") || policies.contains("POSTROUTING") ? "mangle" : "filter"
    }
    if policies.contains("POSTROUTING") { return "nat" }
    if policies.contains("PREROUTING") { return "raw" }
    // The policy of one chain alone, as `iptables -S INPUT` prints it.
    return "filter"
  }

  /// By a target that only one table takes, or by the names of chains that programs give them.
  static func table(chain: String, target: String?) -> String? {
    switch target {
    case "DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP": return "nat"
    case "REJECT": return "filter"
    case "NOTRACK", "CT", "TRACE": return "raw"
    case "TPROXY", "TOS", "DSCP", "TTL", "ECN", "CHECKSUM": return "mangle"
    default: break
    }
    if let table = table(name: chain) { return table }
    return target.flatMap { table(name: $0) }
  }

  private static func table(name: String) -> String? {
    if let table = tables[name] { return table }
    return prefixes.first { name.hasPrefix($0.prefix) }?.table
  }

  private static let tables: [String: String] = [
    "KUBE-MARK-MASQ": "nat", "KUBE-MARK-DROP": "nat", "KUBE-POSTROUTING": "nat", "KUBE-LOAD-BALANCER": "nat",
    "KUBE-FORWARD": "filter", "KUBE-FIREWALL": "filter", "KUBE-EXTERNAL-SERVICES": "filter",
    "KUBE-PROXY-FIREWALL": "filter",
    "KUBE-PROXY-CANARY": "mangle", "KUBE-IPVS-FILTER": "filter", "KUBE-SOURCE-RANGES-FIREWALL": "filter",
    "DOCKER-USER": "filter", "DOCKER-FORWARD": "filter", "DOCKER-CT": "filter", "FLANNEL-FWD": "filter",
    "FLANNEL-POSTRTG": "nat", "CNI-FORWARD": "filter", "CNI-ADMIN": "filter", "CNI-HOSTPORT-DNAT": "nat",
    "CNI-HOSTPORT-MASQ": "nat", "CNI-HOSTPORT-SETMARK": "nat", "IP-MASQ-AGENT": "nat", "WEAVE-NPC": "filter",
    "WEAVE": "nat", "CILIUM_POST_nat": "nat", "CILIUM_PRE_nat": "nat", "CILIUM_OUTPUT_nat": "nat",
    "CILIUM_FORWARD": "filter",
    "CILIUM_INPUT": "filter", "CILIUM_OUTPUT": "filter", "CILIUM_PRE_mangle": "mangle", "CILIUM_POST_mangle": "mangle",
    "CILIUM_PRE_raw": "raw", "CILIUM_OUTPUT_raw": "raw", "ISTIO_INBOUND": "nat", "ISTIO_OUTPUT": "nat",
    "ISTIO_REDIRECT": "nat", "ISTIO_IN_REDIRECT": "nat",
  ]
  private static let prefixes: [(prefix: String, table: String)] = [
    ("KUBE-SVC-", "nat"), ("KUBE-SEP-", "nat"), ("KUBE-EXT-", "nat"), ("KUBE-XLB-", "nat"), ("KUBE-FW-", "nat"),
    ("KUBE-SVL-", "nat"), ("KUBE-NWPLCY-", "filter"), ("KUBE-POD-FW-", "filter"), ("KUBE-ROUTER-", "filter"),
    ("DOCKER-ISOLATION", "filter"), ("CNI-DN-", "nat"), ("CNI-SN-", "nat"), ("cali-fw-", "filter"),
    ("cali-tw-", "filter"),
    ("cali-pi-", "filter"), ("cali-po-", "filter"), ("cali-nat-", "nat"), ("cali-fip-", "nat"),
    ("WEAVE-NPC-", "filter"),
    ("ufw-", "filter"),
  ]
}

import Wire

/// Prints tables as text that `nft -f` loads. Rules that were read from nft's language print as they were spelled;
/// others (from the kernel, or `spellsFromClauses`) are spelled from their clauses.
public struct NftPrinter {
  public let ruleset: Ruleset
  /// Spell every rule from its clauses.
  public var spellsFromClauses = false
  public private(set) var out = ""

  public init(_ ruleset: Ruleset) { self.ruleset = ruleset }

  /// All tables of nft and of iptables-nft.
  public static func print(_ ruleset: Ruleset, fromClauses: Bool = false) -> String {
    var printer = NftPrinter(ruleset)
    printer.spellsFromClauses = fromClauses
    printer.printAll()
    return printer.out
  }

  public mutating func printAll() {
    var sets: [UInt32: [SetID]] = [:]
    for (index, set) in ruleset.sets.enumerated() where set.isDefined && !set.flags.contains(.anonymous) {
      sets[set.table.index, default: []].append(SetID(index))
    }
    var chains: [UInt32: [ChainID]] = [:]
    for chain in ruleset.declared { chains[ruleset[chain].table.index, default: []].append(chain) }
    for (index, table) in ruleset.tables.enumerated() where table.backend == .nft || table.backend == .iptablesNft {
      let id = UInt32(index)
      printTable(table, TableID(index), sets: sets[id] ?? [], chains: chains[id] ?? [])
    }
  }

  private mutating func line(_ depth: Int, _ text: String) {
    out += String(repeating: "\t", count: depth)
    out += text
    out += "\n"
  }

  private mutating func printTable(_ table: Table, _ id: TableID, sets: [SetID], chains: [ChainID]) {
    line(0, "table \(table.family.rawValue) \(Self.name(table.name)) {")
    if let comment = table.comment { line(1, "comment \"\(comment)\"") }
    if table.dormant { line(1, "flags dormant") }
    for object in ruleset.objects where object.table == id {
      line(1, "\(object.kind) \(Self.name(object.name)) {")
      for text in object.text.split(separator: "\n") { line(2, String(text)) }
      line(1, "}")
    }
    // In the order of their declarations, as chains.
    for set in sets.map({ ruleset.sets[Int($0.index)] }).sorted(by: { $0.line < $1.line }) { printSet(set) }
    for chain in chains { printChain(chain) }
    line(0, "}")
  }

  static func name(_ text: String) -> String {
    guard let first = text.utf8.first, first | 0x20 >= 97 && first | 0x20 <= 122 || first == UInt8(ascii: "_") else {
      return "\"\(text)\""
    }
    return text
  }

  // MARK: Chains

  private mutating func printChain(_ id: ChainID) {
    let name = ruleset.name(of: id)
    // Spelled where it is jumped to.
    if ruleset[id].isInline { return }
    line(1, "chain \(Self.name(name)) {")
    if let base = ruleset.base(of: id) {
      var text = "type \(base.type.rawValue) hook \(base.hook.rawValue)"
      if base.devices.count == 1 { text += " device \"\(base.devices[0])\"" }
      if base.devices.count > 1 {
        text += " devices = { " + base.devices.map { "\"\($0)\"" }.joined(separator: ", ") + " }"
      }
      text += " priority \(base.priority); policy \(base.policyDrops ? "drop" : "accept");"
      line(2, text)
    }
    for property in ruleset.chainProperties[id.index] ?? [] { line(2, property) }
    for rule in ruleset.rules(of: id) { line(2, text(of: ruleset[rule])) }
    line(1, "}")
  }

  /// A rule's text.
  public func text(of rule: Rule) -> String {
    if !spellsFromClauses {
      let source = ruleset.sourceText(of: rule, limit: .max)
      if !source.isEmpty { return source }
    }
    return NftRuleSpelling(ruleset, family: ruleset[ruleset[rule.chain].table].family).text(of: rule)
  }

  // MARK: Sets

  private mutating func printSet(_ set: NamedSet) {
    let isMap = !set.dataTypes.isEmpty
    line(1, "\(isMap ? "map" : "set") \(Self.name(set.name)) {")
    let intervalData = set.properties.contains("interval data")
    if set.typeOf.isEmpty {
      var type = "type " + set.keyTypes.joined(separator: " . ")
      if isMap { type += " : " + (intervalData ? "interval " : "") + set.dataTypes.joined(separator: " . ") }
      line(2, type)
    } else {
      line(2, set.typeOf)
    }
    var flags: [String] = []
    if set.flags.contains(.constant) { flags.append("constant") }
    if set.flags.contains(.interval) { flags.append("interval") }
    if set.flags.contains(.timeout) { flags.append("timeout") }
    if set.flags.contains(.dynamic) { flags.append("dynamic") }
    if !flags.isEmpty { line(2, "flags " + flags.joined(separator: ",")) }
    if set.flags.contains(.autoMerge) { line(2, "auto-merge") }
    for property in set.properties where property != "interval data" { line(2, property) }
    if set.count > 0 {
      let spelling = NftSetSpelling(ruleset, set)
      line(2, "elements = { " + (0..<set.count).map { spelling.element($0) }.joined(separator: ",\n\t\t\t     ") + " }")
    }
    line(1, "}")
  }
}

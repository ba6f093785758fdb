import Input
import Ruleset
import Snapshot

/// `nft`. What is added is read by the reader of rulesets; what is taken away is found by name, handle or key.
enum NftTrial {
  static func apply(_ arguments: [String], to snapshot: inout Snapshot) throws(Trial.Failure) {
    var words = arguments[...]
    while let first = words.first, first.hasPrefix("-") { words = words.dropFirst() }
    // One argument may hold a whole command, or several.
    let text = words.joined(separator: " ")
    for command in try statements(text) { try apply(command, &snapshot) }
  }

  /// Commands are divided by semicolons and newlines outside braces and quotes.
  private static func statements(_ text: String) throws(Trial.Failure) -> [String] {
    var list: [String] = []
    var current = ""
    var depth = 0
    var inQuotes = false
    for character in text {
      switch character {
      case "\"": inQuotes.toggle()
      case "{" where !inQuotes: depth += 1
      case "}" where !inQuotes: depth -= 1
      default: break
      }
      if depth == 0, !inQuotes, character == ";" || character == "\n" {
        list.append(current)
        current = ""
      } else {
        current.append(character)
      }
    }
    guard depth == 0, !inQuotes else { throw Trial.Failure("A brace or a quote of the nft command is not closed.") }
    return (list + [current]).filter { !$0.allSatisfy { $0 == " " } }
  }

  private static func apply(_ command: String, _ snapshot: inout Snapshot) throws(Trial.Failure) {
    let words = command.split(separator: " ").map(String.init)
    switch words[0] {
    case "add", "create", "insert": try add(command, words, &snapshot)
    case "table", "chain", "rule", "set", "map", "element": try add("add \(command)", ["add"] + words, &snapshot)
    case "delete", "destroy": try delete(words, command, &snapshot)
    case "flush": try flush(words, &snapshot.ruleset)
    case "replace": try replace(words, &snapshot)
    default:
      throw Trial.Failure(
        "'nft \(printable(words[0]))' cannot be tried: add, create, insert, delete, destroy, replace and flush can.")
    }
  }

  // MARK: Places

  /// `[FAMILY] TABLE`, and what stands behind it.
  private static func table(
    _ words: ArraySlice<String>, _ ruleset: Ruleset
  ) throws(Trial.Failure) -> (id: TableID, rest: ArraySlice<String>) {
    var words = words
    var family = Family.ip
    if let first = words.first, let stated = Family(rawValue: first) {
      family = stated
      words = words.dropFirst()
    }
    guard let name = words.first else { throw Trial.Failure("The nft command names no table.") }
    let found = ruleset.tables(family, name).first {
      !ruleset[$0].dormant && (ruleset[$0].backend == .nft || ruleset[$0].backend == .iptablesNft)
    }
    guard let found else {
      throw Trial.Failure("nft has no table \(family.rawValue) \(printable(name)) here.")
    }
    return (found, words.dropFirst())
  }

  private static func chain(
    _ words: ArraySlice<String>, _ ruleset: Ruleset
  ) throws(Trial.Failure) -> (id: ChainID, rest: ArraySlice<String>) {
    let (table, rest) = try table(words, ruleset)
    guard let name = rest.first, let id = ruleset.chain(named: name, in: table), ruleset[id].isDefined else {
      throw Trial.Failure("Table \(printable(ruleset[table].name)) has no chain \(printable(rest.first ?? "")).")
    }
    return (id, rest.dropFirst())
  }

  private static func set(
    _ words: ArraySlice<String>, _ ruleset: Ruleset
  ) throws(Trial.Failure) -> (id: SetID, rest: ArraySlice<String>) {
    let (table, rest) = try table(words, ruleset)
    guard let name = rest.first,
      let index = ruleset.sets.firstIndex(where: { $0.table == table && $0.name == name && $0.isDefined })
    else { throw Trial.Failure("Table \(printable(ruleset[table].name)) has no set \(printable(rest.first ?? "")).") }
    return (SetID(index), rest.dropFirst())
  }

  // MARK: Adding

  private static func add(
    _ command: String, _ words: [String], _ snapshot: inout Snapshot
  ) throws(Trial.Failure) {
    let kinds: Set<String> = [
      "table", "chain", "rule", "set", "map", "element", "flowtable", "counter", "quota", "limit",
    ]
    let kind = words.count > 1 && kinds.contains(words[1]) ? words[1] : "rule"
    let behind = words.dropFirst(words.count > 1 && words[1] == kind ? 2 : 1)
    switch kind {
    case "rule":
      let (id, rest) = try chain(behind, snapshot.ruleset)
      if let first = rest.first, first == "handle" || first == "position" {
        return try addBeside(handle: rest.dropFirst().first, words[0] == "insert", id, rest.dropFirst(2), &snapshot)
      }
    case "element": _ = try set(behind, snapshot.ruleset)
    case "table": break
    default: _ = try table(behind, snapshot.ruleset)
    }
    try read(command, &snapshot)
  }

  private static func read(_ command: String, _ snapshot: inout Snapshot) throws(Trial.Failure) {
    var changed = snapshot
    changed.diagnostics = Diagnostics()
    NftTextReader.apply(SourceFile(name: IptablesTrial.source, text: command + "\n"), to: &changed)
    // Of a dump the rest is kept; a command that is not understood as a whole is none.
    if let problem = changed.diagnostics.list.first { throw Trial.Failure(problem.message) }
    let file = changed.ruleset.files.count - 1
    for rule in changed.ruleset.rules where Int(rule.file) == file {
      for case .match(let match) in changed.ruleset.clauses(of: rule) {
        if case .unknown(let text) = match.test {
          throw Trial.Failure("'\(printable(changed.ruleset[text]))' is not understood.")
        }
      }
    }
    changed.diagnostics = snapshot.diagnostics
    snapshot = changed
  }

  private static func addBeside(
    handle: String?, _ before: Bool, _ chain: ChainID, _ rule: ArraySlice<String>, _ snapshot: inout Snapshot
  ) throws(Trial.Failure) {
    let position = try self.position(handle, chain, snapshot.ruleset)
    let rule = try self.rule(rule, chain, &snapshot)
    var list = snapshot.ruleset.rules(of: chain).map { snapshot.ruleset[$0] }
    list.insert(rule, at: before ? position : position + 1)
    snapshot.ruleset.replaceRules(of: chain, with: list)
  }

  private static func replace(_ words: [String], _ snapshot: inout Snapshot) throws(Trial.Failure) {
    let (chain, rest) = try chain(words.dropFirst(words.dropFirst().first == "rule" ? 2 : 1), snapshot.ruleset)
    guard rest.first == "handle" else { throw Trial.Failure("nft replace rule needs a handle behind the chain.") }
    let position = try position(rest.dropFirst().first, chain, snapshot.ruleset)
    let rule = try rule(rest.dropFirst(2), chain, &snapshot)
    var list = snapshot.ruleset.rules(of: chain).map { snapshot.ruleset[$0] }
    list[position] = rule
    snapshot.ruleset.replaceRules(of: chain, with: list)
  }

  /// Reads a rule; it belongs to the chain and stands in it nowhere.
  private static func rule(
    _ words: ArraySlice<String>, _ chain: ChainID, _ snapshot: inout Snapshot
  ) throws(Trial.Failure) -> Rule {
    let table = snapshot.ruleset[snapshot.ruleset[chain].table]
    let name = snapshot.ruleset.name(of: chain)
    try read(
      "add rule \(table.family.rawValue) \(table.name) \(name) \(words.joined(separator: " "))", &snapshot)
    var list = snapshot.ruleset.rules(of: chain).map { snapshot.ruleset[$0] }
    let rule = list.removeLast()
    snapshot.ruleset.replaceRules(of: chain, with: list)
    return rule
  }

  /// Where the rule of this handle stands in its chain; `nft -a` prints handles behind the rules.
  private static func position(
    _ handle: String?, _ chain: ChainID, _ ruleset: Ruleset
  ) throws(Trial.Failure) -> Int {
    guard let handle, UInt64(handle) != nil else { throw Trial.Failure("Expected a handle: a number.") }
    let place = ruleset.rules(of: chain).firstIndex { id in
      let rule = ruleset[id]
      guard rule.length > 0, Int(rule.file) < ruleset.files.count else { return false }
      let bytes = ruleset.files[Int(rule.file)].bytes
      let start = min(Int(rule.offset), bytes.count)
      let line = bytes[start...].prefix { $0 != 10 }
      return String(decoding: line, as: UTF8.self).hasSuffix("# handle \(handle)")
    }
    guard let place else {
      throw Trial.Failure(
        "No rule of chain \(printable(ruleset.name(of: chain))) has handle \(handle) (nft -a prints them).")
    }
    return place
  }

  // MARK: Taking away

  private static func delete(
    _ words: [String], _ command: String, _ snapshot: inout Snapshot
  ) throws(Trial.Failure) {
    guard words.count > 2 else { throw Trial.Failure("The nft command does not say what to delete.") }
    let behind = words.dropFirst(2)
    switch words[1] {
    case "table":
      let id = try table(behind, snapshot.ruleset).id
      snapshot.ruleset.tables[Int(id.index)].dormant = true
    case "chain":
      let id = try chain(behind, snapshot.ruleset).id
      guard snapshot.ruleset[id].ruleCount == 0 || words[0] == "destroy", !snapshot.ruleset.isTarget(id) else {
        throw Trial.Failure(
          "Chain \(printable(snapshot.ruleset.name(of: id))) has rules, or others lead to it; the kernel keeps it.")
      }
      snapshot.ruleset.remove(id)
    case "rule":
      let (id, rest) = try chain(behind, snapshot.ruleset)
      guard rest.first == "handle" else { throw Trial.Failure("nft delete rule needs a handle behind the chain.") }
      let position = try position(rest.dropFirst().first, id, snapshot.ruleset)
      var list = snapshot.ruleset.rules(of: id).map { snapshot.ruleset[$0] }
      list.remove(at: position)
      snapshot.ruleset.replaceRules(of: id, with: list)
    case "element": try deleteElements(behind, command, &snapshot)
    case "set", "map":
      let id = try set(behind, snapshot.ruleset).id
      let isUsed = snapshot.ruleset.lookups.contains { $0.set == id }
      if isUsed {
        throw Trial.Failure(
          "Rules ask set \(printable(snapshot.ruleset.sets[Int(id.index)].name)); the kernel keeps it.")
      }
      snapshot.ruleset.sets[Int(id.index)].isDefined = false
    default: throw Trial.Failure("'nft delete \(printable(words[1]))' cannot be tried.")
    }
  }

  /// The elements are read as if they were added to an empty copy of the set.
  private static func deleteElements(
    _ words: ArraySlice<String>, _ command: String, _ snapshot: inout Snapshot
  ) throws(Trial.Failure) {
    let id = Int(try set(words, snapshot.ruleset).id.index)
    var copy = snapshot
    let count = copy.ruleset.sets[id].count
    copy.ruleset.sets[id].removeElements(at: Set(0..<count))
    // A map's elements are deleted by their keys, and read with any value.
    var text = "add element \(words.joined(separator: " "))"
    if case .verdicts = snapshot.ruleset.sets[id].data, !command.contains(" : ") {
      text = text.replacing("}", with: " : drop }").replacing(",", with: " : drop,")
    }
    try read(text, &copy)
    let wanted = copy.ruleset.sets[id]
    var taken: Set<Int> = []
    for index in 0..<wanted.count {
      let key = wanted.key(index)
      guard let found = (0..<count).first(where: { snapshot.ruleset.sets[id].key($0) == key }) else {
        throw Trial.Failure("Set \(printable(wanted.name)) has no such element.")
      }
      taken.insert(found)
    }
    snapshot.ruleset.sets[id].removeElements(at: taken)
  }

  private static func flush(_ words: [String], _ ruleset: inout Ruleset) throws(Trial.Failure) {
    guard words.count > 1 else { throw Trial.Failure("nft flush: ruleset, table, chain or set?") }
    switch words[1] {
    case "ruleset":
      for index in ruleset.tables.indices where ruleset.tables[index].backend != .iptablesLegacy {
        ruleset.tables[index].dormant = true
      }
    case "table":
      let id = try table(words.dropFirst(2), ruleset).id
      for index in ruleset.chains.indices where ruleset.chains[index].table == id {
        ruleset.replaceRules(of: ChainID(index), with: [])
      }
    case "chain": ruleset.replaceRules(of: try chain(words.dropFirst(2), ruleset).id, with: [])
    case "set", "map":
      let id = Int(try set(words.dropFirst(2), ruleset).id.index)
      ruleset.sets[id].removeElements(at: Set(0..<ruleset.sets[id].count))
    default: throw Trial.Failure("'nft flush \(printable(words[1]))' cannot be tried.")
    }
  }
}

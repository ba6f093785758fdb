import Input
import Ruleset
import Snapshot
import Wire

/// `iptables` and `ip6tables`. A rule is read by the reader of dumps.
enum IptablesTrial {
  static func apply(_ tool: String, _ arguments: [String], to snapshot: inout Snapshot) throws(Trial.Failure) {
    let command = try Command(arguments)
    guard command.verb != .check else { return }
    guard snapshot.rulesKnown else { throw Trial.Failure("The snapshot holds no rules that \(tool) could change.") }
    let version: IPVersion = tool.hasPrefix("ip6") || command.version == .v6 ? .v6 : .v4
    let table = try table(command.table, tool, version, &snapshot)
    try change(command, table, version, tool, &snapshot)
    snapshot.ruleset.finish()
  }

  // MARK: The command

  enum Verb { case append, insert, delete, replace, policy, newChain, deleteChain, flush, zero, check }

  struct Command {
    var verb = Verb.check
    var table = "filter"
    var version: IPVersion?
    var chain: String?
    /// From 1; of insert, replace and delete.
    var number: Int?
    /// What stands behind the chain: a rule's matches and target, or a policy.
    var rest: [String] = []

    private static let verbs: [String: Verb] = [
      "-A": .append, "--append": .append, "-I": .insert, "--insert": .insert, "-D": .delete, "--delete": .delete,
      "-R": .replace, "--replace": .replace, "-P": .policy, "--policy": .policy, "-N": .newChain,
      "--new-chain": .newChain, "-X": .deleteChain, "--delete-chain": .deleteChain, "-F": .flush, "--flush": .flush,
      "-Z": .zero, "--zero": .zero, "-C": .check, "--check": .check,
    ]

    init(_ arguments: [String]) throws(Trial.Failure) {
      var found: Verb?
      var at = 0
      func isValue(_ index: Int) -> Bool { index < arguments.count && !arguments[index].hasPrefix("-") }
      while at < arguments.count {
        let word = arguments[at]
        at += 1
        switch word {
        case "-t", "--table":
          guard at < arguments.count else { throw Trial.Failure("\(word) lacks a table's name.") }
          table = arguments[at]
          at += 1
        case "-w", "--wait", "-W", "--wait-interval":
          if at < arguments.count, Double(arguments[at]) != nil { at += 1 }
        case "-4", "--ipv4": version = .v4
        case "-6", "--ipv6": version = .v6
        case "-v", "--verbose", "-n", "--numeric", "-x", "--exact", "--line-numbers": break
        default:
          guard found == nil, let verb = Self.verbs[word] else {
            rest.append(word)
            continue
          }
          found = verb
          guard isValue(at) else { continue }
          chain = arguments[at]
          at += 1
          if [.insert, .delete, .replace].contains(verb), at < arguments.count, let number = Int(arguments[at]) {
            guard number > 0 else { throw Trial.Failure("Rules are numbered from 1.") }
            self.number = number
            at += 1
          }
        }
      }
      guard let found else {
        throw Trial.Failure("Expected -A, -I, -D, -R, -P, -N, -X or -F of iptables: nothing else changes rules.")
      }
      verb = found
      if chain == nil, ![.flush, .zero, .deleteChain].contains(found) {
        throw Trial.Failure("The command names no chain.")
      }
      if found == .replace, number == nil { throw Trial.Failure("-R needs a rule's number behind the chain.") }
    }
  }

  // MARK: Tables

  private static func table(
    _ name: String, _ tool: String, _ version: IPVersion, _ snapshot: inout Snapshot
  ) throws(Trial.Failure) -> TableID {
    guard let hooks = builtIn[name] else {
      throw Trial.Failure(
        "iptables has no table '\(printable(name))': \(builtIn.keys.sorted().joined(separator: ", ")).")
    }
    let all = snapshot.ruleset.tables.filter { $0.backend != .nft && !$0.dormant }
    let isLegacy = tool.hasSuffix("-legacy")
    let isNft = tool.hasSuffix("-nft")
    let hasBoth = all.contains { $0.backend == .iptablesLegacy } && all.contains { $0.backend == .iptablesNft }
    if hasBoth, !isLegacy, !isNft {
      throw Trial.Failure("The node has legacy and nft rules: say \(tool)-legacy or \(tool)-nft.")
    }
    let family: Family = version == .v4 ? .ip : .ip6
    let found = snapshot.ruleset.tables(family, name).last { id in
      let table = snapshot.ruleset[id]
      return switch table.backend {
      case .iptablesLegacy: !isNft && !table.dormant
      case .iptablesNft, .nft: !isLegacy && !table.dormant
      case .iptables: !table.dormant
      }
    }
    if let found { return found }
    // The kernel makes a table when it is first used.
    let backend: Backend = isLegacy ? .iptablesLegacy : isNft ? .iptablesNft : all.first?.backend ?? .iptablesNft
    let lines = ["*\(name)"] + hooks.map { ":\($0) ACCEPT [0:0]" } + ["COMMIT", ""]
    IptablesSaveReader.read(
      SourceFile(name: source, text: lines.joined(separator: "\n")), version: version, backend: backend, into: &snapshot
    )
    return TableID(snapshot.ruleset.tables.count - 1)
  }

  private static let builtIn: [String: [String]] = [
    "filter": ["INPUT", "FORWARD", "OUTPUT"], "nat": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
    "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"], "raw": ["PREROUTING", "OUTPUT"],
    "security": ["INPUT", "FORWARD", "OUTPUT"],
  ]
  static let source = "--try"

  // MARK: Changes

  private static func change(
    _ command: Command, _ table: TableID, _ version: IPVersion, _ tool: String, _ snapshot: inout Snapshot
  ) throws(Trial.Failure) {
    let known = command.chain.flatMap { name in
      snapshot.ruleset.chain(named: name, in: table).flatMap { snapshot.ruleset[$0].isDefined ? $0 : nil }
    }
    func chain() throws(Trial.Failure) -> ChainID {
      if let known { return known }
      let name = command.chain ?? ""
      if builtIn[command.table]!.contains(name) {
        // nft's print of a table has only the base chains that are in use.
        snapshot.ruleset.finish()
        IptablesSaveReader.read(
          SourceFile(name: source, text: "*\(command.table)\n:\(name) ACCEPT\nCOMMIT\n"), version: version,
          backend: snapshot.ruleset[table].backend, into: &snapshot)
        return snapshot.ruleset.chain(named: name, in: TableID(snapshot.ruleset.tables.count - 1))!
      }
      throw Trial.Failure("Table \(command.table) has no chain \(printable(name)).")
    }
    switch command.verb {
    case .check, .zero: break
    case .policy:
      guard let base = command.chain, builtIn[command.table]!.contains(base), command.rest.count == 1,
        ["ACCEPT", "DROP"].contains(command.rest[0])
      else { throw Trial.Failure("-P takes a built-in chain, and ACCEPT or DROP.") }
      let index = Int(snapshot.ruleset[try chain()].base)
      snapshot.ruleset.bases[index].policyDrops = command.rest[0] == "DROP"
    case .newChain:
      guard known == nil else {
        throw Trial.Failure("Table \(command.table) has a chain \(printable(command.chain!)) already.")
      }
      let id = snapshot.ruleset.chain(command.chain!, in: table)
      snapshot.ruleset.define(id, line: 1)
    case .deleteChain:
      try deleteChains(command.chain == nil ? nil : try chain(), table, &snapshot.ruleset)
    case .flush:
      if command.chain != nil { return snapshot.ruleset.replaceRules(of: try chain(), with: []) }
      for index in snapshot.ruleset.chains.indices where snapshot.ruleset.chains[index].table == table {
        snapshot.ruleset.replaceRules(of: ChainID(index), with: [])
      }
    case .append:
      let chain = try chain()
      let rule = try rule(command.rest, chain, version, &snapshot)
      let list = snapshot.ruleset.rules(of: chain).map { snapshot.ruleset[$0] }
      snapshot.ruleset.replaceRules(of: chain, with: list + [rule])
    case .insert, .replace:
      let chain = try chain()
      let rule = try rule(command.rest, chain, version, &snapshot)
      var list = snapshot.ruleset.rules(of: chain).map { snapshot.ruleset[$0] }
      let number = command.number ?? 1
      guard number <= list.count + (command.verb == .insert ? 1 : 0) else {
        throw Trial.Failure("Chain \(printable(command.chain!)) has \(list.count) rules; there is no place \(number).")
      }
      if command.verb == .insert { list.insert(rule, at: number - 1) } else { list[number - 1] = rule }
      snapshot.ruleset.replaceRules(of: chain, with: list)
    case .delete:
      let chain = try chain()
      var list = snapshot.ruleset.rules(of: chain).map { snapshot.ruleset[$0] }
      let place: Int
      if let number = command.number {
        guard number <= list.count else {
          throw Trial.Failure("Chain \(printable(command.chain!)) has \(list.count) rules, no rule \(number).")
        }
        place = number - 1
      } else {
        let rule = try rule(command.rest, chain, version, &snapshot)
        // However it was spelled.
        var printer = NftPrinter(snapshot.ruleset)
        printer.spellsFromClauses = true
        let text = printer.text(of: rule)
        guard let found = list.firstIndex(where: { printer.text(of: $0) == text }) else {
          throw Trial.Failure("Chain \(printable(command.chain!)) has no such rule.")
        }
        place = found
      }
      list.remove(at: place)
      snapshot.ruleset.replaceRules(of: chain, with: list)
    }
  }

  private static func deleteChains(
    _ chain: ChainID?, _ table: TableID, _ ruleset: inout Ruleset
  ) throws(Trial.Failure) {
    for index in ruleset.chains.indices where ruleset.chains[index].table == table {
      let id = ChainID(index)
      guard chain == nil || chain == id, ruleset.chains[index].isDefined, ruleset.chains[index].base == Chain.notBase
      else { continue }
      guard ruleset.chains[index].ruleCount == 0, !ruleset.isTarget(id) else {
        if chain == nil { continue }
        throw Trial.Failure(
          "Chain \(printable(ruleset.name(of: id))) has rules, or others lead to it; the kernel keeps it.")
      }
      ruleset.remove(id)
    }
  }

  /// Reads a rule as a line of iptables-save. It belongs to the chain and stands in it nowhere yet.
  private static func rule(
    _ words: [String], _ chain: ChainID, _ version: IPVersion, _ snapshot: inout Snapshot
  ) throws(Trial.Failure) -> Rule {
    let line = "-A " + ([snapshot.ruleset.name(of: chain)] + words).map(restoreWord).joined(separator: " ")
    let before = snapshot.ruleset.rules.count
    let chains = snapshot.ruleset.chains.count
    var diagnostics = Diagnostics()
    IptablesSaveReader.readRules(
      SourceFile(name: source, text: line + "\n"), of: snapshot.ruleset[chain].table, version: version,
      into: &snapshot.ruleset, &diagnostics)
    if let problem = diagnostics.list.first(where: { $0.severity > .note }) { throw Trial.Failure(problem.message) }
    guard snapshot.ruleset.rules.count == before + 1 else { throw Trial.Failure("'\(printable(line))' is no rule.") }
    if let target = (chains..<snapshot.ruleset.chains.count).first {
      throw Trial.Failure(
        "The table has no chain \(printable(snapshot.ruleset.name(of: ChainID(target)))) that the rule could lead to.")
    }
    let rule = snapshot.ruleset.rules.removeLast()
    snapshot.ruleset.chains[Int(chain.index)].ruleCount -= 1
    return rule
  }

  /// As iptables-save spells a word.
  private static func restoreWord(_ word: String) -> String {
    let isPlain =
      !word.isEmpty && word.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'") }
    if isPlain { return word }
    let inside = word.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : $0.isNewline ? [" "] : [$0] }
    return "\"\(String(inside))\""
  }
}

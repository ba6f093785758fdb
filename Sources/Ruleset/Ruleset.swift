import Input
import Wire

/// A node's tables, chains, rules, sets and maps in one form, whatever backend they came from: the rule graph.
/// Everything is in flat arrays; identifiers are indexes into them. Readers append through the mutating methods of
/// `Ruleset+Building.swift` and call `finish()` once; after that it is only read.
public struct Ruleset: Sendable {
  /// What stands for a table in `creationOrder`.
  public static func tableKey(_ family: Family, _ name: String) -> String { "\(family.rawValue) \(name)" }

  public var files: [SourceFile] = []
  public var names = NameTable()
  public var tables: [Table] = []
  public var chains: [Chain] = []
  public var bases: [BaseChain] = []
  /// Chains in the order of their declarations; their numbers follow the first mention, which may be a jump.
  public var declared: [ChainID] = []
  public var rules: [Rule] = []
  public var clauses: [Clause] = []
  /// Rule indexes grouped by chain; empty while rules already stand grouped (then the identity).
  public var order: [UInt32] = []

  // Operands.
  public var wide: [WidePair] = []
  public var portLists: [PortList] = []
  public var ipsetTests: [IPSetTest] = []
  public var addressTypeTests: [AddressTypeTest] = []
  public var reversePathTests: [ReversePathTest] = []
  public var virtualServerTests: [VirtualServerTest] = []
  public var comparisons: [Comparison] = []
  public var lookups: [Lookup] = []
  public var sets: [NamedSet] = []
  public var expressions: [Expression] = []
  public var translations: [Translation] = []
  public var markCopies: [MarkCopy] = []
  public var transparentProxies: [TransparentProxy] = []
  public var setUpdates: [SetUpdate] = []
  public var texts: [String] = []
  /// All tables of the nf_tables kernel in the order in which they were made, where a listing of nft tells it. The tables
  /// themselves may have been read from another dump.
  public var creationOrder: [String] = []
  /// nft's other objects (flowtables, counters, quotas, helpers …) as they are spelled, for printing.
  public var objects: [TableObject] = []
  /// nft: what a chain's declaration holds besides its hook (`comment "…"`, `flags offload`), by the chain's index.
  public var chainProperties: [UInt32: [String]] = [:]

  /// (table, name) → chain.
  @usableFromInline var chainIndex = ChainIndex()

  public init() {}

  public var isEmpty: Bool { tables.isEmpty }
}

/// A named object that the walk does not evaluate.
public struct TableObject: Sendable, Hashable {
  public var table: TableID
  public var kind: String
  public var name: String
  /// The body as nft prints it.
  public var text: String
  public init(table: TableID, kind: String, name: String, text: String) {
    self.table = table
    self.kind = kind
    self.name = name
    self.text = text
  }
}

// MARK: - Reading the graph

extension Ruleset {
  @inlinable public subscript(id: TableID) -> Table { tables[Int(id.index)] }
  @inlinable public subscript(id: ChainID) -> Chain { chains[Int(id.index)] }
  @inlinable public subscript(id: RuleID) -> Rule { rules[Int(id.index)] }
  @inlinable public subscript(id: TextID) -> String { texts[Int(id.index)] }

  @inlinable public func name(of chain: ChainID) -> String { names[self[chain].name] }

  @inlinable public func base(of chain: ChainID) -> BaseChain? {
    let base = self[chain].base
    return base == Chain.notBase ? nil : bases[Int(base)]
  }

  /// The rule at `position` (from 0) of a chain.
  @inlinable public func rule(at position: Int, of chain: Chain) -> RuleID {
    let slot = Int(chain.firstRule) + position
    return RuleID(order.isEmpty ? slot : Int(order[slot]))
  }

  /// The rules of a chain in order.
  public func rules(of id: ChainID) -> [RuleID] {
    let chain = self[id]
    return (0..<Int(chain.ruleCount)).map { rule(at: $0, of: chain) }
  }

  @inlinable public func clauses(of rule: Rule) -> ArraySlice<Clause> {
    clauses[Int(rule.firstClause)..<Int(rule.firstClause) + Int(rule.clauseCount)]
  }

  public func chain(named name: String, in table: TableID) -> ChainID? {
    guard let id = names.find(name) else { return nil }
    return chainIndex.find(table, id)
  }

  /// Tables of a family and name, over all backends.
  public func tables(_ family: Family, _ name: String) -> [TableID] {
    tables.indices.filter { tables[$0].family == family && tables[$0].name == name }.map { TableID($0) }
  }

  /// What to print for a rule: its line in the dump, or nft's spelling of it where it has none.
  public func text(of rule: Rule) -> String {
    let source = sourceText(of: rule)
    return source.isEmpty ? NftPrinter(self).text(of: rule) : source
  }

  /// The rule's line in its dump; empty where the rule came from the kernel or from JSON. What is longer than any rule
  /// that a person reads is cut.
  public func sourceText(of rule: Rule, limit: Int = longestText) -> String {
    let bytes = sourceBytes(of: rule, limit: limit)
    return String(decoding: bytes, as: UTF8.self) + (bytes.count < rule.length ? "…" : "")
  }

  /// 16 KiB.
  public static let longestText = 1 << 14

  /// The same as bytes, which live as long as the ruleset's files.
  public func sourceBytes(of rule: Rule, limit: Int = longestText) -> UnsafeRawBufferPointer {
    guard rule.length > 0, Int(rule.file) < files.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let all = files[Int(rule.file)].bytes
    let range = Int(rule.offset)..<Int(rule.offset) + min(Int(rule.length), limit)
    return UnsafeRawBufferPointer(rebasing: all[range.clamped(to: 0..<all.count)])
  }
}

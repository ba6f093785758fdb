import Wire

/// A table of rules, of one family. Two dumps may hold tables of one name (iptables-legacy and iptables-nft): they
/// are two tables.
public struct Table: Sendable {
  public var family: Family
  public var name: String
  public var backend: Backend
  /// Index into `Ruleset.files`.
  public var file: UInt32
  /// nft: `flags dormant` switches its base chains off.
  public var dormant = false
  /// The dump ends before the table does: chains, rules and elements may be missing.
  public var isCut = false
  /// nft: the table's comment.
  public var comment: String?
  public init(family: Family, name: String, backend: Backend, file: UInt32) {
    self.family = family
    self.name = name
    self.backend = backend
    self.file = file
  }
}

extension Ruleset {
  /// Those that see packets of an IP version on their way through the node.
  public func tables(of version: IPVersion) -> [Table] {
    tables.filter { $0.family == (version == .v4 ? .ip : .ip6) || $0.family == .inet }
  }
}

/// Where a base chain is attached.
public struct BaseChain: Sendable, Hashable {
  public var type: ChainType
  public var hook: Hook
  public var priority: Int
  /// True: packets that reach the end are dropped.
  public var policyDrops: Bool
  /// Of ingress chains and netdev tables.
  public var devices: [String]
  public init(type: ChainType, hook: Hook, priority: Int, policyDrops: Bool, devices: [String] = []) {
    self.type = type
    self.hook = hook
    self.priority = priority
    self.policyDrops = policyDrops
    self.devices = devices
  }
}

/// A chain. Its rules are `Ruleset.rules(of:)`, numbered from 1.
public struct Chain: Sendable {
  public var table: TableID
  /// Bytes of the name in `Ruleset.names`.
  public var name: NameID
  /// Index into `Ruleset.bases`, or `Chain.notBase`.
  public var base: UInt32
  /// Where the rules start in `Ruleset.order`.
  public var firstRule: UInt32
  public var ruleCount: UInt32
  /// Line of the declaration; 0 while the chain is only referred to.
  public var line: UInt32

  /// nft's `jump { … }`: a chain without a name.
  public var isInline = false

  /// The dump ends before the chain does: what happens to a packet that comes to its end is not known.
  public var isCut = false

  /// Declared, and its rules not read yet (`Snapshot.unreadRules`).
  public var isUnread = false

  public static let notBase = UInt32.max
  public init(table: TableID, name: NameID, base: UInt32 = notBase, line: UInt32 = 0) {
    self.table = table
    self.name = name
    self.base = base
    self.line = line
    firstRule = 0
    ruleCount = 0
  }
  public var isDefined: Bool { line != 0 }
}

/// A rule: its clauses, and where it stands in the dump.
public struct Rule: Sendable {
  public var chain: ChainID
  /// First clause in `Ruleset.clauses`.
  public var firstClause: UInt32
  public var clauseCount: UInt16
  /// Index into `Ruleset.files`.
  public var file: UInt16
  /// From 1.
  public var line: UInt32
  /// Bytes of the rule's text in the file; `length` 0: print it from the clauses.
  public var offset: UInt32
  public var length: UInt32
  public init(
    chain: ChainID, firstClause: UInt32, clauseCount: UInt16, file: UInt16, line: UInt32, offset: UInt32, length: UInt32
  ) {
    self.chain = chain
    self.firstClause = firstClause
    self.clauseCount = clauseCount
    self.file = file
    self.line = line
    self.offset = offset
    self.length = length
  }
}

import Input
import Wire

// What readers call. `finish()` ends the building.
extension Ruleset {
  public mutating func addFile(_ file: SourceFile) -> UInt32 {
    files.append(file)
    return UInt32(files.count - 1)
  }

  public mutating func addTable(_ table: Table) -> TableID {
    tables.append(table)
    return TableID(tables.count - 1)
  }

  /// Makes room for this many more, where a dump's size tells how many will come. `nameLength`: bytes of a chain's name.
  public mutating func reserve(rules: Int, clauses: Int, chains: Int, nameLength: Int = 24) {
    self.rules.reserveLarge(rules)
    self.clauses.reserveLarge(clauses)
    self.chains.reserveLarge(chains)
    declared.reserveLarge(chains)
    names.reserve(names.count + chains, length: nameLength)
    chainIndex.reserve(names.count + chains)
  }

  /// The chain of this name, made when it is new: a jump may stand before its target. Not yet defined (`line == 0`).
  @inlinable public mutating func chain(_ name: NameID, in table: TableID) -> ChainID {
    knownChain(name, in: table) ?? addChain(name, in: table)
  }

  @inlinable public func knownChain(_ name: NameID, in table: TableID) -> ChainID? { chainIndex.find(table, name) }

  /// Asks memory for what looking up a chain of this name will read.
  @inlinable public func prefetchChain(_ name: NameID) { chainIndex.prefetch(name) }

  /// A chain that the table does not have yet.
  @inlinable public mutating func addChain(_ name: NameID, in table: TableID) -> ChainID {
    let id = ChainID(chains.count)
    chains.append(Chain(table: table, name: name))
    chainIndex.insert(table, name, id)
    return id
  }

  public mutating func chain(_ name: String, in table: TableID) -> ChainID { chain(names.intern(name), in: table) }

  /// Marks a chain as declared on a line; `base` makes it a base chain.
  public mutating func define(_ chain: ChainID, line: Int, base: BaseChain? = nil) {
    if chains[Int(chain.index)].line == 0 { declared.append(chain) }
    chains[Int(chain.index)].line = UInt32(max(line, 1))
    if let base {
      bases.append(base)
      chains[Int(chain.index)].base = UInt32(bases.count - 1)
    }
  }

  /// Appends a rule whose clauses are the last `clauseCount` of `clauses`.
  @inlinable public mutating func addRule(
    to chain: ChainID, firstClause: Int, file: UInt32, line: Int, offset: Int, length: Int
  ) {
    rules.append(
      Rule(
        chain: chain, firstClause: UInt32(firstClause),
        clauseCount: UInt16(truncatingIfNeeded: clauses.count - firstClause),
        file: UInt16(truncatingIfNeeded: file), line: UInt32(truncatingIfNeeded: line),
        offset: UInt32(truncatingIfNeeded: offset),
        length: UInt32(truncatingIfNeeded: length)))
    chains[Int(chain.index)].ruleCount += 1
  }

  /// Appends a rule from a list of clauses.
  public mutating func addRule(
    _ list: [Clause], to chain: ChainID, file: UInt32, line: Int, offset: Int = 0, length: Int = 0
  ) {
    let first = clauses.count
    clauses.append(contentsOf: list)
    addRule(to: chain, firstClause: first, file: file, line: line, offset: offset, length: length)
  }

  /// The dump ends before the chain does.
  public mutating func markCut(_ chain: ChainID) {
    chains[Int(chain.index)].isCut = true
    tables[Int(chains[Int(chain.index)].table.index)].isCut = true
  }

  /// A text is there to be printed: of a very long one its start is kept, and its length tells it from others.
  public mutating func addText(_ text: String) -> TextID {
    let count = text.utf8.count
    texts.append(
      count <= Self.longestOperand
        ? text : String(decoding: text.utf8.prefix(Self.longestOperand), as: UTF8.self) + "… (\(count) bytes)")
    return TextID(texts.count - 1)
  }
  /// 2 KiB: more than any match of xtables spells.
  static let longestOperand = 1 << 11

  public mutating func addWide(_ a: Bits128, _ b: Bits128) -> WideID {
    wide.append(WidePair(a, b))
    return WideID(wide.count - 1)
  }
  public mutating func addSet(_ set: NamedSet) -> SetID {
    sets.append(set)
    return SetID(sets.count - 1)
  }
  public mutating func addExpression(_ expression: Expression) -> ExpressionID {
    expressions.append(expression)
    return ExpressionID(expressions.count - 1)
  }
  public mutating func addLookup(_ lookup: Lookup) -> LookupID {
    lookups.append(lookup)
    return LookupID(lookups.count - 1)
  }
  public mutating func add<T>(_ operand: T, to list: WritableKeyPath<Ruleset, [T]>) -> OperandID {
    self[keyPath: list].append(operand)
    return OperandID(self[keyPath: list].count - 1)
  }

  /// Groups the rules by chain. Linear; keeps the arrays when they already are grouped.
  public mutating func finish() {
    var next: UInt32 = 0
    for index in chains.indices {
      chains[index].firstRule = next
      next += chains[index].ruleCount
    }
    order = []
    // Grouped already? Then each rule stands where its chain's next rule belongs.
    var cursor = chains.map(\.firstRule)
    var grouped = true
    for (index, rule) in rules.enumerated() {
      if cursor[Int(rule.chain.index)] != UInt32(index) {
        grouped = false
        break
      }
      cursor[Int(rule.chain.index)] += 1
    }
    if grouped { return }
    cursor = chains.map(\.firstRule)
    order = [UInt32](repeating: 0, count: rules.count)
    for (index, rule) in rules.enumerated() {
      order[Int(cursor[Int(rule.chain.index)])] = UInt32(index)
      cursor[Int(rule.chain.index)] += 1
    }
  }
}

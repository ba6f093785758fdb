import Wire

// Changes to a ruleset that was read: what a command would do to it.
extension Ruleset {
  /// Gives a chain other rules, in this order. Rules get new identifiers. Linear in all rules.
  public mutating func replaceRules(of chain: ChainID, with list: [Rule]) {
    var all: [Rule] = []
    all.reserveCapacity(rules.count + list.count)
    for index in chains.indices {
      let own = ChainID(index) == chain ? list : self.rules(of: ChainID(index)).map { self[$0] }
      chains[index].firstRule = UInt32(all.count)
      chains[index].ruleCount = UInt32(own.count)
      all += own
    }
    rules = all
    order = []
  }

  /// Takes a chain out of its table: its rules, and its place at a hook.
  public mutating func remove(_ chain: ChainID) {
    replaceRules(of: chain, with: [])
    chains[Int(chain.index)].base = Chain.notBase
    chains[Int(chain.index)].line = 0
    declared.removeAll { $0 == chain }
  }

  /// The chain is a target of some rule or verdict map.
  public func isTarget(_ chain: ChainID) -> Bool {
    let jumped = clausesInUse.contains { clause in
      switch clause {
      case .statement(.jump(let target)), .statement(.goto(let target)): target == chain
      default: false
      }
    }
    return jumped
      || sets.contains { set in
        guard case .verdicts(let verdicts) = set.data else { return false }
        return verdicts.contains { $0 == .jump(chain) || $0 == .goto(chain) }
      }
  }

  private var clausesInUse: some Sequence<Clause> { rules.lazy.flatMap { clauses(of: $0) } }
}

extension NamedSet {
  /// Takes out the elements at these indexes.
  public mutating func removeElements(at taken: Set<Int>) {
    func keep<T>(_ list: [T], _ width: Int) -> [T] {
      list.indices.filter { !taken.contains($0 / max(width, 1)) }.map { list[$0] }
    }
    func renumber<T>(_ list: [Int: T]) -> [Int: T] {
      Dictionary(
        uniqueKeysWithValues: list.filter { !taken.contains($0.key) }.map { pair in
          (pair.key - taken.count { $0 < pair.key }, pair.value)
        })
    }
    switch data {
    case .none: break
    case .verdicts(let list): data = .verdicts(keep(list, 1))
    case .objects(let list): data = .objects(keep(list, 1))
    case .values(let list, let highs, let width):
      data = .values(keep(list, width), highs: keep(highs, width), components: width)
    }
    lows = keep(lows, components)
    highs = keep(highs, components)
    comments = renumber(comments)
    annotations = renumber(annotations)
    catchAll = catchAll.flatMap { index in taken.contains(index) ? nil : index - taken.count { $0 < index } }
  }

  /// Bounds of each part of an element's key, to tell whether two are the same.
  public func key(_ index: Int) -> [Bits128] {
    let range = index * components..<(index + 1) * components
    return Array(lows[range]) + (highs.isEmpty ? lows[range] : highs[range])
  }
}

import Ruleset
import Wire

// nft's sets: what the dump shows, and what rules on the packet's way changed.
extension Engine {
  /// A rule of this branch changed a set.
  struct SetChange {
    /// The change before; -1: none.
    var previous: Int32
    var set: SetID
    /// Nil: the flow does not tell which element.
    var key: [Bits128]?
    var removes: Bool
    /// What the element leads to; nil: not known, or the set is no map.
    var data: [Bits128]?
  }

  enum Found {
    case none
    /// An element of the dump.
    case element(Int)
    /// One that a rule added.
    case added([Bits128]?)
    case unknown
  }

  func find(_ key: [Bits128], in set: SetID, _ b: Branch) -> Found {
    var unsure = false
    var at = b.setChanges
    while at >= 0 {
      let change = setChanges[Int(at)]
      at = change.previous
      guard change.set == set else { continue }
      guard let changed = change.key else {
        unsure = true
        continue
      }
      guard changed == key else { continue }
      // What came later may have undone it.
      if unsure { return .unknown }
      return change.removes ? .none : .added(change.data)
    }
    return unsure ? .unknown : dumped(key, in: set).map { .element($0) } ?? .none
  }

  private func dumped(_ key: [Bits128], in set: SetID) -> Int? {
    if ruleset.sets[Int(set.index)].isUnread { unread.sets.insert(set) }
    if !node.setIndexes.isEmpty, let index = node.setIndexes[Int(set.index)] { return index.find(key) }
    return SetIndex(ruleset.sets[Int(set.index)], hashing: false).find(key)
  }

  /// net/netfilter/nft_dynset.c: a rule ends where no element can be added.
  mutating func update(_ update: SetUpdate, _ b: inout Branch, rule: Int) -> Effect {
    var key: [Bits128]?
    switch evaluate(update.key, b) {
    case .absent: return .noMatch
    case .choice(let modulus):
      forkOnChoice(&b, modulus, clause: Int(b.clause))
      return .again
    case .unknownLocal(let address):
      forkOnLocality(&b, address, clause: Int(b.clause))
      return .again
    case .unknown: break
    case .values(let values): key = values
    }
    var data: [Bits128]?
    if let expression = update.data {
      switch evaluate(expression, b) {
      case .absent: return .noMatch
      case .values(let values): data = values
      default: break
      }
    }
    let removes = update.operation == .delete
    if let key, !removes {
      switch find(key, in: update.set, b) {
      case .element, .added: return .goOn  // There already; its data stays as it is.
      case .none, .unknown: break
      }
      let set = ruleset.sets[Int(update.set.index)]
      if let capacity = set.capacity, set.count >= capacity, !set.flags.contains(.volatile) { return .noMatch }
    }
    setChanges.append(
      SetChange(previous: b.setChanges, set: update.set, key: key, removes: removes, data: data))
    b.setChanges = Int32(setChanges.count - 1)
    return .goOn
  }
}

import Ruleset
import Wire

/// Which rules of a long chain can match a packet at all. Chains such as KUBE-SERVICES hold ten thousand rules that
/// each name one destination: an index by that value yields the few candidates, the rest of the chain is skipped.
struct ChainDispatch: Sendable {
  enum Key: Sendable { case destination, source, destinationPort }

  var key: Key
  /// Open addressing; a slot holds the range of its positions in `positions`.
  private var slots: [(value: Bits128, first: UInt32, count: UInt32)]
  private var positions: [UInt32]
  /// Positions of rules that do not name one value of the key.
  private var others: [UInt32]

  /// Chains shorter than this are scanned.
  static let minimumRules = 48

  /// Nil where no key covers most of the rules.
  init?(_ ruleset: Ruleset, _ chain: Chain) {
    let count = Int(chain.ruleCount)
    guard count >= Self.minimumRules else { return nil }
    var values: [Key: [(position: UInt32, value: Bits128)]] = [.destination: [], .source: [], .destinationPort: []]
    for position in 0..<count {
      let rule = ruleset[ruleset.rule(at: position, of: chain)]
      for clause in ruleset.clauses(of: rule) {
        guard case .match(let match) = clause else { break }
        guard !match.negated else { continue }
        switch match.test {
        case .equal(.destination, let value, .max), .equal(.destination4, let value, .max):
          values[.destination]!.append((UInt32(position), Bits128(value)))
        case .equal(.source, let value, .max), .equal(.source4, let value, .max):
          values[.source]!.append((UInt32(position), Bits128(value)))
        case .equal(.destinationPort, let value, 0xFFFF...):
          values[.destinationPort]!.append((UInt32(position), Bits128(value)))
        case .equalWide(.destination, let id), .equalWide(.destination6, let id):
          let pair = ruleset.wide[Int(id.index)]
          if pair.b == .ones { values[.destination]!.append((UInt32(position), pair.a)) }
        case .equalWide(.source, let id), .equalWide(.source6, let id):
          let pair = ruleset.wide[Int(id.index)]
          if pair.b == .ones { values[.source]!.append((UInt32(position), pair.a)) }
        default: continue
        }
      }
    }
    let best = values.max { $0.value.count < $1.value.count }!
    guard best.value.count * 2 >= count else { return nil }
    key = best.key
    var groups: [Bits128: [UInt32]] = [:]
    var named = [Bool](repeating: false, count: count)
    for item in best.value where !named[Int(item.position)] {
      named[Int(item.position)] = true
      groups[item.value, default: []].append(item.position)
    }
    others = (0..<UInt32(count)).filter { !named[Int($0)] }
    var size = 16
    while size < groups.count * 2 { size *= 2 }
    slots = Array(repeating: (.zero, 0, 0), count: size)
    positions = []
    positions.reserveCapacity(best.value.count)
    for (value, list) in groups {
      var slot = Self.hash(value) & (size - 1)
      while slots[slot].count != 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = (value, UInt32(positions.count), UInt32(list.count))
      positions.append(contentsOf: list)
    }
  }

  @inline(__always) private static func hash(_ value: Bits128) -> Int {
    let mixed = (value.low ^ value.high &* 0x9E37_79B9_7F4A_7C15) &* 0xFF51_AFD7_ED55_8CCD
    return Int(truncatingIfNeeded: mixed >> 33)
  }

  /// The first position at or behind `from` whose rule may match; nil: none up to the end of the chain.
  func candidate(from: UInt32, value: Bits128) -> UInt32? {
    var best: UInt32?
    let mask = slots.count - 1
    var slot = Self.hash(value) & mask
    while slots[slot].count != 0 {
      if slots[slot].value == value {
        let first = Int(slots[slot].first)
        let end = first + Int(slots[slot].count)
        var at = first
        while at < end, positions[at] < from { at += 1 }
        if at < end { best = positions[at] }
        break
      }
      slot = (slot + 1) & mask
    }
    // The first of the others at or behind `from`.
    var low = 0
    var high = others.count
    while low < high {
      let middle = (low + high) / 2
      if others[middle] < from { low = middle + 1 } else { high = middle }
    }
    if low < others.count, best == nil || others[low] < best! { best = others[low] }
    return best
  }
}

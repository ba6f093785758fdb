import Ruleset
import Wire

/// Which rules of a long chain can match a packet at all. Chains such as KUBE-SERVICES hold ten thousand rules that
/// each name one destination, KUBE-NODEPORTS thousands that name one port: each rule is indexed by the value that the
/// fewest rules share, the rest of the chain is skipped.
final class ChainDispatch: Sendable {
  private enum Key: Int, CaseIterable { case destination, destinationPort, source }

  /// Chains shorter than this are scanned.
  static let minimumRules = 48

  private let byDestination: PositionIndex
  private let byPort: PositionIndex
  private let bySource: PositionIndex
  /// Positions of rules that name no value of a key, in order.
  private let others: [UInt32]

  var readsSource: Bool { !bySource.isEmpty }

  /// For a chain of at least `minimumRules`. Nil where less than half of them name a value.
  init?(_ ruleset: Ruleset, _ chain: Chain) {
    let count = Int(chain.ruleCount)
    var named: [[(key: Key, value: Bits128)]] = []
    named.reserveCapacity(count)
    var sharing: [[Bits128: Int]] = Key.allCases.map { _ in [:] }
    for position in 0..<count {
      let values = Self.values(ruleset, ruleset[ruleset.rule(at: position, of: chain)])
      for (key, value) in values { sharing[key.rawValue][value, default: 0] += 1 }
      named.append(values)
    }
    var groups: [[Bits128: [UInt32]]] = Key.allCases.map { _ in [:] }
    var others: [UInt32] = []
    for (position, values) in named.enumerated() {
      let best = values.min { sharing[$0.key.rawValue][$0.value]! < sharing[$1.key.rawValue][$1.value]! }
      guard let best else {
        others.append(UInt32(position))
        continue
      }
      groups[best.key.rawValue][best.value, default: []].append(UInt32(position))
    }
    guard others.count * 2 <= count else { return nil }
    self.others = others
    byDestination = PositionIndex(groups[Key.destination.rawValue])
    byPort = PositionIndex(groups[Key.destinationPort.rawValue])
    bySource = PositionIndex(groups[Key.source.rawValue])
  }

  /// The values that a packet must have for the rule to do anything.
  private static func values(_ ruleset: Ruleset, _ rule: Rule) -> [(key: Key, value: Bits128)] {
    var values: [(Key, Bits128)] = []
    var port: UInt32?
    var hasPorts = false
    for clause in ruleset.clauses(of: rule) {
      guard case .match(let match) = clause else { break }
      guard !match.negated else { continue }
      switch match.test {
      case .equal(.destination, let value, .max), .equal(.destination4, let value, .max):
        values.append((.destination, Bits128(value)))
      case .equal(.source, let value, .max), .equal(.source4, let value, .max):
        values.append((.source, Bits128(value)))
      case .equal(.destinationPort, let value, 0xFFFF...): port = value
      case .range(.destinationPort, let low, let high) where low == high: port = low
      case .equal(.protocol, let value, 0xFF...):
        hasPorts = IPProtocol(rawValue: UInt8(truncatingIfNeeded: value)).hasPorts
      case .equalWide(.destination, let id), .equalWide(.destination6, let id):
        let pair = ruleset.wide[Int(id.index)]
        if pair.b == .ones { values.append((.destination, pair.a)) }
      case .equalWide(.source, let id), .equalWide(.source6, let id):
        let pair = ruleset.wide[Int(id.index)]
        if pair.b == .ones { values.append((.source, pair.a)) }
      default: continue
      }
    }
    // Whether a packet without ports matches is another question: it is asked of the rule.
    if let port, hasPorts { values.append((.destinationPort, Bits128(port))) }
    return values
  }

  /// The first position at or behind `from` whose rule may match; `UInt32.max`: none up to the end of the chain.
  func candidate(from: UInt32, destination: Bits128, destinationPort: UInt16, source: Bits128) -> UInt32 {
    var best = byDestination.first(of: destination, from: from)
    best = min(best, byPort.first(of: Bits128(UInt32(destinationPort)), from: from))
    best = min(best, bySource.first(of: source, from: from))
    let other = others.withUnsafeBufferPointer { PositionIndex.lowerBound($0, 0, $0.count, from) }
    return other < others.count ? min(best, others[other]) : best
  }
}

/// Positions by value: open addressing, the positions of one value in order.
private struct PositionIndex: Sendable {
  private struct Slot {
    var value = Bits128.zero
    var first: UInt32 = 0
    /// 0: the slot is free.
    var count: UInt32 = 0
  }

  private var slots: [Slot] = []
  private var positions: [UInt32] = []

  var isEmpty: Bool { slots.isEmpty }

  init(_ groups: [Bits128: [UInt32]]) {
    guard !groups.isEmpty else { return }
    var size = 16
    while size < groups.count * 2 { size *= 2 }
    slots = Array(repeating: Slot(), count: size)
    for (value, list) in groups {
      var slot = Self.hash(value) & (size - 1)
      while slots[slot].count != 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = Slot(value: value, first: UInt32(positions.count), count: UInt32(list.count))
      positions.append(contentsOf: list)
    }
  }

  @inline(__always) private static func hash(_ value: Bits128) -> Int {
    let mixed = (value.low ^ value.high &* 0x9E37_79B9_7F4A_7C15) &* 0xFF51_AFD7_ED55_8CCD
    return Int(truncatingIfNeeded: mixed >> 33)
  }

  /// The first position of the value at or behind `from`; `UInt32.max`: none.
  func first(of value: Bits128, from: UInt32) -> UInt32 {
    slots.withUnsafeBufferPointer { slots in
      guard !slots.isEmpty else { return .max }
      let mask = slots.count - 1
      var at = Self.hash(value) & mask
      while slots[at].count != 0 {
        if slots[at].value == value {
          return positions.withUnsafeBufferPointer { positions in
            let end = Int(slots[at].first) + Int(slots[at].count)
            let found = Self.lowerBound(positions, Int(slots[at].first), end, from)
            return found < end ? positions[found] : .max
          }
        }
        at = (at + 1) & mask
      }
      return .max
    }
  }

  /// The index of the first of `list[low..<high]` that is not below `value`; `high`: none.
  @inline(__always)
  static func lowerBound(_ list: UnsafeBufferPointer<UInt32>, _ low: Int, _ high: Int, _ value: UInt32) -> Int {
    var low = low
    var high = high
    while low < high {
      let middle = (low + high) / 2
      if list[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

import Ruleset
import Wire

/// Finds the element of an nft set that a key falls into. Sets of single values are hashed once they are asked often;
/// intervals are searched one by one, the narrowest containing element wins (they do not overlap in the kernel).
struct SetIndex: Sendable {
  private var slots: [UInt32]  // element + 1
  private let set: NamedSet
  private let hashed: Bool

  init(_ set: NamedSet, hashing: Bool) {
    self.set = set
    hashed = hashing && set.highs.isEmpty && set.count > 8
    slots = []
    guard hashed else { return }
    var size = 32
    while size < set.count * 2 { size *= 2 }
    slots = [UInt32](repeating: 0, count: size)
    for element in 0..<set.count where element != set.catchAll {
      var slot = Self.hash(set.lows, element * set.components, set.components) & (size - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = UInt32(element + 1)
    }
  }

  private static func hash(_ values: [Bits128], _ start: Int, _ count: Int) -> Int {
    var h: UInt64 = 0x9E37_79B9_7F4A_7C15
    for index in start..<start + count {
      h = (h ^ values[index].low) &* 0xFF51_AFD7_ED55_8CCD
      h = (h ^ h >> 29 ^ values[index].high) &* 0xC4CE_B9FE_1A85_EC53
    }
    return Int(truncatingIfNeeded: h >> 33)
  }

  /// The index of the element that holds the key; the catch-all element where no other does.
  func find(_ key: [Bits128]) -> Int? {
    guard key.count == set.components else { return nil }
    if hashed {
      let mask = slots.count - 1
      var slot = Self.hash(key, 0, key.count) & mask
      while slots[slot] != 0 {
        let element = Int(slots[slot]) - 1
        if (0..<key.count).allSatisfy({ set.lows[element * key.count + $0] == key[$0] }) { return element }
        slot = (slot + 1) & mask
      }
      return set.catchAll
    }
    for element in 0..<set.count where element != set.catchAll {
      var inside = true
      for part in 0..<key.count {
        let at = element * key.count + part
        let high = set.highs.isEmpty ? set.lows[at] : set.highs[at]
        if key[part] < set.lows[at] || high < key[part] {
          inside = false
          break
        }
      }
      if inside { return element }
    }
    return set.catchAll
  }
}

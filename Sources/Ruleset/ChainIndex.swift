/// (table, name) → chain: open addressing, because a dump of a large cluster looks up a chain for every rule.
public struct ChainIndex: Sendable {
  @usableFromInline var keys: [UInt64] = [UInt64](repeating: .max, count: 64)
  @usableFromInline var values: [UInt32] = [UInt32](repeating: 0, count: 64)
  @usableFromInline var count = 0

  public init() {}

  @inlinable static func start(_ key: UInt64, _ mask: Int) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
  }

  @inlinable public func find(_ table: TableID, _ name: NameID) -> ChainID? {
    let key = UInt64(table.index) << 32 | UInt64(name.index)
    let mask = keys.count - 1
    var slot = Self.start(key, mask)
    while keys[slot] != .max {
      if keys[slot] == key { return ChainID(Int(values[slot])) }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// The pair must not be in the index yet.
  @inlinable public mutating func insert(_ table: TableID, _ name: NameID, _ chain: ChainID) {
    if count * 4 >= keys.count * 3 { grow() }
    place(UInt64(table.index) << 32 | UInt64(name.index), chain.index)
    count += 1
  }

  @usableFromInline mutating func place(_ key: UInt64, _ value: UInt32) {
    let mask = keys.count - 1
    var slot = Self.start(key, mask)
    while keys[slot] != .max { slot = (slot + 1) & mask }
    keys[slot] = key
    values[slot] = value
  }

  @usableFromInline mutating func grow() {
    let oldKeys = keys
    let oldValues = values
    keys = [UInt64](repeating: .max, count: oldKeys.count * 2)
    values = [UInt32](repeating: 0, count: oldKeys.count * 2)
    for (index, key) in oldKeys.enumerated() where key != .max { place(key, oldValues[index]) }
  }
}

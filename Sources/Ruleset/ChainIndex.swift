import Input

/// (table, name) → chain: open addressing, because a dump of a large cluster looks up a chain for every rule. Names that
/// were numbered one after the other, as a dump declares them, stand side by side in groups of 16.
public struct ChainIndex: Sendable {
  @usableFromInline struct Slot: Sendable {
    @usableFromInline var key: UInt64 = .max
    @usableFromInline var chain: UInt32 = 0
    @inlinable init() {}
  }

  /// A power of two, at most half full.
  @usableFromInline var slots = [Slot](repeating: Slot(), count: 64)
  @usableFromInline var count = 0

  public init() {}

  /// Makes room for `count` chains in all.
  public mutating func reserve(_ count: Int) {
    var wanted = slots.count
    while count * 2 > wanted { wanted *= 2 }
    if wanted > slots.count { resize(wanted) }
  }

  @inlinable static func key(_ table: TableID, _ name: NameID) -> UInt64 {
    UInt64(table.index) << 32 | UInt64(name.index)
  }

  @inlinable static func start(_ key: UInt64, _ mask: Int) -> Int {
    let group = Int(truncatingIfNeeded: ((key &>> 4) &* 0x9E37_79B9_7F4A_7C15) &>> 32)
    return (group &<< 4 | Int(key & 15)) & mask
  }

  @inlinable public func find(_ table: TableID, _ name: NameID) -> ChainID? {
    let key = Self.key(table, name)
    let mask = slots.count - 1
    var at = Self.start(key, mask)
    while slots[at].key != .max {
      if slots[at].key == key { return ChainID(Int(slots[at].chain)) }
      at = (at + 1) & mask
    }
    return nil
  }

  /// The pair must not be in the index yet.
  @inlinable public mutating func insert(_ table: TableID, _ name: NameID, _ chain: ChainID) {
    if count * 2 >= slots.count { resize(slots.count * 2) }
    place(Self.key(table, name), chain.index)
    count += 1
  }

  @usableFromInline mutating func place(_ key: UInt64, _ chain: UInt32) {
    let mask = slots.count - 1
    var at = Self.start(key, mask)
    while slots[at].key != .max { at = (at + 1) & mask }
    slots[at].key = key
    slots[at].chain = chain
  }

  @usableFromInline mutating func resize(_ size: Int) {
    let old = slots
    slots = Array(large: Slot(), count: size)
    for slot in old where slot.key != .max { place(slot.key, slot.chain) }
  }
}

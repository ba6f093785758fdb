import CPrefetch
import Input

/// (table, name) → chain, by the number of the name: a dump of a large cluster looks up a chain for every rule. Most names
/// stand in one table; the first table that has a name is found in place, others by hash.
public struct ChainIndex: Sendable {
  @usableFromInline struct Entry: Sendable {
    /// `UInt32.max`: no chain has the name.
    @usableFromInline var table = UInt32.max
    @usableFromInline var chain: UInt32 = 0
    @inlinable init() {}
  }

  @usableFromInline var first: [Entry] = []
  @usableFromInline var others: [UInt64: UInt32] = [:]

  public init() {}

  /// Makes room for `count` names in all.
  public mutating func reserve(_ count: Int) { first.reserveLarge(count - first.count) }

  @inlinable static func key(_ table: TableID, _ name: NameID) -> UInt64 {
    UInt64(table.index) << 32 | UInt64(name.index)
  }

  @inlinable public func find(_ table: TableID, _ name: NameID) -> ChainID? {
    let index = Int(name.index)
    guard index < first.count, first[index].table != .max else { return nil }
    if first[index].table == UInt32(table.index) { return ChainID(Int(first[index].chain)) }
    return others.isEmpty ? nil : others[Self.key(table, name)].map { ChainID(Int($0)) }
  }

  /// The pair must not be in the index yet.
  @inlinable public mutating func insert(_ table: TableID, _ name: NameID, _ chain: ChainID) {
    let index = Int(name.index)
    while first.count <= index { first.append(Entry()) }
    if first[index].table == .max {
      first[index].table = UInt32(table.index)
      first[index].chain = chain.index
    } else {
      others[Self.key(table, name)] = chain.index
    }
  }

  /// Asks memory for the place of a name that will be looked up.
  @inlinable public func prefetch(_ name: NameID) {
    let index = Int(name.index)
    guard index < first.count else { return }
    first.withUnsafeBufferPointer { prefetch_line($0.baseAddress! + index) }
  }
}

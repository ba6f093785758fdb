/// The indices of the highest ranks of many, without sorting all of them; among equals the first to come.
struct Ranking {
  private let capacity: Int
  private var entries: [(index: Int, rank: Int64)] = []
  /// What a newcomer must exceed.
  private var floor = Int64.min

  init(capacity: Int) { self.capacity = capacity }

  mutating func add(_ index: Int, _ rank: Int64) {
    guard capacity > 0, rank > floor || entries.count < capacity else { return }
    entries.append((index, rank))
    if entries.count >= capacity * 2 + 64 { shorten() }
  }

  private mutating func shorten() {
    entries.sort { $0.rank != $1.rank ? $0.rank > $1.rank : $0.index < $1.index }
    guard entries.count > capacity else { return }
    entries.removeLast(entries.count - capacity)
    floor = entries[capacity - 1].rank
  }

  var indices: [Int] {
    var copy = self
    copy.shorten()
    return copy.entries.map(\.index)
  }
}

import Glibc
import Wire

/// The addresses of an IPv6 conversation: the others have theirs in the record.
struct AddressPair {
  var low: Bits128
  var high: Bits128
}

/// Conversations by key: open addressing with linear probing over (tag, index) words, records in pages. The tag, half of
/// the hash, says where a word belongs: growing and removing need no record. Finding is one cache line in the common
/// case and allocates nothing. At `limit` records the longest idle of a few looked at makes
/// room; how many went is counted.
struct ConversationTable: ~Copyable {
  private var slots: UnsafeMutablePointer<UInt64>
  private var mask: Int
  private var used = 0
  let seed: UInt64
  private(set) var records = Paged<Conversation>()
  var remarks = RareRecords(of: ConversationRemarks())
  private var pairs = Paged<AddressPair>()
  private var freePairs: [UnsafeMutablePointer<AddressPair>] = []
  private var hand = 0
  private(set) var evicted = 0
  let limit: Int

  init(limit: Int) {
    self.limit = max(16, limit)
    seed = UInt64.random(in: .min ... .max)
    mask = (1 << 16) - 1
    slots = zeroed(mask + 1, of: UInt64.self)
  }

  deinit { free(slots) }

  @inline(__always) func hash(_ key: ConversationKey) -> UInt64 { key.hash(seed: seed) }

  /// The index of a key's newest record, or -1.
  @inline(__always) func find(_ key: ConversationKey, _ hash: UInt64) -> Int {
    let tag = hash >> 32
    var at = Int(truncatingIfNeeded: tag) & mask
    while true {
      let slot = slots[at]
      if slot == 0 { return -1 }
      if slot >> 32 == tag {
        let index = Int(truncatingIfNeeded: slot & 0xFFFF_FFFF) &- 1
        if records.pointer(index).pointee.key == key { return index }
      }
      at = (at &+ 1) & mask
    }
  }

  /// What `guess` says of a key that is not in the table, and where it does not know.
  static var absent: Int { -1 }
  static var unknown: Int { -2 }

  /// Where the search for a hash begins.
  @inline(__always) func slot(_ hash: UInt64) -> UnsafeRawPointer {
    UnsafeRawPointer(slots + (Int(truncatingIfNeeded: hash >> 32) & mask))
  }

  /// The index of what is probably the newest record of a key with this hash, after a short search.
  @inline(__always) func guess(_ hash: UInt64) -> Int {
    let tag = hash >> 32
    var at = Int(truncatingIfNeeded: tag) & mask
    // Which of the first two it is is not for a branch to predict.
    let first = slots[at]
    let second = slots[(at &+ 1) & mask]
    let slot = first >> 32 == tag ? first : second
    if slot >> 32 == tag { return Int(truncatingIfNeeded: slot & 0xFFFF_FFFF) &- 1 }
    for _ in 0..<4 {
      if slots[at] == 0 { return Self.absent }
      if slots[at] >> 32 == tag { return Int(truncatingIfNeeded: slots[at] & 0xFFFF_FFFF) &- 1 }
      at = (at &+ 1) & mask
    }
    return Self.unknown
  }

  /// The record that must go before another can be inserted, when the table is full: the longest idle of 16.
  mutating func victim() -> Int? {
    guard records.count >= limit else { return nil }
    var best = hand % limit
    for step in 1..<16 {
      let candidate = (hand + step) % limit
      if records.pointer(candidate).pointee.lastTime < records.pointer(best).pointee.lastTime { best = candidate }
    }
    hand = (hand + 16) % limit
    return best
  }

  /// Puts a new conversation into the table, in the place of `victim` if there is one; one of the same key found before is no
  /// longer found, but stays. Returns its index.
  mutating func insert(
    _ key: ConversationKey, _ hash: UInt64, time: Int64, frame: FrameReference, replacing victim: Int?
  ) -> Int {
    if let victim { forget(victim) }
    let pair = key.version == 4 ? nil : pair(of: key)
    let index: Int
    let record: UnsafeMutablePointer<Conversation>
    if let victim {
      index = victim
      record = records.pointer(victim)
    } else {
      index = records.count
      record = records.add()
    }
    record.initialize(to: Conversation(key: key, pair: pair, time: time, frame: frame, remarks: remarks.none))
    if (used + 1) * 2 > mask { grow() }
    place(hash, index, key: key)
    return index
  }

  private mutating func forget(_ victim: Int) {
    remove(victim)
    evicted += 1
    let record = records.pointer(victim)
    remarks.giveBack(record.pointee.remarks)
    if let pair = record.pointee.pair { freePairs.append(pair) }
  }

  private mutating func pair(of key: ConversationKey) -> UnsafeMutablePointer<AddressPair> {
    let pair = freePairs.popLast() ?? pairs.pointer(pairs.append(AddressPair(low: key.low, high: key.high)))
    pair.pointee = AddressPair(low: key.low, high: key.high)
    return pair
  }

  private mutating func place(_ hash: UInt64, _ index: Int, key: ConversationKey) {
    let word = (hash >> 32) << 32 | UInt64(index + 1)
    var at = Int(truncatingIfNeeded: hash >> 32) & mask
    while slots[at] != 0 {
      if slots[at] >> 32 == hash >> 32 {
        let other = Int(slots[at] & 0xFFFF_FFFF) - 1
        if other == index || records.pointer(other).pointee.key == key {
          slots[at] = word
          return
        }
      }
      at = (at + 1) & mask
    }
    slots[at] = word
    used += 1
  }

  /// Gives all records other scopes; of those that become equal the newest is found.
  mutating func rescope(_ scope: (UInt32) -> UInt32) {
    for at in 0...mask { slots[at] = 0 }
    used = 0
    for index in 0..<records.count {
      let record = records.pointer(index)
      record.pointee.rescope(scope(record.pointee.scope))
      let key = record.pointee.key
      place(hash(key), index, key: key)
    }
  }

  private mutating func grow() {
    let old = slots
    let size = mask + 1
    mask = size * 2 - 1
    slots = zeroed(size * 2, of: UInt64.self)
    for from in 0..<size where old[from] != 0 {
      var at = Int(truncatingIfNeeded: old[from] >> 32) & mask
      while slots[at] != 0 { at = (at &+ 1) & mask }
      slots[at] = old[from]
    }
    free(old)
  }

  /// Removes a record's slot, if it still has one, moving later ones of the same run back (no tombstones).
  private mutating func remove(_ index: Int) {
    let start = Int(truncatingIfNeeded: hash(records.pointer(index).pointee.key) >> 32) & mask
    var at = start
    while true {
      if slots[at] == 0 { return }
      if Int(slots[at] & 0xFFFF_FFFF) - 1 == index { break }
      at = (at + 1) & mask
    }
    used -= 1
    var hole = at
    var next = (at + 1) & mask
    while slots[next] != 0 {
      let home = Int(truncatingIfNeeded: slots[next] >> 32) & mask
      if (next - home) & mask >= (next - hole) & mask {
        slots[hole] = slots[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    slots[hole] = 0
  }
}

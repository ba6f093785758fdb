import Glibc

/// Eight bytes a step.
func hashBytes(_ base: UnsafeRawPointer, _ count: Int, seed: UInt64) -> UInt64 {
  var hash = seed ^ UInt64(truncatingIfNeeded: count)
  var at = 0
  while at &+ 8 <= count {
    hash = mix(hash ^ base.loadUnaligned(fromByteOffset: at, as: UInt64.self), 0x9E37_79B9_7F4A_7C15)
    at &+= 8
  }
  var rest: UInt64 = 0
  while at < count {
    rest = rest << 8 | UInt64(base.load(fromByteOffset: at, as: UInt8.self))
    at &+= 1
  }
  return mix(hash ^ rest, 0xC2B2_AE3D_27D4_EB4F)
}

/// Memory of zeroes for a table that is visited at random, on huge pages where it fills some; to be given to `free`.
func zeroed<Slot>(_ count: Int, of type: Slot.Type) -> UnsafeMutablePointer<Slot> {
  let size = count * MemoryLayout<Slot>.stride
  let isLarge = size >= 1 << 18
  var base = isLarge ? nil : calloc(count, MemoryLayout<Slot>.stride)
  if isLarge { posix_memalign(&base, HugePages.size, max(size, HugePages.size)) }
  guard let base else { fatalError("out of memory") }
  if isLarge {
    HugePages.back(base, max(size, HugePages.size))
    memset(base, 0, size)
  }
  return base.bindMemory(to: Slot.self, capacity: count)
}

/// 64-bit hashes (always odd) to indices, by open addressing; the hashes themselves are taken for equal keys. Where the search
/// begins is for the caller to say, who may know it before the hash: spread as well as a hash, the same for equal keys.
struct HashIndex: ~Copyable {
  private struct Slot {
    var hash: UInt64
    var place: UInt32
    var index: UInt32
  }
  private var slots: UnsafeMutablePointer<Slot>
  private var mask = (1 << 10) - 1
  /// Slots that are not free, and those of them that hold something.
  private var used = 0
  private var live = 0
  /// Stands in the slots of what was removed: a search goes on behind them.
  private static let removed: UInt64 = 2

  init() { slots = zeroed(mask + 1, of: Slot.self) }
  deinit { free(slots) }

  var capacity: Int { mask + 1 }

  @inline(__always) static func place(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 20) }

  /// The line in which the search will begin.
  @inline(__always) func line(_ place: UInt32) -> UnsafeRawPointer { UnsafeRawPointer(slots + (Int(place) & mask)) }

  func find(_ hash: UInt64) -> Int? { find(hash, at: Self.place(hash)) }

  func find(_ hash: UInt64, at place: UInt32) -> Int? {
    let found = slots[slot(hash, place)]
    return found.hash != 0 ? Int(found.index) : nil
  }

  /// Where a hash stands or would stand. It is looked for at a few slots from `place` on, then where the hash says: packets
  /// made to meet at one place do not make one long run there.
  @inline(__always) private func slot(_ hash: UInt64, _ place: UInt32) -> Int {
    var at = Int(place) & mask
    for _ in 0..<8 {
      if slots[at].hash == hash || slots[at].hash == 0 { return at }
      at = (at &+ 1) & mask
    }
    at = Int(Self.place(hash)) & mask
    while slots[at].hash != hash, slots[at].hash != 0 { at = (at &+ 1) & mask }
    return at
  }

  mutating func insert(_ hash: UInt64, _ index: Int) { insert(hash, index, at: Self.place(hash)) }

  /// The hash must not be there yet; indices fit into 32 bits.
  mutating func insert(_ hash: UInt64, _ index: Int, at place: UInt32) {
    if (used + 1) * 2 > mask { rebuild() }
    put(Slot(hash: hash, place: place, index: UInt32(truncatingIfNeeded: index)))
    used += 1
    live += 1
  }

  mutating func remove(_ hash: UInt64, at place: UInt32) {
    let at = slot(hash, place)
    guard slots[at].hash != 0 else { return }
    slots[at].hash = Self.removed
    live -= 1
  }

  /// Without what was removed, and larger where that is not enough.
  private mutating func rebuild() {
    let old = slots
    let size = mask + 1
    // At most one eighth full then: growing seldom costs less than the memory.
    if live * 8 > size { mask = size * 4 - 1 }
    slots = zeroed(mask + 1, of: Slot.self)
    for at in 0..<size where old[at].hash & 1 != 0 { put(old[at]) }
    free(old)
    used = live
  }

  private func put(_ entry: Slot) { slots[slot(entry.hash, entry.place)] = entry }
}

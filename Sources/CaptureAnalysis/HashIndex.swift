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
  let isLarge = size >= 1 << 21
  var base = isLarge ? nil : calloc(count, MemoryLayout<Slot>.stride)
  if isLarge { posix_memalign(&base, 1 << 21, size) }
  guard let base else { fatalError("out of memory") }
  if isLarge {
    madvise(base, size, MADV_HUGEPAGE)
    memset(base, 0, size)
  }
  return base.bindMemory(to: Slot.self, capacity: count)
}

/// 64-bit hashes (never 0) to indices, by open addressing; the hashes themselves are taken for equal keys.
struct HashIndex: ~Copyable {
  private struct Slot {
    var hash: UInt64
    var index: Int
  }
  private var slots: UnsafeMutablePointer<Slot>
  private var mask = (1 << 10) - 1
  private var used = 0

  init() { slots = zeroed(mask + 1, of: Slot.self) }
  deinit { free(slots) }

  func find(_ hash: UInt64) -> Int? {
    var at = Int(truncatingIfNeeded: hash >> 20) & mask
    while slots[at].hash != 0 {
      if slots[at].hash == hash { return slots[at].index }
      at = (at &+ 1) & mask
    }
    return nil
  }

  /// The hash must not be there yet.
  mutating func insert(_ hash: UInt64, _ index: Int) {
    if (used + 1) * 2 > mask {
      let old = slots
      let size = mask + 1
      mask = size * 2 - 1
      slots = zeroed(mask + 1, of: Slot.self)
      for at in 0..<size where old[at].hash != 0 { place(old[at]) }
      free(old)
    }
    place(Slot(hash: hash, index: index))
    used += 1
  }

  private func place(_ slot: Slot) {
    var at = Int(truncatingIfNeeded: slot.hash >> 20) & mask
    while slots[at].hash != 0 { at = (at &+ 1) & mask }
    slots[at] = slot
  }
}

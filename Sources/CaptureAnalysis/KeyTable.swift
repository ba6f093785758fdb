import Wire

/// What a `KeyTable` can hold: a key that mixes itself into one word, cheaper than `Hasher` by far.
protocol MixHashable: Hashable {
  func mixed(_ seed: UInt64) -> UInt64
}

extension MixHashable {
  /// For keys that are seldom asked for.
  func mixed(_ seed: UInt64) -> UInt64 { UInt64(bitPattern: Int64(hashValue)) }
}

/// One for the whole run: asking the kernel for each table would cost more than many of them do.
private let tableSeed = UInt64.random(in: .min ... .max)

/// Numbers keys from 0 in the order in which they first came; never forgets one. Open addressing with linear probing,
/// at most half full. Seeded, so that nobody can choose keys that meet.
struct KeyTable<Key: MixHashable> {
  private(set) var keys: [Key] = []
  /// The high half of a key's hash, which says where the word belongs, over its number plus one; 0 where nothing stands.
  /// Other keys are told apart without a look at them. Empty until the first key comes: many tables stay so.
  private var slots: [UInt64] = []
  private let seed = tableSeed

  var count: Int { keys.count }

  func find(_ key: Key) -> Int? {
    guard !slots.isEmpty else { return nil }
    let word = slots[slot(key, key.mixed(seed) >> 32)]
    return word != 0 ? Self.number(word) : nil
  }

  /// The key's number, a new one if it has none; nil when it would be the `limit`th.
  mutating func number(_ key: Key, limit: Int = Int(UInt32.max) - 1) -> Int? {
    if slots.isEmpty { slots = [UInt64](repeating: 0, count: 32) }
    let tag = key.mixed(seed) >> 32
    let at = slot(key, tag)
    if slots[at] != 0 { return Self.number(slots[at]) }
    guard keys.count < limit else { return nil }
    keys.append(key)
    slots[at] = tag << 32 | UInt64(keys.count)
    if keys.count * 2 > slots.count { grow() }
    return keys.count - 1
  }

  @inline(__always) private static func number(_ word: UInt64) -> Int { Int(word & 0xFFFF_FFFF) - 1 }

  /// Where the key stands or would stand.
  @inline(__always) private func slot(_ key: Key, _ tag: UInt64) -> Int {
    let mask = slots.count - 1
    var at = Int(tag) & mask
    while slots[at] != 0, slots[at] >> 32 != tag || keys[Self.number(slots[at])] != key { at = (at + 1) & mask }
    return at
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: old.count * 2)
    let mask = slots.count - 1
    for word in old where word != 0 {
      var at = Int(word >> 32) & mask
      while slots[at] != 0 { at = (at + 1) & mask }
      slots[at] = word
    }
  }
}

extension IPAddress: MixHashable {
  func mixed(_ seed: UInt64) -> UInt64 {
    mix(bits.low ^ seed, bits.high ^ UInt64(version.rawValue) << 1 ^ 0x9E37_79B9_7F4A_7C15)
  }
}

extension Target: MixHashable {
  func mixed(_ seed: UInt64) -> UInt64 {
    mix(address.mixed(seed) ^ UInt64(port) << 8 ^ UInt64(proto), 0xC2B2_AE3D_27D4_EB4F)
  }
}

/// Who dialled, and where.
struct ClientTarget: MixHashable {
  var client: IPAddress
  var target: Target

  func mixed(_ seed: UInt64) -> UInt64 { mix(client.mixed(seed) ^ target.mixed(seed &+ 1), 0x1656_67B1_9E37_79F9) }
}

extension UInt32: MixHashable {
  func mixed(_ seed: UInt64) -> UInt64 { mix(UInt64(self) ^ seed, 0x9E37_79B9_7F4A_7C15) }
}

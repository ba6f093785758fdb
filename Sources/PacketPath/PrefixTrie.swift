import Wire

/// Longest-prefix lookups of addresses of one IP version: a binary trie with compressed paths (Patricia), in flat
/// arrays. A lookup visits as many nodes as there are nested or neighbouring prefixes on its way, not one a bit.
struct PrefixTrie: Sendable {
  private struct Node {
    /// The prefix's bits, left-aligned, zero behind it.
    var bits: Bits128
    var length: Int
    var parent: Int32
    var zero: Int32 = -1
    var one: Int32 = -1
    /// First and last of its entries; -1: none.
    var first: Int32 = -1
    var last: Int32 = -1
  }

  private struct Entry {
    var value: Int32
    var next: Int32
  }

  private let version: IPVersion
  private var nodes = [Node(bits: .zero, length: 0, parent: -1)]
  private var entries: [Entry] = []

  init(_ version: IPVersion) { self.version = version }

  @inline(__always) private func aligned(_ address: Bits128) -> Bits128 {
    version == .v4 ? Bits128(high: address.low << 32, low: 0) : address
  }

  @inline(__always) private static func bit(_ bits: Bits128, _ position: Int) -> Bool {
    (position < 64 ? bits.high &>> UInt64(63 - position) : bits.low &>> UInt64(127 - position)) & 1 == 1
  }

  /// Adds a value behind those that the prefix has already.
  mutating func insert(_ prefix: IPPrefix, _ value: Int32) {
    let key = aligned(prefix.address.bits)
    var at = 0
    while nodes[at].length < prefix.length {
      let isOne = Self.bit(key, nodes[at].length)
      let child = Int(isOne ? nodes[at].one : nodes[at].zero)
      guard child >= 0 else {
        at = add(key, prefix.length, under: at, isOne)
        break
      }
      let difference = nodes[child].bits ^ key
      let same = difference.high != 0 ? difference.high.leadingZeroBitCount : 64 + difference.low.leadingZeroBitCount
      let common = min(same, nodes[child].length, prefix.length)
      if common == nodes[child].length {
        at = child
        continue
      }
      // The paths part between the two nodes: a node where they do, or that is the new prefix.
      let middle = add(key & .mask(leading: common), common, under: at, isOne)
      nodes[child].parent = Int32(middle)
      if Self.bit(nodes[child].bits, common) {
        nodes[middle].one = Int32(child)
      } else {
        nodes[middle].zero = Int32(child)
      }
      at = common == prefix.length ? middle : add(key, prefix.length, under: middle, Self.bit(key, common))
      break
    }
    entries.append(Entry(value: value, next: -1))
    let entry = Int32(entries.count - 1)
    if nodes[at].last >= 0 { entries[Int(nodes[at].last)].next = entry } else { nodes[at].first = entry }
    nodes[at].last = entry
  }

  private mutating func add(_ bits: Bits128, _ length: Int, under parent: Int, _ isOne: Bool) -> Int {
    nodes.append(Node(bits: bits, length: length, parent: Int32(parent)))
    if isOne { nodes[parent].one = Int32(nodes.count - 1) } else { nodes[parent].zero = Int32(nodes.count - 1) }
    return nodes.count - 1
  }

  /// Hands `body` the values of all prefixes that hold the address, the longest prefix first, those of one prefix in
  /// the order in which they came, with the prefix's length; until it returns false. Returns how many leading bits of
  /// the address it took to find them.
  @inline(__always) @discardableResult
  func search(_ address: Bits128, _ body: (_ value: Int32, _ length: Int) -> Bool) -> Int {
    let key = aligned(address)
    return nodes.withUnsafeBufferPointer { nodes in
      var at = 0
      let width = version == .v4 ? 32 : 128
      var inspected = width
      while nodes[at].length < width {
        let child = Int(Self.bit(key, nodes[at].length) ? nodes[at].one : nodes[at].zero)
        guard child >= 0 else {
          inspected = nodes[at].length + (nodes[at].zero < 0 && nodes[at].one < 0 ? 0 : 1)
          break
        }
        let difference = (nodes[child].bits ^ key) & .mask(leading: nodes[child].length)
        guard difference.isZero else {
          let zeros =
            difference.high != 0 ? difference.high.leadingZeroBitCount : 64 + difference.low.leadingZeroBitCount
          inspected = zeros + 1
          break
        }
        at = child
      }
      while at >= 0 {
        var entry = Int(nodes[at].first)
        while entry >= 0 {
          if !body(entries[entry].value, nodes[at].length) { return inspected }
          entry = Int(entries[entry].next)
        }
        at = Int(nodes[at].parent)
      }
      return inspected
    }
  }
}

import Testing
import Wire

@testable import PacketPath

@Suite("Longest prefixes")
struct PrefixTrieTests {
  /// Against a list of all prefixes, searched one by one.
  @Test("The trie finds what a scan finds, and the bits that it took decide it", arguments: [IPVersion.v4, .v6])
  func likeAScan(_ version: IPVersion) {
    var state: UInt64 = 42
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 31
    }
    /// Few different bits, so that prefixes nest and share their beginnings.
    func address() -> IPAddress {
      version == .v4
        ? IPAddress(v4: UInt32(truncatingIfNeeded: next() & 0x0F0F_00FF | 0x0A00_0000))
        : IPAddress(v6: Bits128(high: 0xFD00 << 48 | next() & 0xF, low: next() & 0xFF00_00FF << 20))
    }
    var trie = PrefixTrie(version)
    var prefixes: [IPPrefix] = []
    for index in 0..<300 {
      let prefix = IPPrefix(address(), length: Int(next() % UInt64(version.width + 1)))
      prefixes.append(prefix)
      trie.insert(prefix, Int32(index))
    }
    for _ in 0..<2000 {
      let wanted = address()
      var found: [Int32] = []
      let bits = trie.search(wanted.bits) { value, _ in
        found.append(value)
        return true
      }
      let scanned = prefixes.indices.filter { prefixes[$0].contains(wanted) }.sorted {
        prefixes[$0].length != prefixes[$1].length ? prefixes[$0].length > prefixes[$1].length : $0 < $1
      }
      #expect(found == scanned.map { Int32($0) })
      // Another address with the same leading bits finds the same.
      let mask = IPPrefix.mask(bits, version)
      let other = wanted.bits & mask | address().bits & ~mask
      var again: [Int32] = []
      trie.search(other) { value, _ in
        again.append(value)
        return true
      }
      #expect(again == found)
    }
  }
}

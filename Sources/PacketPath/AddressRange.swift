import Wire

/// Which address of a range the kernel takes (find_best_ips_proto of net/netfilter/nf_nat_core.c): a hash of the packet's
/// addresses without any random seed, so that one client always gets the same. As little-endian machines compute it.
struct AddressRange {
  var range: ClosedRange<Bits128>
  var version: IPVersion
  /// The hash leaves the destination out.
  var persistent: Bool

  /// `replacesSource`: the address that is chosen becomes the source.
  func address(source: Bits128, destination: Bits128, zone: UInt16, replacesSource: Bool) -> Bits128 {
    let words = version == .v4 ? 1 : 4
    let seed = persistent ? 0 : word(destination, words - 1).byteSwapped ^ UInt32(zone)
    var key: [UInt8] = []
    for index in 0..<words { withUnsafeBytes(of: word(source, index).bigEndian) { key += $0 } }
    key += repeatElement(0, count: 16 - key.count)
    var hash = JenkinsHash.hash(key, seed: seed)
    var result = Bits128.zero
    var fullRange = false
    for index in 0..<words {
      let low = fullRange ? 0 : word(range.lowerBound, index)
      let distance = fullRange ? UInt32.max : word(range.upperBound, index) &- low &+ 1
      let chosen = low &+ UInt32(truncatingIfNeeded: (UInt64(hash) * UInt64(distance)) >> 32)
      result = result << 32 | Bits128(chosen)
      if chosen != word(range.upperBound, index) { fullRange = true }
      if !persistent { hash ^= (replacesSource ? word(destination, index) : chosen).byteSwapped }
    }
    return result
  }

  /// The `index`th word of four bytes of an address, the most significant first.
  private func word(_ address: Bits128, _ index: Int) -> UInt32 {
    if version == .v4 { return UInt32(truncatingIfNeeded: address.low) }
    let half = index < 2 ? address.high : address.low
    return UInt32(truncatingIfNeeded: index.isMultiple(of: 2) ? half >> 32 : half)
  }
}

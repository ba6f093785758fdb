/// The number of a name in a NameTable.
public struct NameID: Hashable, Sendable {
  public var index: UInt32
  @inlinable public init(_ index: Int) { self.index = UInt32(index) }
}

/// Interned byte strings: equal bytes have one number. Open addressing over one byte buffer; a name costs its bytes
/// and about sixteen more.
public struct NameTable: Sendable {
  @usableFromInline var storage: [UInt8] = []
  @usableFromInline var ends: [UInt32] = []
  @usableFromInline var hashes: [UInt32] = []
  /// Name index + 1; 0: free. A power of two, at most 3/4 full.
  @usableFromInline var slots: [UInt32] = [UInt32](repeating: 0, count: 64)

  public init() {}

  public var count: Int { ends.count }

  @inlinable static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var h: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
    var at = 0
    while at + 8 <= bytes.count {
      h = (h ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
      h ^= h >> 32
      at += 8
    }
    if at < bytes.count {
      var tail: UInt64 = 0
      while at < bytes.count {
        tail = tail << 8 | UInt64(bytes[at])
        at += 1
      }
      h = (h ^ tail) &* 0xFF51_AFD7_ED55_8CCD
      h ^= h >> 32
    }
    h = h &* 0xC4CE_B9FE_1A85_EC53
    return UInt32(truncatingIfNeeded: h >> 32)
  }

  @inlinable func matches(_ index: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
    let start = index == 0 ? 0 : Int(ends[index - 1])
    guard Int(ends[index]) - start == bytes.count else { return false }
    return storage.withUnsafeBytes { stored in
      var at = 0
      while at + 8 <= bytes.count {
        if stored.loadUnaligned(fromByteOffset: start + at, as: UInt64.self)
          != bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        {
          return false
        }
        at += 8
      }
      while at < bytes.count {
        if stored[start + at] != bytes[at] { return false }
        at += 1
      }
      return true
    }
  }

  /// The number of these bytes, known or new.
  @inlinable public mutating func intern(_ bytes: UnsafeRawBufferPointer) -> NameID {
    let hash = Self.hash(bytes)
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if hashes[index] == hash, matches(index, bytes) { return NameID(index) }
      slot = (slot + 1) & mask
    }
    return insert(bytes, hash: hash, slot: slot)
  }

  @usableFromInline mutating func insert(_ bytes: UnsafeRawBufferPointer, hash: UInt32, slot: Int) -> NameID {
    let index = ends.count
    storage.append(contentsOf: bytes)
    ends.append(UInt32(storage.count))
    hashes.append(hash)
    slots[slot] = UInt32(index + 1)
    if ends.count * 4 > slots.count * 3 { grow() }
    return NameID(index)
  }

  private mutating func grow() {
    let mask = slots.count * 2 - 1
    var larger = [UInt32](repeating: 0, count: slots.count * 2)
    for (index, hash) in hashes.enumerated() {
      var slot = Int(hash) & mask
      while larger[slot] != 0 { slot = (slot + 1) & mask }
      larger[slot] = UInt32(index + 1)
    }
    slots = larger
  }

  public mutating func intern(_ text: String) -> NameID {
    var copy = text
    return copy.withUTF8 { intern(UnsafeRawBufferPointer($0)) }
  }

  /// The number of these bytes, if they are known.
  public func find(_ text: String) -> NameID? {
    var copy = text
    return copy.withUTF8 { utf8 in
      let bytes = UnsafeRawBufferPointer(utf8)
      let hash = Self.hash(bytes)
      let mask = slots.count - 1
      var slot = Int(hash) & mask
      while slots[slot] != 0 {
        let index = Int(slots[slot]) - 1
        if hashes[index] == hash, matches(index, bytes) { return NameID(index) }
        slot = (slot + 1) & mask
      }
      return nil
    }
  }

  public subscript(id: NameID) -> String {
    String(decoding: self.bytes(of: id), as: UTF8.self)
  }

  public func bytes(of id: NameID) -> ArraySlice<UInt8> {
    let index = Int(id.index)
    return storage[(index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])]
  }
}

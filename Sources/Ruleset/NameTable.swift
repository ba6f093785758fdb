import CPrefetch
import Input

/// The number of a name in a NameTable.
public struct NameID: Hashable, Sendable {
  public var index: UInt32
  @inlinable public init(_ index: Int) { self.index = UInt32(index) }
}

/// Interned byte strings: equal bytes have one number. Open addressing; a slot holds the hash, so that finding a known
/// name touches one slot, where it ends, and the bytes themselves.
public struct NameTable: Sendable {
  @usableFromInline struct Slot: Sendable {
    @usableFromInline var hash: UInt32 = 0
    /// Name index + 1; 0: free.
    @usableFromInline var index: UInt32 = 0
    @inlinable init() {}
  }

  @usableFromInline var storage: [UInt8] = []
  @usableFromInline var ends: [UInt32] = []
  /// A power of two, at most 3/4 full.
  @usableFromInline var slots = [Slot](repeating: Slot(), count: 64)

  public init() {}

  public var count: Int { ends.count }

  /// Makes room for `count` names in all, of `length` bytes each, so that a large dump does not rehash them again and
  /// again.
  public mutating func reserve(_ count: Int, length: Int) {
    ends.reserveLarge(count - ends.count)
    storage.reserveLarge(count * length)
    var wanted = slots.count
    while count * 4 > wanted * 3 { wanted *= 2 }
    if wanted > slots.count { resize(wanted) }
  }

  @inlinable public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var h: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: bytes.count)
    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    var at = 0
    while at &+ 8 <= bytes.count {
      h = (h ^ base.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
      h ^= h &>> 32
      at &+= 8
    }
    if at < bytes.count {
      var tail: UInt64 = 0
      while at < bytes.count {
        tail = tail &<< 8 | UInt64(base.load(fromByteOffset: at, as: UInt8.self))
        at &+= 1
      }
      h = (h ^ tail) &* 0xFF51_AFD7_ED55_8CCD
      h ^= h &>> 32
    }
    h = h &* 0xC4CE_B9FE_1A85_EC53
    return UInt32(truncatingIfNeeded: h &>> 32)
  }

  @inlinable static func same(_ stored: UnsafeRawPointer, _ bytes: UnsafeRawBufferPointer) -> Bool {
    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    var at = 0
    while at &+ 8 <= bytes.count {
      if stored.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        != base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      {
        return false
      }
      at &+= 8
    }
    while at < bytes.count {
      if stored.load(fromByteOffset: at, as: UInt8.self) != base.load(fromByteOffset: at, as: UInt8.self) {
        return false
      }
      at &+= 1
    }
    return true
  }

  /// The slot that holds the bytes, or the free one where they belong.
  @inlinable func slot(_ bytes: UnsafeRawBufferPointer, _ hash: UInt32) -> Int {
    slots.withUnsafeBufferPointer { slots in
      let mask = slots.count &- 1
      var at = Int(hash) & mask
      while slots[at].index != 0 {
        if slots[at].hash == hash, name(NameID(Int(slots[at].index) &- 1), equals: bytes) { return at }
        at = (at &+ 1) & mask
      }
      return at
    }
  }

  /// The number of these bytes, known or new.
  @inlinable public mutating func intern(_ bytes: UnsafeRawBufferPointer) -> NameID {
    intern(bytes, hash: Self.hash(bytes))
  }

  @inlinable public mutating func intern(_ bytes: UnsafeRawBufferPointer, hash: UInt32) -> NameID {
    let at = slot(bytes, hash)
    if slots[at].index != 0 { return NameID(Int(slots[at].index) - 1) }
    return insert(bytes, hash: hash, slot: at)
  }

  /// Whether a name begins so.
  @inlinable public func name(_ id: NameID, hasPrefix prefix: StaticString) -> Bool {
    let index = Int(id.index)
    let start = index == 0 ? 0 : Int(ends[index - 1])
    guard Int(ends[index]) - start >= prefix.utf8CodeUnitCount else { return false }
    let bytes = UnsafeRawBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
    return storage.withUnsafeBytes { Self.same($0.baseAddress! + start, bytes) }
  }

  @usableFromInline mutating func insert(_ bytes: UnsafeRawBufferPointer, hash: UInt32, slot: Int) -> NameID {
    let index = ends.count
    slots[slot].hash = hash
    slots[slot].index = UInt32(index + 1)
    storage.append(contentsOf: bytes)
    ends.append(UInt32(storage.count))
    if ends.count * 4 > slots.count * 3 { resize(slots.count * 2) }
    return NameID(index)
  }

  private mutating func resize(_ count: Int) {
    let mask = count - 1
    var larger = [Slot](large: Slot(), count: count)
    for slot in slots where slot.index != 0 {
      var at = Int(slot.hash) & mask
      while larger[at].index != 0 { at = (at + 1) & mask }
      larger[at] = slot
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
      let at = slot(bytes, Self.hash(bytes))
      return slots[at].index == 0 ? nil : NameID(Int(slots[at].index) - 1)
    }
  }

  // Many lookups in a row: the slot of each is asked for some lookups ahead, then the name's bytes, so that memory
  // answers while the ones before are being compared.

  @inlinable public func prefetchSlot(_ hash: UInt32) {
    slots.withUnsafeBufferPointer { prefetch_line($0.baseAddress! + (Int(hash) & ($0.count &- 1))) }
  }

  /// The number that the name with this hash likely has; asks for where its bytes stand.
  @inlinable public func prefetchEnd(_ hash: UInt32) -> NameID? {
    let mask = slots.count &- 1
    var at = Int(hash) & mask
    while slots[at].hash != hash || slots[at].index == 0 {
      if slots[at].index == 0 { return nil }
      at = (at &+ 1) & mask
    }
    let index = Int(slots[at].index) &- 1
    ends.withUnsafeBufferPointer { prefetch_line($0.baseAddress! + index) }
    return NameID(index)
  }

  /// Asks for a name's bytes.
  @inlinable public func prefetchName(_ id: NameID) {
    let index = Int(id.index)
    let start = index == 0 ? 0 : Int(ends[index &- 1])
    storage.withUnsafeBufferPointer {
      prefetch_line($0.baseAddress! + start)
      prefetch_line($0.baseAddress! + (Int(ends[index]) - 1))
    }
  }

  /// Whether a name has these bytes.
  @inlinable public func name(_ id: NameID, equals bytes: UnsafeRawBufferPointer) -> Bool {
    let index = Int(id.index)
    return ends.withUnsafeBufferPointer { ends in
      guard index < ends.count else { return false }
      let start = index == 0 ? 0 : Int(ends[index &- 1])
      guard Int(ends[index]) &- start == bytes.count else { return false }
      return bytes.isEmpty || storage.withUnsafeBytes { Self.same($0.baseAddress! + start, bytes) }
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

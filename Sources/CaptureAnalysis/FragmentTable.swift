import Wire

/// Puts fragments together (RFC 791 3.2, RFC 8200 4.5) and remembers who fragments, how much of it arrives and what is
/// missing. Bounded: `maximumPending` datagrams, `maximumBytes` of data; the oldest goes first and counts as incomplete.
struct FragmentTable {
  /// Who fragments: a pair of hosts and a protocol.
  struct GroupKey: MixHashable {
    var source: Bits128
    var destination: Bits128
    var scope: UInt32
    var proto: UInt8
    var version: UInt8

    func mixed(_ seed: UInt64) -> UInt64 {
      let near = mix(source.low ^ seed, source.high ^ UInt64(scope) << 32 ^ 0x9E37_79B9_7F4A_7C15)
      return mix(
        near ^ destination.low, destination.high ^ UInt64(proto) << 16 ^ UInt64(version) << 8 ^ 0xC2B2_AE3D_27D4_EB4F)
    }
  }

  struct Key: MixHashable {
    var group: GroupKey
    var identification: UInt32

    func mixed(_ seed: UInt64) -> UInt64 {
      mix(group.mixed(seed) ^ UInt64(identification), 0x1656_67B1_9E37_79F9)
    }
  }

  /// Fragmented datagrams of one pair of hosts and protocol.
  struct Group {
    var key: GroupKey
    var fragments = 0
    var datagrams = 0
    var complete = 0
    var incomplete = 0
    /// Incomplete ones of which the first piece never came, and of which only the first came.
    var withoutFirst = 0
    var onlyFirst = 0
    var overlaps = 0
    /// Outer packets of VXLAN or Geneve.
    var overlay = 0
    var largestFragment = 0
    var largestDatagram = 0
    var firstFrame: FrameReference
    var secondFrame: FrameReference = .none
    var incompleteFrame: FrameReference = .none
    var destinationPort: UInt16 = 0
  }

  struct Piece {
    var key: Key
    var offset: Int
    var more: Bool
    var payload: PacketBytes
    var frame: FrameReference
    var time: Int64
    var packetLength: Int
    /// Other interfaces of the capture may show the same piece.
    var mayBeCopy: Bool
    /// False for a piece whose header checksum is wrong: it is counted and not used.
    var keep: Bool
    /// The first piece of an overlay's outer packet.
    var isOverlay: Bool
  }

  /// A datagram of which pieces are missing. Its place, and the memory of `ranges`, serve others after it.
  private struct Pending {
    var key: Key
    var data: [UInt8] = []
    /// By where they begin.
    var ranges: [Range<Int>] = []
    var total = -1
    var first: FrameReference
    var time: Int64
    var group: Int
    var whole = true
    var overlay = false
    // Neighbours in the order in which datagrams began, -1 none
    var older = -1
    var newer = -1
  }

  enum Outcome {
    /// Kept, waiting for more.
    case waiting
    /// All pieces are there; nil when their bytes were snapped.
    case complete([UInt8]?)
    /// A copy of something complete, or beyond what is kept.
    case ignored
  }

  static let maximumPending = 4096
  static let maximumBytes = 32 << 20
  static let maximumGroups = 4096
  /// Linux gives up after 30 s (ipfrag_time), others after up to 60.
  static let timeout: Int64 = 60_000_000_000

  private var entries: [Pending] = []
  private var unused: [Int] = []
  /// Numbers of entries by key, -1 none: open addressing with linear probing, at most half full.
  private var slots = [Int](repeating: -1, count: maximumPending * 2)
  private let seed = UInt64.random(in: .min ... .max)
  private var oldest = -1
  private var newest = -1
  private var heldBytes = 0
  /// What was complete lately, and when.
  private var done = KeyTable<Key>()
  private var doneTimes: [Int64] = []
  private var groupNumbers = KeyTable<GroupKey>()
  private(set) var groups: [Group] = []
  private(set) var ungrouped = 0

  mutating func add(_ piece: Piece) -> Outcome {
    let group = self.group(of: piece)
    if group >= 0 {
      groups[group].fragments += 1
      groups[group].largestFragment = max(groups[group].largestFragment, piece.packetLength)
      if !groups[group].secondFrame.exists, groups[group].firstFrame != piece.frame {
        groups[group].secondFrame = piece.frame
      }
    }
    guard piece.keep else { return .ignored }
    if piece.mayBeCopy, let at = done.find(piece.key), piece.time - doneTimes[at] < 1_000_000_000 { return .ignored }
    expire(before: piece.time - Self.timeout)
    let at = entry(of: piece, group: group)
    let length = piece.payload.wireCount
    let end = piece.offset + length
    guard length > 0, end <= 65_535 + 40, entries[at].ranges.count < 8192 else { return .ignored }
    if piece.offset == 0, piece.key.group.proto == 17, piece.payload.count >= 4 {
      if group >= 0 { groups[group].destinationPort = piece.payload.u16(2) }
      if piece.isOverlay { entries[at].overlay = true }
    }
    if !piece.more { entries[at].total = max(entries[at].total, end) }
    let range = piece.offset..<end
    if group >= 0, entries[at].ranges.contains(where: { $0.overlaps(range) && $0 != range }) {
      groups[group].overlaps += 1
    }
    let after = entries[at].ranges.lastIndex { $0.lowerBound <= range.lowerBound }
    entries[at].ranges.insert(range, at: after.map { $0 + 1 } ?? 0)
    if piece.payload.isWhole {
      keep(piece.payload, range, at)
    } else {
      entries[at].whole = false
    }
    guard entries[at].total >= 0, Self.covers(entries[at].ranges, entries[at].total) else { return .waiting }
    return complete(at, piece)
  }

  private mutating func keep(_ payload: PacketBytes, _ range: Range<Int>, _ at: Int) {
    let missing = range.upperBound - entries[at].data.count
    if missing > 0 {
      heldBytes += missing
      entries[at].data.append(contentsOf: repeatElement(0, count: missing))
    }
    entries[at].data.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[range]).copyMemory(
        from: UnsafeRawBufferPointer(start: payload.base, count: range.count))
    }
  }

  private mutating func complete(_ at: Int, _ piece: Piece) -> Outcome {
    let total = entries[at].total
    let group = entries[at].group
    if group >= 0 {
      groups[group].complete += 1
      if entries[at].overlay { groups[group].overlay += 1 }
      groups[group].largestDatagram = max(groups[group].largestDatagram, total)
    }
    if done.count >= 8192 {
      done = KeyTable()
      doneTimes.removeAll(keepingCapacity: true)
    }
    if let number = done.number(piece.key) {
      if number == doneTimes.count { doneTimes.append(0) }
      doneTimes[number] = piece.time
    }
    var data = entries[at].data
    entries[at].data = []
    heldBytes -= data.count
    let isWhole = entries[at].whole
    remove(at)
    guard isWhole else { return .complete(nil) }
    data.removeLast(data.count - total)
    return .complete(data)
  }

  private static func covers(_ ranges: [Range<Int>], _ total: Int) -> Bool {
    var reached = 0
    for range in ranges {
      if range.lowerBound > reached { return false }
      reached = max(reached, range.upperBound)
    }
    return reached >= total
  }

  private mutating func group(of piece: Piece) -> Int {
    guard let number = groupNumbers.number(piece.key.group, limit: Self.maximumGroups) else {
      ungrouped += 1
      return -1
    }
    if number == groups.count { groups.append(Group(key: piece.key.group, firstFrame: piece.frame)) }
    return number
  }

  // MARK: datagrams that wait

  /// Where the key's number stands or would stand.
  private func slot(_ key: Key) -> Int {
    var at = home(key)
    while slots[at] >= 0, entries[slots[at]].key != key { at = (at + 1) & (slots.count - 1) }
    return at
  }

  private func home(_ key: Key) -> Int { Int(truncatingIfNeeded: key.mixed(seed)) & (slots.count - 1) }

  /// The entry of a piece's datagram, a new one if it is the first.
  private mutating func entry(of piece: Piece, group: Int) -> Int {
    let known = slots[slot(piece.key)]
    if known >= 0 { return known }
    if entries.count - unused.count >= Self.maximumPending || heldBytes > Self.maximumBytes, oldest >= 0 {
      giveUp(oldest)
    }
    var fresh = Pending(key: piece.key, first: piece.frame, time: piece.time, group: group, older: newest)
    let at: Int
    if let free = unused.popLast() {
      at = free
      swap(&fresh.ranges, &entries[at].ranges)
      fresh.ranges.removeAll(keepingCapacity: true)
      entries[at] = fresh
    } else {
      at = entries.count
      entries.append(fresh)
    }
    slots[slot(piece.key)] = at
    if newest >= 0 { entries[newest].newer = at } else { oldest = at }
    newest = at
    if group >= 0 { groups[group].datagrams += 1 }
    return at
  }

  private mutating func remove(_ at: Int) {
    let (older, newer) = (entries[at].older, entries[at].newer)
    if older >= 0 { entries[older].newer = newer } else { oldest = newer }
    if newer >= 0 { entries[newer].older = older } else { newest = older }
    unused.append(at)
    // Later ones of the same run move back: no tombstones.
    let mask = slots.count - 1
    var hole = slot(entries[at].key)
    var next = (hole + 1) & mask
    while slots[next] >= 0 {
      if (next - home(entries[slots[next]].key)) & mask >= (next - hole) & mask {
        slots[hole] = slots[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    slots[hole] = -1
  }

  private mutating func expire(before time: Int64) {
    while oldest >= 0, entries[oldest].time < time { giveUp(oldest) }
  }

  private mutating func giveUp(_ at: Int) {
    let entry = entries[at]
    heldBytes -= entry.data.count
    entries[at].data = []
    remove(at)
    guard entry.group >= 0 else { return }
    groups[entry.group].incomplete += 1
    if entry.overlay { groups[entry.group].overlay += 1 }
    let hasFirst = entry.ranges.first?.lowerBound == 0
    if !hasFirst { groups[entry.group].withoutFirst += 1 }
    if hasFirst, entry.total < 0 { groups[entry.group].onlyFirst += 1 }
    if !groups[entry.group].incompleteFrame.exists { groups[entry.group].incompleteFrame = entry.first }
  }

  /// Counts what is still waiting as incomplete. Call once, at the end.
  mutating func finish() {
    while oldest >= 0 { giveUp(oldest) }
  }
}

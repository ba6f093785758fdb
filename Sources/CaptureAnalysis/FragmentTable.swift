import Wire

/// Puts fragments together (RFC 791 3.2, RFC 8200 4.5) and remembers who fragments, how much of it arrives and what is
/// missing. Bounded: `maximumPending` datagrams, `maximumBytes` of data; the oldest goes first and counts as incomplete.
struct FragmentTable {
  struct Key: Hashable {
    var source: Bits128
    var destination: Bits128
    var identification: UInt32
    var proto: UInt8
    var version: UInt8
    var scope: UInt32
  }

  struct GroupKey: Hashable {
    var source: Bits128
    var destination: Bits128
    var proto: UInt8
    var version: UInt8
    var scope: UInt32
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

  private struct Pending {
    var data: [UInt8] = []
    var ranges: [Range<Int>] = []
    var total = -1
    var first: FrameReference
    var time: Int64
    var group: Int
    var whole = true
    var overlay = false
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

  private var pending: [Key: Pending] = [:]
  private var order: [Key] = []
  private var orderHead = 0
  private var heldBytes = 0
  private var done: [Key: Int64] = [:]
  private var groupIndex: [GroupKey: Int] = [:]
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
    if piece.mayBeCopy, let finished = done[piece.key], piece.time - finished < 1_000_000_000 { return .ignored }
    expire(before: piece.time - Self.timeout)
    if pending[piece.key] == nil {
      if pending.count >= Self.maximumPending || heldBytes > Self.maximumBytes { dropOldest() }
      pending[piece.key] = Pending(first: piece.frame, time: piece.time, group: group)
      order.append(piece.key)
      if group >= 0 { groups[group].datagrams += 1 }
    }
    guard var entry = pending.removeValue(forKey: piece.key) else { return .ignored }
    let length = piece.payload.wireCount
    let end = piece.offset + length
    guard length > 0, end <= 65_535 + 40, entry.ranges.count < 8192 else {
      pending[piece.key] = entry
      return .ignored
    }
    if piece.offset == 0, piece.key.proto == 17, piece.payload.count >= 4 {
      if group >= 0 { groups[group].destinationPort = piece.payload.u16(2) }
      if piece.isOverlay { entry.overlay = true }
    }
    if !piece.more { entry.total = entry.total < 0 ? end : max(entry.total, end) }
    if entry.ranges.contains(where: { $0.overlaps(piece.offset..<end) && $0 != piece.offset..<end }), group >= 0 {
      groups[group].overlaps += 1
    }
    entry.ranges.append(piece.offset..<end)
    if piece.payload.isWhole {
      if entry.data.count < end {
        heldBytes += end - entry.data.count
        entry.data.append(contentsOf: repeatElement(0, count: end - entry.data.count))
      }
      entry.data.withUnsafeMutableBytes {
        UnsafeMutableRawBufferPointer(rebasing: $0[piece.offset..<end]).copyMemory(
          from: UnsafeRawBufferPointer(start: piece.payload.base, count: length))
      }
    } else {
      entry.whole = false
    }
    if entry.total >= 0, Self.covers(entry.ranges, entry.total) {
      heldBytes -= entry.data.count
      if entry.group >= 0 {
        groups[entry.group].complete += 1
        if entry.overlay { groups[entry.group].overlay += 1 }
        groups[entry.group].largestDatagram = max(groups[entry.group].largestDatagram, entry.total)
      }
      if done.count >= 8192 { done.removeAll(keepingCapacity: true) }
      done[piece.key] = piece.time
      return .complete(entry.whole ? Array(entry.data.prefix(entry.total)) : nil)
    }
    pending[piece.key] = entry
    return .waiting
  }

  private static func covers(_ ranges: [Range<Int>], _ total: Int) -> Bool {
    var reached = 0
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > reached { return false }
      reached = max(reached, range.upperBound)
    }
    return reached >= total
  }

  private mutating func group(of piece: Piece) -> Int {
    let key = GroupKey(
      source: piece.key.source, destination: piece.key.destination, proto: piece.key.proto, version: piece.key.version,
      scope: piece.key.scope)
    if let known = groupIndex[key] { return known }
    guard groups.count < Self.maximumGroups else {
      ungrouped += 1
      return -1
    }
    groupIndex[key] = groups.count
    groups.append(Group(key: key, firstFrame: piece.frame))
    return groups.count - 1
  }

  private mutating func expire(before time: Int64) {
    while orderHead < order.count {
      guard let entry = pending[order[orderHead]] else {
        orderHead += 1
        continue
      }
      guard entry.time < time else { break }
      giveUp(order[orderHead])
      orderHead += 1
    }
    if orderHead > 4096 {
      order.removeFirst(orderHead)
      orderHead = 0
    }
  }

  private mutating func dropOldest() {
    while orderHead < order.count {
      let key = order[orderHead]
      orderHead += 1
      if pending[key] != nil {
        giveUp(key)
        return
      }
    }
  }

  private mutating func giveUp(_ key: Key) {
    guard let entry = pending.removeValue(forKey: key) else { return }
    heldBytes -= entry.data.count
    guard entry.group >= 0 else { return }
    groups[entry.group].incomplete += 1
    if entry.overlay { groups[entry.group].overlay += 1 }
    let hasFirst = entry.ranges.contains { $0.lowerBound == 0 }
    if !hasFirst { groups[entry.group].withoutFirst += 1 }
    if hasFirst, entry.total < 0 { groups[entry.group].onlyFirst += 1 }
    if !groups[entry.group].incompleteFrame.exists { groups[entry.group].incompleteFrame = entry.first }
  }

  /// Counts what is still waiting as incomplete. Call once, at the end.
  mutating func finish() {
    for key in order[orderHead...] { giveUp(key) }
    order = []
    orderHead = 0
  }
}

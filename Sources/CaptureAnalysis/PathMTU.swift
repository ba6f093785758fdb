import Wire

/// What the capture shows of the largest packet that passes from one host to another.
public struct PathRow: Sendable {
  public var source: IPAddress
  public var destination: IPAddress
  /// Empty outside of tunnels, else e.g. `VXLAN 42`.
  public var tunnel: String
  public var packets = 0
  /// Announced by ICMP to the source; the smallest. Bytes of an IP packet, as all sizes here.
  public var announced: Int?
  /// The largest fragment, which as a rule fills the smallest link before the place of capture.
  public var fragment: Int?
  /// The largest packet that was acknowledged.
  public var delivered: Int?
  /// The smallest of those that were sent again and again in vain.
  public var lost: Int?

  /// What limits the path; nil: nothing seen here does.
  public var limit: Int? { announced ?? fragment }
  public var isLimited: Bool { announced != nil || fragment != nil || lost != nil }
}

/// Two hosts, the smaller address first, for the paths of both directions.
struct HostPair: MixHashable {
  var low: Bits128
  var high: Bits128
  var version: UInt8
  var scope: UInt32

  func mixed(_ seed: UInt64) -> UInt64 {
    let near = mix(low.low ^ seed, low.high ^ UInt64(version) << 1 ^ 0x9E37_79B9_7F4A_7C15)
    return mix(near ^ high.low, high.high ^ UInt64(scope) << 32 ^ 0x1656_67B1_9E37_79F9)
  }

  static func == (a: HostPair, b: HostPair) -> Bool {
    a.low.low == b.low.low && a.high.low == b.high.low && a.scope == b.scope && a.low.high == b.low.high
      && a.high.high == b.high.high && a.version == b.version
  }
}

/// A path of a pair, from its low or its high end.
struct PathKey {
  var pair: HostPair
  var direction: Int

  var source: Bits128 { direction == 0 ? pair.low : pair.high }
  var destination: Bits128 { direction == 0 ? pair.high : pair.low }
}

/// Paths in the order in which they first came, at most `limit`.
struct PathTable: ~Copyable {
  let limit: Int
  private var pairs = KeyTable<HostPair>()
  /// Two for each pair, -1: no such path yet.
  private var numbers: [Int32] = []
  private(set) var keys: [PathKey] = []
  fileprivate var rows = Paged<PathTally>()

  init(limit: Int = 16_384) { self.limit = limit }

  /// The pair's number; nil when it is unknown and there is no room.
  mutating func number(_ pair: HostPair) -> Int? {
    guard keys.count < limit else { return pairs.find(pair) }
    guard let number = pairs.number(pair) else { return nil }
    if number &* 2 == numbers.count { numbers += [-1, -1] }
    return number
  }

  /// The row of a pair's path; nil when there is no room.
  mutating func row(_ pair: HostPair, _ number: Int, _ direction: Int) -> Int? {
    // A host that talks to itself has one path.
    let direction = pair.low == pair.high ? 0 : direction
    let at = Int(numbers[number &* 2 &+ direction])
    guard at < 0 else { return at }
    guard keys.count < limit else { return nil }
    numbers[number &* 2 &+ direction] = Int32(keys.count)
    keys.append(PathKey(pair: pair, direction: direction))
    rows.add().initialize(to: PathTally())
    return keys.count - 1
  }
}

/// A path while it is being summed up; 0: not known.
struct PathTally {
  var packets = 0
  var announced = 0
  var fragment = 0
  var delivered = 0
  var lost = 0

  var isLimited: Bool { announced | fragment | lost != 0 }
  /// Paths that limit something first, then by packets.
  var rank: Int { isLimited ? packets | 1 << 62 : packets }

  mutating func smallest(_ field: WritableKeyPath<PathTally, Int>, _ value: Int) {
    self[keyPath: field] = self[keyPath: field] == 0 ? value : min(self[keyPath: field], value)
  }

  func row(_ key: PathKey) -> PathRow {
    let name: IPVersion = key.pair.version == 4 ? .v4 : .v6
    return PathRow(
      source: IPAddress(bits: key.source, version: name),
      destination: IPAddress(bits: key.destination, version: name),
      tunnel: CaptureAnalyzer.tunnelText(key.pair.scope), packets: packets, announced: announced == 0 ? nil : announced,
      fragment: fragment == 0 ? nil : fragment, delivered: delivered == 0 ? nil : delivered,
      lost: lost == 0 ? nil : lost)
  }
}

extension CaptureAnalyzer {
  /// The first `top` of the paths between pairs of hosts, those that limit something first, then by packets.
  public func pathRows(top: Int, limit: Int = 16_384) -> [PathRow] {
    var paths = PathTable(limit: limit)
    visitAll { add($0, to: &paths) }
    return pathRows(paths, top: top)
  }

  /// Adds what a conversation shows of the paths between its hosts.
  @inline(__always) func add(_ c: UnsafeMutablePointer<Conversation>, to paths: inout PathTable) {
    let pair = HostPair(
      low: c.pointee.bits(0), high: c.pointee.bits(1), version: c.pointee.version, scope: c.pointee.scope)
    guard let number = paths.number(pair) else { return }
    for direction in 0...1 where c.pointee.packets[direction] > 0 {
      guard let at = paths.row(pair, number, direction) else { continue }
      let row = paths.rows.pointer(at)
      row.pointee.packets &+= Int(c.pointee.packets[direction])
      let announced = Int(c.pointee.remarks.pointee.announcedMTU[direction])
      if announced > 0 { row.pointee.smallest(\.announced, announced) }
      guard c.pointee.tcp >= 0 else { continue }
      let half = halves.pointer(Int(c.pointee.tcp) * 2 + direction)
      let other = halves.pointer(Int(c.pointee.tcp) * 2 + 1 - direction)
      // The rest of the largest packet is its headers.
      let headers = max(0, Int(c.pointee.largest[direction]) - Int(half.pointee.largestPayload))
      guard headers <= 120 else { continue }
      if half.pointee.largestAcked > 0 {
        row.pointee.delivered = max(row.pointee.delivered, Int(half.pointee.largestAcked) + headers)
      }
      guard half.pointee.trouble != troubles.none else { continue }
      let isStuck = half.pointee.health.worstCount >= 2 && half.pointee.health.worstLength > half.pointee.largestAcked
      if isStuck, other.pointee.lastAck == 0 || !before(half.pointee.health.worstSequence, other.pointee.lastAck) {
        row.pointee.smallest(\.lost, Int(half.pointee.health.worstLength) + headers)
      }
    }
  }

  /// The first `top` of the paths.
  func pathRows(_ paths: consuming PathTable, top: Int) -> [PathRow] {
    for group in fragments.groups where group.fragments > 1 {
      let isForward = group.key.source <= group.key.destination
      let pair = HostPair(
        low: isForward ? group.key.source : group.key.destination,
        high: isForward ? group.key.destination : group.key.source, version: group.key.version, scope: group.key.scope)
      guard let number = paths.number(pair), let at = paths.row(pair, number, isForward ? 0 : 1) else { continue }
      let row = paths.rows.pointer(at)
      row.pointee.fragment = max(row.pointee.fragment, group.largestFragment)
    }
    var best = Ranking(capacity: top)
    for number in 0..<paths.rows.count { best.add(number, Int64(paths.rows[number].rank)) }
    // Among equals the address decides, not who came first.
    let least = best.indices.last.map { paths.rows[$0].rank } ?? .max
    return (0..<paths.rows.count).filter { paths.rows[$0].rank >= least }.sorted {
      if paths.rows[$0].rank != paths.rows[$1].rank { return paths.rows[$0].rank > paths.rows[$1].rank }
      let (a, b) = (paths.keys[$0], paths.keys[$1])
      return (a.pair.version, a.source) < (b.pair.version, b.source)
    }.prefix(top).map { paths.rows[$0].row(paths.keys[$0]) }
  }
}

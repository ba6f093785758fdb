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

private struct PathKey: MixHashable {
  var source: Bits128
  var destination: Bits128
  var version: UInt8
  var scope: UInt32

  func mixed(_ seed: UInt64) -> UInt64 {
    let near = mix(source.low ^ seed, source.high ^ UInt64(version) << 1 ^ 0x9E37_79B9_7F4A_7C15)
    return mix(near ^ destination.low, destination.high ^ UInt64(scope) << 32 ^ 0x1656_67B1_9E37_79F9)
  }

  static func == (a: PathKey, b: PathKey) -> Bool {
    a.source.low == b.source.low && a.destination.low == b.destination.low && a.scope == b.scope
      && a.source.high == b.source.high && a.destination.high == b.destination.high && a.version == b.version
  }
}

/// A path while it is being summed up; 0: not known.
private struct PathTally {
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
    let name: IPVersion = key.version == 4 ? .v4 : .v6
    return PathRow(
      source: IPAddress(bits: key.source, version: name),
      destination: IPAddress(bits: key.destination, version: name),
      tunnel: CaptureAnalyzer.tunnelText(key.scope), packets: packets, announced: announced == 0 ? nil : announced,
      fragment: fragment == 0 ? nil : fragment, delivered: delivered == 0 ? nil : delivered,
      lost: lost == 0 ? nil : lost)
  }
}

extension CaptureAnalyzer {
  /// The first `top` of the paths between pairs of hosts, those that limit something first, then by packets.
  public func pathRows(top: Int, limit: Int = 16_384) -> [PathRow] {
    var paths = KeyTable<PathKey>()
    var rows: [PathTally] = []
    visitAll { c in
      let key = c.pointee.key
      for direction in 0...1 where c.pointee.packets[direction] > 0 {
        let path = PathKey(
          source: direction == 0 ? key.low : key.high, destination: direction == 0 ? key.high : key.low,
          version: key.version, scope: key.scope)
        guard let at = paths.number(path, limit: limit) else { continue }
        if at == rows.count { rows.append(PathTally()) }
        rows[at].packets += Int(c.pointee.packets[direction])
        let announced = Int(c.pointee.announcedMTU[direction])
        if announced > 0 { rows[at].smallest(\.announced, announced) }
        guard c.pointee.tcp >= 0 else { continue }
        let half = halves.pointer(Int(c.pointee.tcp) * 2 + direction)
        let other = halves.pointer(Int(c.pointee.tcp) * 2 + 1 - direction)
        // The rest of the largest packet is its headers.
        let headers = max(0, Int(c.pointee.largest[direction]) - Int(half.pointee.largestPayload))
        guard headers <= 120 else { continue }
        if half.pointee.largestAcked > 0 {
          rows[at].delivered = max(rows[at].delivered, Int(half.pointee.largestAcked) + headers)
        }
        guard half.pointee.trouble != troubles.none else { continue }
        let isStuck = half.pointee.health.worstCount >= 2 && half.pointee.health.worstLength > half.pointee.largestAcked
        if isStuck, other.pointee.lastAck == 0 || !before(half.pointee.health.worstSequence, other.pointee.lastAck) {
          rows[at].smallest(\.lost, Int(half.pointee.health.worstLength) + headers)
        }
      }
    }
    for group in fragments.groups where group.fragments > 1 {
      let path = PathKey(
        source: group.key.source, destination: group.key.destination, version: group.key.version,
        scope: group.key.scope)
      guard let at = paths.number(path, limit: limit) else { continue }
      if at == rows.count { rows.append(PathTally()) }
      rows[at].fragment = max(rows[at].fragment, group.largestFragment)
    }
    var best = Ranking(capacity: top)
    for (number, row) in rows.enumerated() { best.add(number, Int64(row.rank)) }
    // Among equals the address decides, not who came first.
    let least = best.indices.last.map { rows[$0].rank } ?? .max
    return rows.indices.filter { rows[$0].rank >= least }.sorted {
      if rows[$0].rank != rows[$1].rank { return rows[$0].rank > rows[$1].rank }
      let (a, b) = (paths.keys[$0], paths.keys[$1])
      return (a.version, a.source) < (b.version, b.source)
    }.prefix(top).map { rows[$0].row(paths.keys[$0]) }
  }
}

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

extension CaptureAnalyzer {
  /// Paths between pairs of hosts, those that limit something first, then by packets.
  public func pathRows(limit: Int = 4096) -> [PathRow] {
    struct Key: Hashable {
      var source: Bits128
      var destination: Bits128
      var version: UInt8
      var scope: UInt32
    }
    var index: [Key: Int] = [:]
    var rows: [PathRow] = []
    func row(_ key: Key) -> Int? {
      if let known = index[key] { return known }
      guard rows.count < limit else { return nil }
      let version: IPVersion = key.version == 4 ? .v4 : .v6
      index[key] = rows.count
      rows.append(
        PathRow(
          source: IPAddress(bits: key.source, version: version),
          destination: IPAddress(bits: key.destination, version: version), tunnel: Self.tunnelText(key.scope)))
      return rows.count - 1
    }
    for number in 0..<conversations.records.count {
      let c = conversations.records.pointer(number)
      for direction in 0...1 where c.pointee.packets[direction] > 0 {
        let low = c.pointee.key.low
        let high = c.pointee.key.high
        let key = Key(
          source: direction == 0 ? low : high, destination: direction == 0 ? high : low,
          version: c.pointee.key.version, scope: c.pointee.key.scope)
        guard let at = row(key) else { continue }
        rows[at].packets += Int(c.pointee.packets[direction])
        let announced = Int(c.pointee.announcedMTU[direction])
        if announced > 0 { rows[at].announced = min(rows[at].announced ?? .max, announced) }
        guard c.pointee.tcp >= 0 else { continue }
        let half = halves.pointer(Int(c.pointee.tcp) * 2 + direction)
        let other = halves.pointer(Int(c.pointee.tcp) * 2 + 1 - direction)
        // The rest of the largest packet is its headers.
        let headers = max(0, Int(c.pointee.largest[direction]) - Int(half.pointee.largestPayload))
        guard headers <= 120 else { continue }
        if half.pointee.largestAcked > 0 {
          rows[at].delivered = max(rows[at].delivered ?? 0, Int(half.pointee.largestAcked) + headers)
        }
        let isStuck = half.pointee.worstCount >= 2 && half.pointee.worstLength > half.pointee.largestAcked
        if isStuck, other.pointee.lastAck == 0 || !before(half.pointee.worstSequence, other.pointee.lastAck) {
          rows[at].lost = min(rows[at].lost ?? .max, Int(half.pointee.worstLength) + headers)
        }
      }
    }
    for group in fragments.groups where group.fragments > 1 {
      let key = Key(
        source: group.key.source, destination: group.key.destination, version: group.key.version, scope: group.key.scope
      )
      guard let at = row(key) else { continue }
      rows[at].fragment = max(rows[at].fragment ?? 0, group.largestFragment)
    }
    return rows.sorted {
      $0.isLimited != $1.isLimited
        ? $0.isLimited : $0.packets != $1.packets ? $0.packets > $1.packets : $0.source < $1.source
    }
  }
}

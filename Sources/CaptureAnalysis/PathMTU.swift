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
  public func pathRows(limit: Int = 16_384) -> [PathRow] {
    var index = HashIndex()
    var rows: [PathRow] = []
    func row(_ source: Bits128, _ destination: Bits128, _ version: UInt8, _ scope: UInt32) -> Int? {
      let near = mix(source.low ^ 0xC2B2_AE3D_27D4_EB4F, source.high ^ UInt64(version) ^ 0x9E37_79B9_7F4A_7C15)
      let hash = mix(near ^ destination.low, destination.high ^ UInt64(scope) << 32 ^ 0x1656_67B1_9E37_79F9) | 1
      if let known = index.find(hash) { return known }
      guard rows.count < limit else { return nil }
      let name: IPVersion = version == 4 ? .v4 : .v6
      index.insert(hash, rows.count)
      rows.append(
        PathRow(
          source: IPAddress(bits: source, version: name), destination: IPAddress(bits: destination, version: name),
          tunnel: Self.tunnelText(scope)))
      return rows.count - 1
    }
    for number in 0..<conversations.records.count {
      let c = conversations.records.pointer(number)
      for direction in 0...1 where c.pointee.packets[direction] > 0 {
        let key = c.pointee.key
        let ends = direction == 0 ? (key.low, key.high) : (key.high, key.low)
        guard let at = row(ends.0, ends.1, key.version, key.scope) else { continue }
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
        let isStuck = half.pointee.health.worstCount >= 2 && half.pointee.health.worstLength > half.pointee.largestAcked
        if isStuck, other.pointee.lastAck == 0 || !before(half.pointee.health.worstSequence, other.pointee.lastAck) {
          rows[at].lost = min(rows[at].lost ?? .max, Int(half.pointee.health.worstLength) + headers)
        }
      }
    }
    for group in fragments.groups where group.fragments > 1 {
      guard let at = row(group.key.source, group.key.destination, group.key.version, group.key.scope) else { continue }
      rows[at].fragment = max(rows[at].fragment ?? 0, group.largestFragment)
    }
    return rows.sorted {
      $0.isLimited != $1.isLimited
        ? $0.isLimited : $0.packets != $1.packets ? $0.packets > $1.packets : $0.source < $1.source
    }
  }
}

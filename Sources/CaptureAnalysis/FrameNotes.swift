/// What was met in the frame being walked; looked at once, at its end.
struct FrameNotes: OptionSet {
  let rawValue: UInt32

  @inline(__always) init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Up to bit 15.
  @inline(__always) static func tunnel(_ kind: TunnelKind) -> FrameNotes {
    FrameNotes(rawValue: 1 << UInt32(kind.rawValue))
  }
  static let ipv4Fragment = FrameNotes(rawValue: 1 << 16)
  static let ipv6Fragment = FrameNotes(rawValue: 1 << 17)
  static let retransmission = FrameNotes(rawValue: 1 << 18)
  /// Of a packet that was seen before.
  static let copy = FrameNotes(rawValue: 1 << 19)
  /// Tunnels that nobody has answered in yet, or an outer checksum that the inner packet may explain.
  static let unsettled = FrameNotes(rawValue: 1 << 20)
}

extension CaptureAnalyzer {
  /// Counts what can only be told when all of a frame is known.
  @inline(never) mutating func closeFrame() {
    if frameUnjudged != 0 { judgeTunnels() }
    if pendingTunnel != nil { settleOuterChecksum() }
    if notes.contains(.retransmission) {
      counts.tcpRetransmissions &+= 1
      if notes.contains(.copy) { counts.duplicateRetransmissions &+= 1 }
    }
    if notes.contains(.copy) { counts.duplicateFrames &+= 1 }
    if notes.contains(.ipv4Fragment) { counts.ipv4Fragments &+= 1 }
    if notes.contains(.ipv6Fragment) { counts.ipv6Fragments &+= 1 }
    // Those walked straight are counted on the way.
    let isCounted = sighted.pointee.transport != nil && sighted.pointee.isCarried
    if !isCounted, !notes.isDisjoint(with: [.tunnel(.vxlan), .tunnel(.vxlanGPE)]) { counts.vxlan &+= 1 }
    if notes.contains(.tunnel(.geneve)) { counts.geneve &+= 1 }
    if notes.contains(.tunnel(.gre)) { counts.gre &+= 1 }
    if notes.contains(.tunnel(.ipip)) { counts.ipip &+= 1 }
  }
}

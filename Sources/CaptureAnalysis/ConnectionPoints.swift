import Wire

/// What translation of addresses leaves as it is: the first sequence numbers of both sides.
struct ConnectionIdentity: MixHashable {
  var client: UInt32
  var server: UInt32

  func mixed(_ seed: UInt64) -> UInt64 { mix(UInt64(client) << 32 ^ UInt64(server) ^ seed, 0x1656_67B1_9E37_79F9) }
}

/// TCP connections that were captured at several places, before and after their addresses were translated: they are one, and
/// what one place shows and the other does not was lost between them.
struct ConnectionPoints {
  private static let maximum = 65_536
  /// Captures compared with each other at most.
  private static let maximumSegments = 64

  /// A connection where it was seen first.
  private struct Sight {
    var ends: ConversationEnds
    var file: Int
    var toServer: Int
    var toClient: Int
    /// Data segments that each side sent again.
    var resentByClient: Int
    var resentByServer: Int
    var ttl: UInt8
  }

  /// What happened between two captures.
  struct Segment {
    /// Nearer to the clients, and to the servers.
    var near: Int
    var far: Int
    var connections = 0
    var lostToServer = 0
    var lostToClient = 0
    var frame = FrameReference.none
    /// As both captures show the connection with the most losses.
    var nearText = ""
    var farText = ""
    fileprivate var worst = -1

    var lost: Int { lostToServer + lostToClient }
  }

  private var numbers = KeyTable<ConnectionIdentity>()
  private var sights: [Sight] = []
  private(set) var segments: [Segment] = []

  /// Whether another conversation showed this connection before.
  mutating func isFurther(_ c: ConversationView) -> Bool {
    guard c.clientPointer.pointee.syns > 0, c.serverPointer.pointee.synAcks > 0 else { return false }
    let identity = ConnectionIdentity(
      client: c.clientPointer.pointee.baseSequence, server: c.serverPointer.pointee.baseSequence)
    let known = sights.count
    guard let number = numbers.number(identity, limit: Self.maximum) else { return false }
    let sight = Sight(
      ends: c.ends, file: c.record.firstFrame.file, toServer: c.clientPackets, toClient: c.serverPackets,
      resentByClient: Int(c.clientPointer.pointee.trouble.pointee.retransmissions),
      resentByServer: Int(c.serverPointer.pointee.trouble.pointee.retransmissions),
      ttl: c.record.ttl[Int(c.record.initiator)])
    guard number < known else {
      sights.append(sight)
      return false
    }
    compare(sights[number], sight, c.record.firstFrame)
    return true
  }

  private static func lost(_ difference: Int, resent: Int) -> Int {
    0 < difference && difference <= resent ? difference : 0
  }

  private mutating func compare(_ first: Sight, _ second: Sight, _ frame: FrameReference) {
    // Each router takes one from the hop limit.
    guard first.file != second.file else { return }
    let (near, far) = second.ttl > first.ttl ? (second, first) : (first, second)
    let at: Int
    if let known = segments.firstIndex(where: { $0.near == near.file && $0.far == far.file }) {
      at = known
    } else {
      guard segments.count < Self.maximumSegments else { return }
      at = segments.count
      segments.append(Segment(near: near.file, far: far.file))
    }
    // What is lost is sent again; a larger difference comes of offload, which merges segments at one place and not at the other.
    let toServer = Self.lost(near.toServer - far.toServer, resent: near.resentByClient)
    let toClient = Self.lost(far.toClient - near.toClient, resent: max(near.resentByServer, far.resentByServer))
    segments[at].connections += 1
    segments[at].lostToServer += toServer
    segments[at].lostToClient += toClient
    guard toServer + toClient > segments[at].worst else { return }
    segments[at].worst = toServer + toClient
    segments[at].frame = frame
    segments[at].nearText = near.ends.text
    segments[at].farText = far.ends.text
  }
}

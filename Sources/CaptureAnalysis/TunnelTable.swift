import Wire

/// The ways to carry a packet inside another that the analysis walks.
enum TunnelKind: UInt8, Sendable, CaseIterable {
  case vxlan = 1
  case vxlanGPE, geneve, gre, ipip, mpls, gtp, pppoe

  var name: String {
    switch self {
    case .vxlan: "VXLAN"
    case .vxlanGPE: "VXLAN-GPE"
    case .geneve: "Geneve"
    case .gre: "GRE"
    case .ipip: "IPIP"
    case .mpls: "MPLS"
    case .gtp: "GTP-U"
    case .pppoe: "PPPoE"
    }
  }
}

struct TunnelKey: Hashable {
  var source: Bits128
  var destination: Bits128
  var port: UInt16
  var kind: TunnelKind
  var version: UInt8
  var scope: UInt32

  // Written out: what the compiler makes compares by memcmp, and every tunnelled packet asks.
  @inline(__always) static func == (a: TunnelKey, b: TunnelKey) -> Bool {
    a.source.low == b.source.low && a.destination.low == b.destination.low && a.port == b.port && a.kind == b.kind
      && a.scope == b.scope && a.version == b.version && a.source.high == b.source.high
      && a.destination.high == b.destination.high
  }
}

/// One direction between two tunnel endpoints.
struct Tunnel {
  var key: TunnelKey
  var firstFrame: FrameReference
  var lastFrame: FrameReference
  var packets = 0
  /// Outer network-layer bytes, and inner network-layer bytes.
  var bytes = 0
  var innerBytes = 0
  /// Bytes between the two network headers' starts, summed and of the first packet.
  var overhead = 0
  var innerPackets = 0
  var identifier: UInt32 = 0
  var otherIdentifier: UInt32 = 0
  var hasOther = false
  var otherFrame: FrameReference = .none
  var largestInner = 0
  var largestInnerFrame: FrameReference = .none
  var checksumZero = 0
  var checksumGood = 0
  var checksumOffloaded = 0
  var checksumBad = 0
  var checksumUnknown = 0
  var firstBad: FrameReference = .none
  var secondBad: FrameReference = .none
  /// ICMP errors about the outer packets: the MTU announced, and where.
  var announcedMTU = 0
  var announcedFrame: FrameReference = .none
  var unreachable: UInt16 = 0xFFFF
  var unreachableFrame: FrameReference = .none
  var ttl: UInt8 = 0
  /// What it carries goes on as if the other direction existed.
  var isAnswered = false
  /// Packets to one receiver of which nothing showed so far that it got them.
  var calls = 0

  /// Learns from the conversation of a packet inside whether anybody hears what goes through here.
  @inline(never) mutating func judge(_ c: UnsafeMutablePointer<Conversation>, acknowledges: Bool) {
    // Someone who acknowledges has heard something. A SYN-ACK that nobody acknowledges may have gone to another tunnel end.
    let phase = c.pointee.phase
    let isCalling = phase.contains(.syn) && !phase.contains(.reset) && c.pointee.firstRoundTrip == 0
    isAnswered = !isCalling && (acknowledges || !c.pointee.isOneWay)
    if !isAnswered, !c.pointee.address(0).isMulticast, !c.pointee.address(1).isMulticast { calls += 1 }
  }

  var source: IPAddress { IPAddress(bits: key.source, version: key.version == 4 ? .v4 : .v6) }
  var destination: IPAddress { IPAddress(bits: key.destination, version: key.version == 4 ? .v4 : .v6) }
  var names: String { "\(source) → \(destination)" }
  var isMulticast: Bool { destination.isMulticast }

  /// The other direction, whatever its port and identifier.
  func isReverse(of other: Tunnel) -> Bool {
    key.kind == other.key.kind && key.scope == other.key.scope && key.source == other.key.destination
      && key.destination == other.key.source
  }
}

/// Tunnels by endpoints, behind a small direct-mapped cache; bounded, what is beyond goes to one shared record.
struct TunnelTable: ~Copyable {
  static let maximum = 16_384
  private(set) var tunnels = Paged<Tunnel>()
  private var index: [TunnelKey: Int] = [:]
  private var cache: UnsafeMutablePointer<Int32>
  private(set) var overflow = 0

  init() {
    cache = .allocate(capacity: 256)
    cache.initialize(repeating: -1, count: 256)
  }
  deinit { cache.deallocate() }

  var count: Int { tunnels.count }
  var all: [Tunnel] { (0..<tunnels.count).map { tunnels[$0] } }

  @inline(__always) mutating func find(_ key: TunnelKey, frame: FrameReference) -> UnsafeMutablePointer<Tunnel> {
    let mixed = mix(key.source.low ^ key.source.high, key.destination.low ^ key.destination.high ^ UInt64(key.port))
    let slot = Int(mixed & 255)
    let cached = Int(cache[slot])
    if cached >= 0, tunnels.pointer(cached).pointee.key == key { return tunnels.pointer(cached) }
    let found = lookUp(key, frame)
    cache[slot] = Int32(found)
    return tunnels.pointer(found)
  }

  @inline(never) private mutating func lookUp(_ key: TunnelKey, _ frame: FrameReference) -> Int {
    if let known = index[key] { return known }
    if tunnels.count >= Self.maximum {
      overflow += 1
      return Self.maximum - 1
    }
    let at = tunnels.append(Tunnel(key: key, firstFrame: frame, lastFrame: frame))
    index[key] = at
    return at
  }

  func existing(_ key: TunnelKey) -> UnsafeMutablePointer<Tunnel>? { index[key].map { tunnels.pointer($0) } }
}

import Glibc
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
    let source = (a.source.low ^ b.source.low) | (a.source.high ^ b.source.high)
    let destination = (a.destination.low ^ b.destination.low) | (a.destination.high ^ b.destination.high)
    return source | destination | (a.rest ^ b.rest) == 0
  }

  /// Whether it is the key of VXLAN over IPv4, outside of other tunnels, between these addresses.
  @inline(__always) func isPlainVXLAN(_ addresses: UInt64, _ port: UInt16) -> Bool {
    (source.low << 32 | destination.low) ^ addresses | rest ^ Self.plainVXLAN(port) == 0
  }

  @inline(__always) private static func plainVXLAN(_ port: UInt16) -> UInt64 {
    UInt64(port) | UInt64(TunnelKind.vxlan.rawValue) << 16 | 4 << 24
  }

  /// The other fields in the order in which they stand: one word to be read.
  @inline(__always) private var rest: UInt64 {
    UInt64(port) | UInt64(kind.rawValue) << 16 | UInt64(version) << 24 | UInt64(scope) << 32
  }
}

extension TunnelKey {
  init(vxlan addresses: UInt64, _ port: UInt16) {
    self.init(
      source: Bits128(addresses >> 32), destination: Bits128(addresses & 0xFFFF_FFFF), port: port, kind: .vxlan,
      version: 4, scope: 0)
  }
}

/// One direction between two tunnel endpoints. What every packet touches comes first.
struct Tunnel {
  var key: TunnelKey
  var firstFrame: FrameReference
  var lastFrame: FrameReference
  var packets = 0
  /// Outer network-layer bytes, and inner network-layer bytes.
  var bytes = 0
  var innerBytes = 0
  var identifier: UInt32 = 0
  var hasOther = false
  /// What it carries goes on as if the other direction existed.
  var isAnswered = false
  var ttl: UInt8 = 0
  var largestInner = 0
  var checksumGood = 0

  var checksumOffloaded = 0
  var checksumBad = 0
  var otherIdentifier: UInt32 = 0
  var otherFrame: FrameReference = .none
  var largestInnerFrame: FrameReference = .none
  var firstBad: FrameReference = .none
  var secondBad: FrameReference = .none
  /// ICMP errors about the outer packets: the MTU announced, and where.
  var announcedMTU = 0
  var announcedFrame: FrameReference = .none
  var unreachable: UInt16 = 0xFFFF
  var unreachableFrame: FrameReference = .none
  /// Packets to one receiver of which nothing showed so far that it got them.
  var calls = 0
  /// To whom the first of them went, and whether others went to others.
  var called: IPAddress?
  var hasSeveralCalled = false

  /// Learns from the conversation of a packet inside whether anybody hears what goes through here.
  @inline(never) mutating func judge(_ c: UnsafeMutablePointer<Conversation>, acknowledges: Bool) {
    // Someone who acknowledges has heard something. A SYN-ACK that nobody acknowledges may have gone to another tunnel end.
    let phase = c.pointee.phase
    let isCalling = phase.contains(.syn) && !phase.contains(.reset) && !phase.contains(.roundTrip)
    isAnswered = !isCalling && (acknowledges || !c.pointee.isOneWay)
    if !isAnswered, !c.pointee.address(0).isMulticast, !c.pointee.address(1).isMulticast {
      let called = c.pointee.server
      if calls == 0 { self.called = called }
      if called != self.called { hasSeveralCalled = true }
      calls += 1
    }
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

/// Tunnels by endpoints: open addressing with linear probing over their numbers, at most half full; bounded, what is beyond
/// goes to one shared record.
struct TunnelTable: ~Copyable {
  static let maximum = 16_384
  private static let mask = 2 * maximum - 1
  private(set) var tunnels = Paged<Tunnel>()
  /// Numbers from 1; 0: free.
  private let slots: UnsafeMutablePointer<Int32>
  private let seed = UInt64.random(in: .min ... .max)
  private(set) var overflow = 0

  init() { slots = zeroed(Self.mask + 1, of: Int32.self) }
  deinit { free(slots) }

  var count: Int { tunnels.count }
  var all: [Tunnel] { (0..<tunnels.count).map { tunnels[$0] } }

  @inline(__always) private static func place(_ ends: UInt64, _ port: UInt16) -> Int {
    Int(truncatingIfNeeded: mix(ends, UInt64(port) ^ 0x9E37_79B9_7F4A_7C15)) & mask
  }

  /// Where a key stands or would stand.
  @inline(__always) private func slot(_ key: TunnelKey) -> Int {
    let ends = key.source.low << 32 ^ key.destination.low ^ key.source.high ^ key.destination.high << 1
    var at = Self.place(ends ^ seed, key.port)
    while slots[at] != 0, tunnels.pointer(Int(slots[at]) &- 1).pointee.key != key { at = (at &+ 1) & Self.mask }
    return at
  }

  @inline(__always) mutating func find(_ key: TunnelKey, frame: FrameReference) -> UnsafeMutablePointer<Tunnel> {
    let slot = slot(key)
    let number = Int(slots[slot])
    return tunnels.pointer(number != 0 ? number &- 1 : add(key, frame, slot))
  }

  /// The same for VXLAN over IPv4 outside of other tunnels, as nearly all are. `addresses`: the source's first.
  @inline(__always) mutating func vxlan(
    addresses: UInt64, port: UInt16, frame: FrameReference
  ) -> UnsafeMutablePointer<Tunnel> {
    var at = Self.place(addresses ^ seed, port)
    while slots[at] != 0 {
      let tunnel = tunnels.pointer(Int(slots[at]) &- 1)
      if tunnel.pointee.key.isPlainVXLAN(addresses, port) { return tunnel }
      at = (at &+ 1) & Self.mask
    }
    return tunnels.pointer(add(TunnelKey(vxlan: addresses, port), frame, at))
  }

  @inline(never) private mutating func add(_ key: TunnelKey, _ frame: FrameReference, _ slot: Int) -> Int {
    if tunnels.count >= Self.maximum {
      overflow += 1
      return Self.maximum - 1
    }
    let at = tunnels.append(Tunnel(key: key, firstFrame: frame, lastFrame: frame))
    slots[slot] = Int32(at + 1)
    return at
  }

  func existing(_ key: TunnelKey) -> UnsafeMutablePointer<Tunnel>? {
    let number = Int(slots[slot(key)])
    return number != 0 ? tunnels.pointer(number - 1) : nil
  }
}

import Wire

/// Both ends of a conversation, the smaller end first, so that both directions have one key. `scope` tells inner from
/// outer: 0 outside of tunnels, else the kind of tunnel and its VNI, so that equal Pod addresses in two VNIs stay apart.
struct ConversationKey: Hashable {
  var low: Bits128
  var high: Bits128
  var lowPort: UInt16
  var highPort: UInt16
  var scope: UInt32
  var proto: UInt8
  var version: UInt8

  static let none = ConversationKey(
    low: Bits128(high: 0, low: 0), high: Bits128(high: 0, low: 0), lowPort: 0, highPort: 0, scope: 0, proto: 0,
    version: 0)

  /// The key, and the direction of a packet from `source`: 0 from the low end, 1 from the high end.
  @inline(__always) static func make(
    _ source: Bits128, _ sourcePort: UInt16, _ destination: Bits128, _ destinationPort: UInt16, proto: UInt8,
    version: UInt8, scope: UInt32
  ) -> (ConversationKey, Int) {
    let forward =
      source.high != destination.high
      ? source.high < destination.high
      : source.low != destination.low ? source.low < destination.low : sourcePort <= destinationPort
    return forward
      ? (
        ConversationKey(
          low: source, high: destination, lowPort: sourcePort, highPort: destinationPort, scope: scope, proto: proto,
          version: version), 0
      )
      : (
        ConversationKey(
          low: destination, high: source, lowPort: destinationPort, highPort: sourcePort, scope: scope, proto: proto,
          version: version), 1
      )
  }

  @inline(__always) func hash(seed: UInt64) -> UInt64 {
    let addresses = low.low << 32 | high.low
    if version == 4 { return Self.hash(addresses, rest, proto, seed: seed) }
    let h = mix(low.low ^ seed, low.high ^ 0x9E37_79B9_7F4A_7C15)
    return Self.hash(mix(h ^ high.low, high.high ^ 0xC2B2_AE3D_27D4_EB4F), rest, proto, seed: seed)
  }

  @inline(__always) static func hash(_ addresses: UInt64, _ rest: UInt64, _ proto: UInt8, seed: UInt64) -> UInt64 {
    fold(addresses ^ seed, (rest ^ UInt64(proto) << 48) &+ 0x9E37_79B9_7F4A_7C15 ^ seed.byteSwapped)
  }

  /// Whether it is the key that would be made of these.
  @inline(__always) func matches(addresses: UInt64, rest: UInt64, proto: UInt8) -> Bool {
    ((low.low << 32 | high.low) ^ addresses) | (self.rest ^ rest) | UInt64(self.proto ^ proto) | UInt64(version ^ 4)
      == 0
  }

  /// All at once: equal ones are what is compared nearly always, and a branch for each field costs more.
  @inline(__always) static func == (a: ConversationKey, b: ConversationKey) -> Bool {
    let addresses =
      (a.low.low ^ b.low.low) | (a.high.low ^ b.high.low) | (a.low.high ^ b.low.high) | (a.high.high ^ b.high.high)
    return addresses | (a.rest ^ b.rest) | UInt64(a.proto ^ b.proto) | UInt64(a.version ^ b.version) == 0
  }

  /// Ports and scope, in the order in which they stand: one word to be read.
  @inline(__always) var rest: UInt64 { UInt64(lowPort) | UInt64(highPort) << 16 | UInt64(scope) << 32 }
}

extension ConversationKey {
  /// Of IPv4: the low end's address before the other, and `rest`.
  @inline(__always) init(addresses: UInt64, rest: UInt64, proto: UInt8) {
    self.init(
      low: Bits128(addresses >> 32), high: Bits128(addresses & 0xFFFF_FFFF),
      lowPort: UInt16(truncatingIfNeeded: rest), highPort: UInt16(truncatingIfNeeded: rest >> 16),
      scope: UInt32(truncatingIfNeeded: rest >> 32), proto: proto, version: 4)
  }
}

/// Folds a 128-bit product: one multiplication spreads every bit of both numbers.
@inline(__always) func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let product = a.multipliedFullWidth(by: b)
  return product.high ^ product.low
}

/// The same where `b` may be zero; its lowest bit does not count.
@inline(__always) func mix(_ a: UInt64, _ b: UInt64) -> UInt64 { fold(a, b | 1) }

/// A number for each of the two directions.
struct PerDirection<Value> {
  var low: Value
  var high: Value

  @inline(__always) subscript(_ direction: Int) -> Value {
    get { direction == 0 ? low : high }
    set { change(direction) { $0 = newValue } }
  }

  /// By address: which direction comes next is not for a branch to predict.
  @inline(__always) mutating func change(_ direction: Int, _ change: (inout Value) -> Void) {
    withUnsafeMutablePointer(to: &self) {
      $0.withMemoryRebound(to: Value.self, capacity: 2) { change(&$0[direction & 1]) }
    }
  }
}

/// What has been seen of a TCP connection so far.
struct ConnectionPhase: OptionSet {
  let rawValue: UInt8
  static let syn = ConnectionPhase(rawValue: 1)
  static let synAck = ConnectionPhase(rawValue: 2)
  static let fin = ConnectionPhase(rawValue: 4)
  static let reset = ConnectionPhase(rawValue: 8)
  /// A newer connection has the key; the table no longer leads here.
  static let superseded = ConnectionPhase(rawValue: 16)
}

/// The frames of one 5-tuple. A port used again for a new connection makes a new conversation.
///
/// Three cache lines; every packet touches the first two, few packets the third.
struct Conversation {
  var key: ConversationKey
  /// The direction of the side that dialled.
  var initiator: UInt8 = 0
  var phase: ConnectionPhase = []
  /// Index of the TCP state, -1 for other protocols.
  var tcp: Int32 = -1
  /// Hop limit of the first packet in each direction.
  var ttl = PerDirection<UInt8>(low: 0, high: 0)
  /// Of the last TCP segment with a payload; 0xFF none yet.
  var lastDataDirection: UInt8 = 0xFF
  /// The ICMP error that answered it (type and code), 0xFFFF none; from whom, see `icmpEvent`.
  var icmpError: UInt16 = 0xFFFF
  /// Earlier connections with this 5-tuple.
  var reuses: UInt16 = 0
  var lastTime: Int64

  var lastFrame: FrameReference
  var packets = PerDirection<UInt32>(low: 0, high: 0)
  /// Of the network layer, headers included.
  var bytes = PerDirection<UInt64>(low: 0, high: 0)
  /// The largest packet of each direction that was not a fragment.
  var largest = PerDirection<UInt16>(low: 0, high: 0)
  /// The next-hop MTU that an ICMP error announced to the sender of each direction; 0 none.
  var announcedMTU = PerDirection<UInt16>(low: 0, high: 0)
  /// The end of its entry in the conntrack simulation, in milliseconds from the capture's start; -1 none yet.
  var trackedUntil: Int64 = -1
  /// From the SYN to the first pure ACK; 0 not known.
  var firstRoundTrip: Int64 = 0
  /// When the other side acknowledged the last request without answering it.
  var requestAcked: Int64 = 0

  var trackedFrom: Int64 = -1
  var firstTime: Int64
  var firstFrame: FrameReference
  /// Seconds between the end of the earlier connection and the SYN of this one, where a port was used again.
  var reuseGap: Float = -1
  var icmpEvent: Int32 = -1
  /// Copies on other interfaces, which the other numbers leave out.
  var duplicates: UInt32 = 0
  /// Packets larger than announced, sent later than 50 ms after the announcement.
  var oversized: UInt32 = 0
  var oversizedFrame: FrameReference = .none
  var announcedFrame: FrameReference = .none
  var announcedTime: Int64 = 0

  init(key: ConversationKey, time: Int64, frame: FrameReference) {
    self.key = key
    firstTime = time
    lastTime = time
    firstFrame = frame
    lastFrame = frame
  }

  @inline(__always) func address(_ direction: Int) -> IPAddress {
    IPAddress(bits: direction == 0 ? key.low : key.high, version: key.version == 4 ? .v4 : .v6)
  }
  @inline(__always) func port(_ direction: Int) -> UInt16 { direction == 0 ? key.lowPort : key.highPort }

  var client: IPAddress { address(Int(initiator)) }
  var clientPort: UInt16 { port(Int(initiator)) }
  var server: IPAddress { address(1 - Int(initiator)) }
  var serverPort: UInt16 { port(1 - Int(initiator)) }
  var totalPackets: Int { Int(packets.low) + Int(packets.high) }
  var totalBytes: Int { Int(packets.low > 0 ? bytes.low : 0) + Int(packets.high > 0 ? bytes.high : 0) }
  /// Both directions at once: a segment's own MTU needs a look only where there is one.
  @inline(__always) var hasAnnouncedMTU: Bool { announcedMTU.low | announcedMTU.high != 0 }
  var isOneWay: Bool { packets.low == 0 || packets.high == 0 }
}

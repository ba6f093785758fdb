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

/// What has been seen of a conversation so far.
struct ConversationPhase: OptionSet {
  let rawValue: UInt8
  static let syn = ConversationPhase(rawValue: 1)
  static let synAck = ConversationPhase(rawValue: 2)
  static let fin = ConversationPhase(rawValue: 4)
  static let reset = ConversationPhase(rawValue: 8)
  /// A newer connection has the key; the table no longer leads here.
  static let superseded = ConversationPhase(rawValue: 16)
  /// `firstRoundTrip` is known.
  static let roundTrip = ConversationPhase(rawValue: 32)
  /// An ICMP error announced the path's MTU.
  static let announced = ConversationPhase(rawValue: 64)
}

/// What few conversations have: ICMP errors about them, copies of their packets, a port that was used before.
struct ConversationRemarks {
  /// The next-hop MTU that an ICMP error announced to the sender of each direction; 0 none.
  var announcedMTU = PerDirection<UInt16>(low: 0, high: 0)
  /// The ICMP error that answered it (type and code), 0xFFFF none.
  var icmpError: UInt16 = 0xFFFF
  /// Its number in the analyzer's list, -1 none.
  var icmpEvent: Int32 = -1
  /// Earlier connections with this 5-tuple.
  var reuses: UInt16 = 0
  /// Seconds between the end of the earlier connection and the SYN of this one, where a port was used again.
  var reuseGap: Float = -1
  /// Copies on other interfaces, which the other numbers leave out.
  var duplicates: UInt32 = 0
  /// Packets larger than announced, sent later than 50 ms after the announcement.
  var oversized: UInt32 = 0
  var oversizedFrame: FrameReference = .none
  var announcedFrame: FrameReference = .none
  var announcedTime: Int64 = 0
}

/// The frames of one 5-tuple. A port used again for a new connection makes a new conversation.
///
/// Two cache lines: every packet touches the first, few packets the second.
struct Conversation {
  /// Of IPv4 the low end's address before the other; of IPv6 where both stand.
  private(set) var addresses: UInt64
  /// Ports and scope, as in the key.
  private(set) var rest: UInt64
  var lastTime: Int64
  var lastFrame: FrameReference
  var packets = PerDirection<UInt32>(low: 0, high: 0)
  /// The low half of the numbers of bytes, see `bytes`.
  private var bytesLow = PerDirection<UInt32>(low: 0, high: 0)
  /// Index of the TCP state, -1 for other protocols.
  var tcp: Int32 = -1
  /// The largest packet of each direction that was not a fragment.
  var largest = PerDirection<UInt16>(low: 0, high: 0)
  let proto: UInt8
  let version: UInt8
  /// The direction of the side that dialled.
  var initiator: UInt8 = 0
  var phase: ConversationPhase = []
  /// Of the last TCP segment with a payload; 0xFF none yet.
  var lastDataDirection: UInt8 = 0xFF
  /// How long conntrack would keep the entry after the last packet.
  var lifetime = ConntrackLifetime.generic

  /// From the SYN to the first pure ACK; 0 not known.
  var firstRoundTrip: Int64 = 0
  /// When the server acknowledged the last request without answering it.
  var requestAcked: Int64 = 0
  /// The beginning of its entry in the conntrack simulation.
  var trackedFrom: Int64
  var firstTime: Int64
  var firstFrame: FrameReference
  /// `ConversationTable.remarks.none` until there is something to remark.
  var remarks: UnsafeMutablePointer<ConversationRemarks>
  private var bytesHigh = PerDirection<UInt16>(low: 0, high: 0)
  /// Hop limit of the first packet in each direction.
  var ttl = PerDirection<UInt8>(low: 0, high: 0)

  /// `pair`: of IPv6 where the addresses are kept as long as the conversation.
  init(
    key: ConversationKey, pair: UnsafeMutablePointer<AddressPair>?, time: Int64, frame: FrameReference,
    remarks: UnsafeMutablePointer<ConversationRemarks>
  ) {
    addresses = pair.map { UInt64(UInt(bitPattern: $0)) } ?? key.low.low << 32 | key.high.low
    rest = key.rest
    proto = key.proto
    version = key.version
    firstTime = time
    lastTime = time
    trackedFrom = time
    firstFrame = frame
    lastFrame = frame
    self.remarks = remarks
  }

  /// Where the addresses of an IPv6 conversation stand.
  var pair: UnsafeMutablePointer<AddressPair>? {
    version == 4 ? nil : UnsafeMutablePointer(bitPattern: UInt(truncatingIfNeeded: addresses))
  }

  @inline(__always) var key: ConversationKey {
    guard let pair else { return ConversationKey(addresses: addresses, rest: rest, proto: proto) }
    return ConversationKey(
      low: pair.pointee.low, high: pair.pointee.high, lowPort: port(0), highPort: port(1), scope: scope, proto: proto,
      version: version)
  }

  /// Whether it has the key of IPv4 that would be made of these.
  @inline(__always) func matches(addresses: UInt64, rest: UInt64, proto: UInt8) -> Bool {
    (self.addresses ^ addresses) | (self.rest ^ rest) | UInt64(self.proto ^ proto) | UInt64(version ^ 4) == 0
  }

  @inline(__always) func bits(_ direction: Int) -> Bits128 {
    guard let pair else { return Bits128(direction == 0 ? addresses >> 32 : addresses & 0xFFFF_FFFF) }
    return direction == 0 ? pair.pointee.low : pair.pointee.high
  }
  @inline(__always) func address(_ direction: Int) -> IPAddress {
    IPAddress(bits: bits(direction), version: version == 4 ? .v4 : .v6)
  }
  @inline(__always) func port(_ direction: Int) -> UInt16 {
    UInt16(truncatingIfNeeded: rest &>> UInt64(direction &* 16))
  }
  @inline(__always) var scope: UInt32 { UInt32(truncatingIfNeeded: rest >> 32) }

  mutating func rescope(_ scope: UInt32) { rest = rest & 0xFFFF_FFFF | UInt64(scope) << 32 }

  var client: IPAddress { address(Int(initiator)) }
  var clientPort: UInt16 { port(Int(initiator)) }
  var server: IPAddress { address(1 - Int(initiator)) }
  var serverPort: UInt16 { port(1 - Int(initiator)) }
  var totalPackets: Int { Int(packets.low) + Int(packets.high) }
  var isOneWay: Bool { packets.low == 0 || packets.high == 0 }

  /// Of the network layer, headers included.
  func bytes(_ direction: Int) -> Int { Int(bytesHigh[direction]) << 32 | Int(bytesLow[direction]) }
  var totalBytes: Int { bytes(0) + bytes(1) }

  @inline(__always) mutating func count(bytes: Int, _ direction: Int) {
    var isOver = false
    bytesLow.change(direction) { ($0, isOver) = $0.addingReportingOverflow(UInt32(truncatingIfNeeded: bytes)) }
    if isOver { bytesHigh.change(direction) { $0 &+= 1 } }
  }
}

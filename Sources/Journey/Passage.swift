import PacketPath
import Snapshot
import Wire

/// What is known at one point of a journey: who the client is, what connection tracking remembers, how large packets may be.
struct Passage {
  enum Client: Hashable {
    /// A socket of a namespace of the bundle.
    case socket(Int)
    /// A Pod whose namespace the bundle does not have, on a node that it has.
    case pod(IPAddress, node: Int)
    case outside
  }

  enum Refusal {
    case reset
    /// An ICMP error, and the packet inside as it stands where the error is.
    case error(about: Flow)
  }

  struct Entry {
    var connection: Connection
    var answered: Bool
    /// Begun by a packet in the middle of a connection: any that follows fits.
    var isPickedUp = false
  }

  /// An entry and what the packet is to it.
  struct Found {
    var connection: Connection
    var index: Int
  }

  /// As the client sent it.
  var flow: Flow
  var client = Client.outside
  /// The first namespace of the bundle that it comes to.
  var entrance: Int?
  var phase = Phase.request
  var legs = 0
  var entries: [Int: [Entry]] = [:]
  var arrival: Arrival?
  var limits: [Phase: [SizeLimit]] = [:]
  var followed: (namespace: Int, entry: ConnectionEntry)?
  /// What rules tell each side not to exceed (TCPMSS), by the direction of the packets that heed it: bytes of a packet.
  var clamps: [Phase: Int] = [:]
  /// Where a datagram of the flow's length ends, though smaller ones go on.
  var tooBig: Ending?
  /// What goes back is no answer but a refusal.
  var refusal: Refusal?
  /// The last namespace that it was in.
  var last: Int?

  init(_ flow: Flow) { self.flow = flow }

  /// The entry that a packet belongs to, in a namespace that it passes.
  mutating func entry(of flow: Flow, in namespace: Int) -> Found? {
    if case .error(let packet)? = refusal { return entry(ofErrorAbout: packet, in: namespace) }
    guard let known = entries[namespace] else { return nil }
    for (index, entry) in known.enumerated().reversed() {
      var connection = entry.connection
      if connection.isReply(flow) {
        connection.part = .reply
      } else if connection.isOriginal(flow) {
        let isAck = flow.ipProtocol == .tcp && (flow.tcpFlags ?? 0) & JourneyWalk.TCPFlags.ack != 0
        let misfits = isAck && !entry.answered && !entry.isPickedUp
        connection.part = misfits ? .misfit : .further(answered: entry.answered || entry.isPickedUp)
      } else {
        continue
      }
      return Found(connection: connection, index: index)
    }
    return nil
  }

  /// An error belongs to the connection of the packet inside, which is undone as the reply's addresses are.
  private mutating func entry(ofErrorAbout packet: Flow, in namespace: Int) -> Found? {
    guard let known = entries[namespace] else { return nil }
    let reply = Flow(
      ipProtocol: packet.ipProtocol, source: packet.destination, sourcePort: packet.destinationPort,
      destination: packet.source, destinationPort: packet.sourcePort, from: "")
    guard let index = known.lastIndex(where: { $0.connection.isReply(reply) }) else { return nil }
    var connection = known[index].connection
    connection.part = .related
    refusal = .error(about: connection.original(packet))
    return Found(connection: connection, index: index)
  }

  mutating func add(_ connection: Connection, answered: Bool, in namespace: Int) -> Found {
    entries[namespace, default: []].append(Entry(connection: connection, answered: answered))
    var own = connection
    own.part = .further(answered: answered)
    return Found(connection: own, index: entries[namespace]!.count - 1)
  }

  /// Connection tracking takes note of an outcome.
  mutating func note(_ flow: Flow, _ outcome: Outcome, in namespace: Int, _ found: Found?, startsEntry: Bool) {
    last = namespace
    if let found {
      if found.connection.part == .reply, !outcome.untracked { entries[namespace]![found.index].answered = true }
      return
    }
    guard startsEntry, let connection = Connection(of: flow, outcome) else { return }
    let isPickedUp = phase != .request && flow.ipProtocol == .tcp
    entries[namespace, default: []].append(Entry(connection: connection, answered: false, isPickedUp: isPickedUp))
  }

  mutating func limit(_ bytes: Int?, _ manner: SizeLimit.Manner, in namespace: Int, _ flow: Flow) {
    guard let bytes, bytes > 0 else { return }
    limits[phase, default: []].append(
      SizeLimit(bytes: bytes, manner: manner, namespace: namespace, flow: flow))
  }

  /// A datagram that is too big for what the request has passed so far ends there, whatever is behind.
  private var stuckDatagram: Ending? {
    guard phase == .request, flow.ipProtocol != .tcp, flow.dontFragment == true, let length = flow.length,
      let limit = limits[.request]?.first(where: { Int(length) > $0.largest })
    else { return nil }
    return Ending(
      cause: .tooBig(bytes: Int(length), limit: limit.bytes), phase: .request, namespace: limit.namespace,
      arrival: nil, requestMTU: limits[.request]?.map(\.bytes).min(), replyMTU: nil, followed: followed)
  }

  func ending(_ cause: Ending.Cause, namespace: Int?) -> Ending {
    func smallest(_ phase: Phase) -> Int? { limits[phase]?.map(\.bytes).min() }
    let stuck = tooBig ?? stuckDatagram
    if var early = stuck {
      early.replyMTU = smallest(.reply)
      return early
    }
    return Ending(
      cause: cause, phase: phase, namespace: namespace, arrival: arrival, requestMTU: smallest(.request),
      replyMTU: smallest(.reply), followed: followed)
  }
}

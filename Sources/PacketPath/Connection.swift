import Ruleset
import Snapshot
import Wire

/// A connection as its first packet left it: what conntrack knows when a further packet of it comes
/// (include/net/netfilter/nf_conntrack_tuple.h).
public struct Connection: Sendable, Hashable {
  /// What the packet is to the entry.
  public enum Part: Sendable, Hashable {
    case reply
    /// Of the entry's own direction, like the first; `answered`: a reply was seen.
    case further(answered: Bool)
    /// The entry's state does not fit it: an ACK where no SYN-ACK was seen (nf_conntrack_proto_tcp.c).
    case misfit
    /// An error that tells of one of its packets.
    case related
  }

  public var part = Part.reply
  /// The request as it was sent.
  var client: Bits128
  var clientPort: UInt16
  var frontend: Bits128
  var frontendPort: UInt16
  /// Where it arrived, and whom the endpoint saw. Port nil: source NAT may have chosen any.
  var endpoint: Bits128
  var endpointPort: UInt16
  var seen: Bits128
  var seenPort: UInt16?
  var mark: UInt32
  var zone: UInt16 = 0
  /// False: NOTRACK, there is no entry.
  var isTracked: Bool

  var translatesSource: Bool { client != seen || seenPort != clientPort }
  var translatesDestination: Bool { frontend != endpoint || frontendPort != endpointPort }

  var status: UInt32 {
    (part == .further(answered: false) ? 0 : ConnectionStatus.seenReply) | ConnectionStatus.confirmed
      | (translatesSource ? ConnectionStatus.sourceNAT : 0)
      | (translatesDestination ? ConnectionStatus.destinationNAT : 0)
  }

  func value(of field: Field) -> FieldValue {
    switch field {
    case .originalSource: .known(client)
    case .originalDestination: .known(frontend)
    case .originalSourcePort: .number(clientPort)
    case .originalDestinationPort: .number(frontendPort)
    case .replySource: .known(endpoint)
    case .replyDestination: .known(seen)
    case .replySourcePort: .number(endpointPort)
    case .replyDestinationPort: seenPort.map { .number($0) } ?? .unknown
    default: .unknown
    }
  }
}

extension Connection {
  /// The entry that the first packet made on its way to an outcome; nil: it made none. What is dropped is forgotten.
  public init?(of flow: Flow, _ outcome: Outcome) {
    guard !outcome.untracked, outcome.verdict == .forward || outcome.verdict == .deliver else { return nil }
    self.init(
      client: flow.source.bits, clientPort: flow.sourcePort, frontend: flow.destination.bits,
      frontendPort: flow.destinationPort, endpoint: outcome.destination.bits, endpointPort: outcome.destinationPort,
      seen: outcome.source.bits, seenPort: outcome.sourcePort, mark: outcome.connectionMark, isTracked: true)
  }

  /// The entry that an error about a packet belongs to.
  public init(relatedTo packet: Flow) {
    self.init(
      part: .related, client: packet.source.bits, clientPort: packet.sourcePort, frontend: packet.destination.bits,
      frontendPort: packet.destinationPort, endpoint: packet.destination.bits, endpointPort: packet.destinationPort,
      seen: packet.source.bits, seenPort: packet.sourcePort, mark: 0, isTracked: true)
  }

  /// An entry of the node's table.
  public init(_ entry: ConnectionEntry) {
    self.init(
      client: entry.original.source.bits, clientPort: entry.original.sourcePort,
      frontend: entry.original.destination.bits, frontendPort: entry.original.destinationPort,
      endpoint: entry.reply.source.bits, endpointPort: entry.reply.sourcePort, seen: entry.reply.destination.bits,
      seenPort: entry.reply.destinationPort, mark: entry.mark, zone: entry.zone, isTracked: true)
  }

  /// A packet of the connection as the client sent it.
  public func original(_ packet: Flow) -> Flow {
    var original = packet
    (original.source, original.destination) = (
      IPAddress(bits: client, version: packet.version), IPAddress(bits: frontend, version: packet.version)
    )
    if packet.ipProtocol.hasPorts { (original.sourcePort, original.destinationPort) = (clientPort, frontendPort) }
    return original
  }

  /// Whether a packet is of the entry's own direction.
  public func isOriginal(_ flow: Flow) -> Bool {
    flow.source.bits == client && flow.destination.bits == frontend
      && (!flow.ipProtocol.hasPorts || flow.sourcePort == clientPort && flow.destinationPort == frontendPort)
  }

  /// Whether a packet is of the other. A port that source NAT chose is any.
  public func isReply(_ flow: Flow) -> Bool {
    flow.source.bits == endpoint && flow.destination.bits == seen
      && (!flow.ipProtocol.hasPorts
        || flow.sourcePort == endpointPort && (seenPort == nil || flow.destinationPort == seenPort))
  }
}

extension PacketState {
  /// Conntrack finds the entry of the request.
  mutating func join(_ connection: Connection) {
    switch connection.part {
    case .misfit:
      tracking = .invalid
      return
    case .related: tracking = .related
    case .reply: tracking = .established
    case .further(let answered): tracking = answered ? .further : .again
    }
    connectionMark = connection.mark
    status = connection.status
    if zone == 0 { zone = connection.zone }
  }
}

extension Engine {
  /// Of a further packet, the NAT hooks do what they did to the first. Of a reply they undo it: what was done at
  /// PREROUTING or OUTPUT is undone at POSTROUTING or INPUT, and the reverse (nf_nat_packet, HOOK2MANIP in
  /// net/netfilter/nf_nat_core.c). False: ended.
  mutating func followTranslation(_ b: inout Branch) -> Bool {
    guard let connection, !isAnyReply else { return true }
    // The addresses of an error are undone as the reply's are (nf_nat_icmp_reply_translation).
    let isReply = connection.part == .reply || connection.part == .related
    switch b.packet.hook {
    case .prerouting, .output:
      guard isReply ? connection.translatesSource : connection.translatesDestination else { return true }
      let address = isReply ? connection.client : connection.endpoint
      let changed = b.packet.destination != address
      b.packet.destination = address
      if b.packet.hasPorts { b.packet.destinationPort = isReply ? connection.clientPort : connection.endpointPort }
      return b.packet.hook == .output && changed ? reroute(&b) : true
    case .input, .postrouting:
      guard isReply ? connection.translatesDestination : connection.translatesSource else { return true }
      b.packet.replaceSource(isReply ? connection.frontend : connection.seen)
      guard b.packet.hasPorts else { break }
      if isReply {
        b.packet.replaceSourcePort(connection.frontendPort)
      } else if let port = connection.seenPort {
        b.packet.replaceSourcePort(port)
      } else {
        b.packet.sourcePortOpen = true
      }
    default: break
    }
    return true
  }
}

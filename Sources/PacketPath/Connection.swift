import Ruleset
import Wire

/// A connection as its first packet left it: what conntrack knows when the reply comes
/// (include/net/netfilter/nf_conntrack_tuple.h).
struct Connection: Sendable {
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
    ConnectionStatus.seenReply | ConnectionStatus.confirmed
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

extension PacketState {
  /// Conntrack finds the entry of the request.
  mutating func join(_ connection: Connection) {
    tracking = .established
    connectionMark = connection.mark
    status = connection.status
    if zone == 0 { zone = connection.zone }
  }
}

extension Engine {
  /// Of a reply, the NAT hooks undo what they did to the request: what was done at PREROUTING or OUTPUT is undone at
  /// POSTROUTING or INPUT, and the reverse (nf_nat_packet, HOOK2MANIP in net/netfilter/nf_nat_core.c). False: ended.
  mutating func undoTranslation(_ b: inout Branch) -> Bool {
    guard let connection, !isAnyReply else { return true }
    switch b.packet.hook {
    case .prerouting, .output:
      guard connection.translatesSource else { return true }
      let changed = b.packet.destination != connection.client
      b.packet.destination = connection.client
      if b.packet.hasPorts { b.packet.destinationPort = connection.clientPort }
      return b.packet.hook == .output && changed ? reroute(&b) : true
    case .input, .postrouting:
      guard connection.translatesDestination else { return true }
      b.packet.replaceSource(connection.frontend)
      if b.packet.hasPorts { b.packet.replaceSourcePort(connection.frontendPort) }
    default: break
    }
    return true
  }
}

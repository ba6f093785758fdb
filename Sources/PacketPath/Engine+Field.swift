import Ruleset
import Snapshot
import Wire

/// The value of a field of the packet at its present point.
enum FieldValue {
  case known(Bits128)
  /// The flow and the snapshot do not tell.
  case unknown
  /// The packet has no such field.
  case absent

  static func number(_ value: some BinaryInteger) -> FieldValue { .known(Bits128(UInt64(truncatingIfNeeded: value))) }
}

extension Engine {
  func value(of field: Field, _ b: Branch) -> FieldValue {
    let p = b.packet
    if isAnyReply { return anyReplyValue(of: field, p) }
    // A template (CT --zone in raw) is an entry whose tuples are empty (net/netfilter/xt_CT.c).
    if p.tracking == .template, let value = templateValue(field) { return value }
    switch field {
    case .inputInterface: return p.inputUnknown ? .unknown : .known(p.input)
    case .outputInterface:
      return p.outputUnknown && p.output.isZero && p.hook != .prerouting && p.hook != .input
        ? .unknown : .known(p.output)
    case .inputInterfaceIndex: return p.inputUnknown ? .unknown : index(p.input)
    case .outputInterfaceIndex: return p.outputUnknown && p.output.isZero ? .unknown : index(p.output)
    case .inputInterfaceType:
      return p.input.isZero ? .absent : (interface(p.input).link?.hardwareType).map { .number($0) } ?? .unknown
    case .outputInterfaceType:
      return p.output.isZero ? .absent : (interface(p.output).link?.hardwareType).map { .number($0) } ?? .unknown
    case .inputInterfaceGroup:
      return p.input.isZero ? .absent : (interface(p.input).link?.group).map { .number($0) } ?? .unknown
    case .outputInterfaceGroup:
      return p.output.isZero ? .absent : (interface(p.output).link?.group).map { .number($0) } ?? .unknown
    case .inputBridgePort: return inputBridgePort(p)
    case .outputBridgePort: return outputBridgePort(p)
    case .inputBridge: return bridgeName(p, p.input, known: !p.inputUnknown)
    case .outputBridge: return bridgeName(p, p.output, known: !p.outputUnknown)
    case .networkProtocol: return .number(p.layer == .bridge ? 7 : p.version == .v4 ? 2 : 10)
    case .etherType: return .number(p.version == .v4 ? 0x0800 : 0x86DD)
    case .source: return .known(p.source)
    case .destination: return .known(p.destination)
    case .source4: return p.version == .v4 ? .known(p.source) : .absent
    case .destination4: return p.version == .v4 ? .known(p.destination) : .absent
    case .source6: return p.version == .v6 ? .known(p.source) : .absent
    case .destination6: return p.version == .v6 ? .known(p.destination) : .absent
    case .headerProtocol4: return p.version == .v4 ? .number(p.ipProtocol) : .absent
    case .headerProtocol6: return p.version == .v6 ? .number(p.ipProtocol) : .absent
    case .protocol: return .number(p.ipProtocol)
    case .timeToLive: return p.timeToLive.map { .number($0) } ?? .unknown
    case .dscp: return p.typeOfServiceKnown & 0xFC == 0xFC ? .number(p.typeOfService >> 2) : .unknown
    case .ecn: return p.typeOfServiceKnown & 3 == 3 ? .number(p.typeOfService & 3) : .unknown
    case .typeOfService: return p.typeOfServiceKnown == 0xFF ? .number(p.typeOfService) : .unknown
    case .length: return p.length.map { .number($0) } ?? .unknown
    case .ip4TotalLength: return p.version == .v4 ? p.length.map { .number($0) } ?? .unknown : .absent
    case .ip6PayloadLength:
      return p.version == .v6 ? p.length.map { .number($0 >= 40 ? $0 - 40 : 0) } ?? .unknown : .absent
    case .fragmentOffset: return .number(0)
    case .ipVersion: return .number(p.version.rawValue)
    // The first two and the next two bytes behind the IP header, whatever the protocol puts there.
    case .sourcePort where p.sourcePortRandom: return .unknown
    case .sourcePort: return p.hasPorts ? .number(p.sourcePort) : p.icmpTypeAndCode.map { .number($0) } ?? .unknown
    case .destinationPort: return p.hasPorts ? .number(p.destinationPort) : .unknown
    case .tcpFlags: return p.ipProtocol == 6 ? .number(p.tcpFlags) : .absent
    case .tcpOption, .tcpMaximumSegment: return p.ipProtocol == 6 ? .unknown : .absent
    case .icmpType: return p.ipProtocol == 1 ? .number((p.icmpTypeAndCode ?? 0) >> 8) : .absent
    case .icmpCode: return p.ipProtocol == 1 ? .number((p.icmpTypeAndCode ?? 0) & 0xFF) : .absent
    case .icmpTypeAndCode: return p.ipProtocol == 1 ? .number(p.icmpTypeAndCode ?? 0) : .absent
    case .icmp6Type: return p.ipProtocol == 58 ? .number((p.icmpTypeAndCode ?? 0) >> 8) : .absent
    case .icmp6Code: return p.ipProtocol == 58 ? .number((p.icmpTypeAndCode ?? 0) & 0xFF) : .absent
    case .icmp6TypeAndCode: return p.ipProtocol == 58 ? .number(p.icmpTypeAndCode ?? 0) : .absent
    case .udpLength:
      return p.ipProtocol == 17 ? p.length.map { .number(Int($0) - (p.version == .v4 ? 20 : 40)) } ?? .unknown : .absent
    case .mark: return .number(p.mark)
    case .connectionMark: return p.hasConnection ? .number(p.connectionMark) : .absent
    case .connectionState: return .number(p.connectionState & 0x7F)
    case .connectionStatus: return p.hasConnection ? .number(p.status) : .absent
    case .connectionDirection: return p.hasConnection ? .number(p.tracking == .established ? 1 : 0) : .absent
    case .connectionZone: return p.hasConnection || p.tracking == .template ? .number(p.zone) : .absent
    case .connectionProtocol: return p.hasConnection ? .number(p.ipProtocol) : .absent
    case .connectionFamily: return p.hasConnection ? .number(p.version == .v4 ? 2 : 10) : .absent
    case .originalSource, .originalDestination, .originalSourcePort, .originalDestinationPort, .replySource,
      .replyDestination, .replySourcePort, .replyDestinationPort:
      guard p.hasConnection else { return .absent }
      return p.hasEntry ? connection?.value(of: field) ?? tupleValue(field, p) : tupleValue(field, p)
    case .packetType: return packetType(p)
    case .sourceMAC:
      return p.layer == .bridge || isEthernet(p.input) ? p.sourceMAC.map { .known($0) } ?? .unknown : .absent
    case .destinationMAC:
      return p.input.isZero && p.layer != .bridge ? .absent : p.destinationMAC.map { .known($0) } ?? .unknown
    case .userID: return p.hasSocket ? p.userID.map { .number($0) } ?? .unknown : .absent
    case .groupID: return p.hasSocket ? p.groupID.map { .number($0) } ?? .unknown : .absent
    case .cgroup: return p.hasSocket ? .unknown : .absent
    case .socketExists: return p.hasSocket ? .number(1) : .absent
    default: return .unknown
    }
  }

  /// Of the tuples of a connection whose first packet this is; the reply is to what the packet has become so far.
  private func tupleValue(_ field: Field, _ p: PacketState) -> FieldValue {
    switch field {
    case .originalSource: .known(p.originalSource)
    case .originalDestination: .known(p.originalDestination)
    case .originalSourcePort: .number(p.originalSourcePort)
    case .originalDestinationPort: .number(p.originalDestinationPort)
    case .replySource: .known(p.destination)
    case .replyDestination: .known(p.source)
    case .replySourcePort: .number(p.destinationPort)
    case .replyDestinationPort: p.sourcePortOpen ? .unknown : .number(p.sourcePort)
    default: .unknown
    }
  }

  private func templateValue(_ field: Field) -> FieldValue? {
    switch field {
    case .connectionStatus: .number(ConnectionStatus.confirmed)
    case .connectionMark, .connectionDirection, .connectionProtocol, .originalSource, .originalDestination,
      .originalSourcePort, .originalDestinationPort, .replySource, .replyDestination, .replySourcePort,
      .replyDestinationPort:
      .known(.zero)
    default: nil
    }
  }

  /// Rules name the interface of an index; dumps do not show the number.
  private func index(_ name: Bits128) -> FieldValue { .known(name) }

  /// nft_meta_bridge.c: the bridge of a port; where there is none, the rule ends.
  private func bridgeName(_ p: PacketState, _ port: Bits128, known: Bool) -> FieldValue {
    guard p.layer == .bridge, !port.isZero || !known else { return .absent }
    return .known(p.frame.bridge)
  }

  func bridgeCalls(_ version: IPVersion) -> Int? { version == .v4 ? node.bridgeCalls4 : node.bridgeCalls6 }

  /// Whether packets come through the interface in Ethernet frames, as far as is known.
  private func isEthernet(_ input: Bits128) -> Bool {
    guard !input.isZero, input != Self.loopback else { return false }
    return (interface(input).link?.hardwareType ?? 1) == 1
  }

  /// What xt_physdev sees: ports only of packets that a bridge shows to the hooks of IP.
  private func inputBridgePort(_ p: PacketState) -> FieldValue {
    if p.frame.isShown { return p.frame.inputPort.isZero ? .unknown : .known(p.frame.inputPort) }
    guard p.frame.bridge.isZero, !p.input.isZero else {
      // Whether the bridge shows them is not in the snapshot.
      return bridgeCalls(p.version) == nil && !p.frame.bridge.isZero ? .unknown : .known(.zero)
    }
    let facts = interface(p.input)
    guard facts.link != nil else { return node.linksKnown ? .known(.zero) : .unknown }
    return facts.isBridge && bridgeCalls(p.version) != 0 ? .unknown : .known(.zero)
  }

  /// Known only for bridged packets; a routed one has not been given to a port yet.
  private func outputBridgePort(_ p: PacketState) -> FieldValue {
    guard p.frame.isShown, p.bridged, p.hook == .forward || p.hook == .postrouting else { return .known(.zero) }
    return p.frame.outputPort.isZero ? .unknown : .known(p.frame.outputPort)
  }

  private func packetType(_ p: PacketState) -> FieldValue {
    // The hooks of IP see as their own what a bridge shows them.
    if p.layer == .bridge, p.frame.cameForOther { return .number(3) }
    let destination = IPAddress(bits: p.destination, version: p.version)
    if destination.isMulticast { return .number(2) }
    if p.version == .v4, node.routing.addressType(p.destination, .v4) == .broadcast { return .number(1) }
    return .number(0)
  }
}

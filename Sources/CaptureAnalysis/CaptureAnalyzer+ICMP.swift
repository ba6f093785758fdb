import Wire

extension CaptureAnalyzer {
  static var maximumEvents: Int { 65_536 }

  mutating func icmp(_ bytes: PacketBytes, _ layer: NetworkLayer) {
    counts.icmp &+= 1
    guard let header = ICMPHeader(bytes) else { return }
    let version: IPVersion = layer.version == 4 ? .v4 : .v6
    if ICMPHeader.isError(type: header.type, version: version) { return icmpError(header, bytes, layer, version) }
    if version == .v6, header.type >= 133, header.type <= 137 { return neighbour(header, bytes, layer) }
    let isEcho = version == .v4 ? header.type == 8 || header.type == 0 : header.type == 128 || header.type == 129
    let identifier = isEcho ? header.identifier : 0
    if isEcho, bytes.count >= ICMPHeader.length { echo(header, bytes, layer, version) }
    let c = conversation(
      ends(bytes, layer, identifier, identifier), packetLength: layer.length, ttl: layer.ttl,
      signature: UInt64(layer.identification) << 32 ^ UInt64(bytes.count >= 8 ? bytes.u32(4) : 0) ^ UInt64(header.type)
        << 56)
    c.pointee.lifetime = .icmp
  }

  private mutating func echo(_ header: ICMPHeader, _ bytes: PacketBytes, _ layer: NetworkLayer, _ version: IPVersion) {
    let source = IPAddress(bits: layer.source, version: version)
    let destination = IPAddress(bits: layer.destination, version: version)
    let sequence = bytes.u16(6)
    if header.type == 8 || header.type == 128 {
      pings.request(
        from: source, to: destination, scope: layer.outer.scope >> 24, identifier: header.identifier,
        sequence: sequence,
        length: layer.length, frame: frame)
    } else {
      pings.reply(
        from: source, to: destination, scope: layer.outer.scope >> 24, identifier: header.identifier,
        sequence: sequence)
    }
  }

  private mutating func icmpError(
    _ header: ICMPHeader, _ bytes: PacketBytes, _ layer: NetworkLayer, _ version: IPVersion
  ) {
    if version == .v4, header.type == 3, header.code == 4 { counts.icmpFragmentationNeeded &+= 1 }
    if version == .v6, header.type == 2 { counts.icmpv6PacketTooBig &+= 1 }
    guard bytes.count > ICMPHeader.length else { return }
    let quoted = bytes.dropping(ICMPHeader.length)
    var event = ICMPEvent(
      version: version, type: header.type, code: header.code, mtu: 0, reporter: layer.source,
      receiver: layer.destination, quotedSource: .zero, quotedDestination: .zero, quotedProtocol: 0,
      quotedSourcePort: 0,
      quotedDestinationPort: 0, quotedLength: 0, quotedTTL: 0, scope: layer.outer.scope, frame: frame, time: now,
      conversation: -1)
    var rest: PacketBytes
    if version == .v4 {
      guard let inner = IPv4Header(quoted) else { return }
      event.quotedSource = Bits128(inner.source)
      event.quotedDestination = Bits128(inner.destination)
      event.quotedProtocol = inner.proto.rawValue
      event.quotedLength = inner.totalLength
      event.quotedTTL = inner.timeToLive
      if event.isTooBig { event.mtu = header.nextHopMTU }
      rest = quoted.dropping(inner.headerLength)
      if inner.fragmentOffset > 0 { event.quotedProtocol = 0 }
    } else {
      guard let inner = IPv6Header(quoted) else { return }
      event.quotedSource = inner.source
      event.quotedDestination = inner.destination
      event.quotedProtocol = inner.nextHeader
      event.quotedLength = inner.payloadLength + IPv6Header.length
      event.quotedTTL = inner.hopLimit
      if event.isTooBig { event.mtu = header.mtu }
      rest = quoted.dropping(IPv6Header.length)
    }
    if IPProtocol(rawValue: event.quotedProtocol).hasPorts, rest.count >= 4 {
      event.quotedSourcePort = rest.u16(0)
      event.quotedDestinationPort = rest.u16(2)
    } else if IPProtocol(rawValue: event.quotedProtocol).isICMP, rest.count >= 6 {
      event.quotedSourcePort = rest.u16(4)
      event.quotedDestinationPort = rest.u16(4)
    }
    mark(&event, layer)
    if icmpEvents.count < Self.maximumEvents { icmpEvents.append(event) }
  }

  /// Tells the quoted conversation, or the tunnel, what happened to its packet.
  private mutating func mark(_ event: inout ICMPEvent, _ layer: NetworkLayer) {
    if event.quotedProtocol == 17, vxlanPorts[event.quotedDestinationPort] || event.quotedDestinationPort == 6081 {
      let kind: TunnelKind = event.quotedDestinationPort == 6081 ? .geneve : .vxlan
      let key = TunnelKey(
        source: event.quotedSource, destination: event.quotedDestination, port: event.quotedDestinationPort, kind: kind,
        version: layer.version, scope: layer.outer.scope)
      if let tunnel = tunnels.existing(key) {
        if event.isTooBig {
          tunnel.pointee.announcedMTU = event.mtu
          tunnel.pointee.announcedFrame = frame
        } else if event.isUnreachable {
          tunnel.pointee.unreachable = UInt16(event.type) << 8 | UInt16(event.code)
          tunnel.pointee.unreachableFrame = frame
        }
      }
      return
    }
    let (key, direction) = ConversationKey.make(
      event.quotedSource, event.quotedSourcePort, event.quotedDestination, event.quotedDestinationPort,
      proto: event.quotedProtocol, version: layer.version, scope: layer.outer.scope)
    let index = conversations.find(key, conversations.hash(key))
    guard index >= 0 else { return }
    event.conversation = Int32(index)
    let c = conversations.records.pointer(index)
    if event.isTooBig, event.mtu > 0 {
      let remarks = conversations.remarks.own(&c.pointee.remarks)
      c.pointee.phase.insert(.announced)
      let known = remarks.pointee.announcedMTU[direction]
      if known == 0 {
        remarks.pointee.announcedTime = now
        remarks.pointee.announcedFrame = frame
      }
      let mtu = UInt16(clamping: event.mtu)
      if known == 0 || mtu < known { remarks.pointee.announcedMTU[direction] = mtu }
    } else if event.isUnreachable || event.isTimeExceeded, c.pointee.remarks.pointee.icmpError == 0xFFFF {
      let remarks = conversations.remarks.own(&c.pointee.remarks)
      remarks.pointee.icmpError = UInt16(event.type) << 8 | UInt16(event.code)
      remarks.pointee.icmpEvent = Int32(icmpEvents.count)
    }
  }

  /// A neighbour advertisement claims its target for the hardware address in option 2.
  private mutating func neighbour(_ header: ICMPHeader, _ bytes: PacketBytes, _ layer: NetworkLayer) {
    if header.type == 135, bytes.count >= 24 {
      questions.add(
        IPAddress(v6: bytes.bits128(8)), from: IPAddress(v6: layer.source), scope: layer.outer.scope, frame: frame,
        time: now)
    }
    guard header.type == 136, bytes.count >= 24 else { return }
    let target = bytes.bits128(8)
    questions.answered(IPAddress(v6: layer.destination))
    var at = 24
    while at + 8 <= bytes.count {
      let length = Int(bytes.u8(at + 1)) * 8
      guard length > 0, at + length <= bytes.count else { return }
      if bytes.u8(at) == 2 {
        claims.add(IPAddress(v6: target), bytes.u48(at + 2), scope: layer.outer.scope, frame: frame, time: now)
      }
      at += length
    }
  }
}

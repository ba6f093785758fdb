import Wire

/// The network header above a transport header, both versions alike.
struct NetworkLayer {
  var source: Bits128
  var destination: Bits128
  var version: UInt8
  var proto: UInt8
  var ttl: UInt8
  /// Header and payload on the wire.
  var length: Int
  var identification: UInt32
  /// The first piece of a datagram whose rest is elsewhere: no length or checksum can be judged.
  var isPartial: Bool
  var outer: Outer
}

extension NetworkLayer {
  @inline(__always) init(_ header: IPv4Header, length: Int, _ outer: Outer) {
    self.init(
      source: Bits128(header.source), destination: Bits128(header.destination), version: 4,
      proto: header.proto.rawValue, ttl: header.timeToLive, length: length,
      identification: UInt32(header.identification), isPartial: false, outer: outer)
  }

  /// The share of the pseudo-header in the checksum of the datagram or segment `bytes`.
  @inline(__always) func pseudoHeader(_ bytes: PacketBytes) -> UInt64 {
    version == 4
      ? Checksum.pseudoHeader(
        source: UInt32(truncatingIfNeeded: source.low), destination: UInt32(truncatingIfNeeded: destination.low),
        protocol: proto, length: bytes.wireCount)
      : Checksum.pseudoHeader(
        source: source, destination: destination, protocol: proto, length: bytes.wireCount)
  }
}

extension CaptureAnalyzer {
  /// One turn for each IPv4 header of the most frequent nesting, VXLAN: its layers share one copy of the walk, and nothing
  /// goes through memory from one to the next.
  @inline(never) mutating func ipv4(_ bytes: PacketBytes, _ outer: Outer) {
    var bytes = bytes
    var outer = outer
    while true {
      guard outer.depth < Self.maximumDepth else { return undecoded() }
      guard let header = IPv4Header(bytes), let length = packetLength(header, bytes) else { return undecoded() }
      let isValid = verify(header)
      let layer = NetworkLayer(header, length: length, outer)
      let payload = bytes.limited(to: length).dropping(header.headerLength)
      if header.isFragment {
        notes.insert(.ipv4Fragment)
        return fragment(
          layer, payload: payload, offset: header.fragmentOffset, more: header.moreFragments,
          identification: UInt32(header.identification), reassemble: isValid)
      }
      if layer.proto == 6 { return tcp(payload, layer) }
      guard layer.proto == 17 else { return otherTransport(payload, layer) }
      guard let inside = udp(payload, layer) else { return }
      guard let link = EthernetHeader(inside.bytes), link.etherType == .ipv4 else {
        return nestedEthernet(inside.bytes, inside.outer)
      }
      bytes = inside.bytes.dropping(EthernetHeader.length)
      outer = inside.outer
    }
  }

  /// The length of the packet that an IPv4 header begins; nil where it cannot be.
  @inline(__always) func packetLength(_ header: IPv4Header, _ bytes: PacketBytes) -> Int? {
    // Zero comes from segmentation offload on the sending host: the packet is as long as the frame.
    let total = header.totalLength == 0 ? bytes.wireCount : header.totalLength
    return total >= header.headerLength ? total : nil
  }

  @inline(__always) mutating func verify(_ header: IPv4Header) -> Bool {
    if header.isChecksumValid { return true }
    counts.badIPv4HeaderChecksums &+= 1
    // Zero is a checksum left to the network card.
    if header.checksum != 0 { corruptHeaders &+= 1 }
    return false
  }

  mutating func ipv6(_ bytes: PacketBytes, _ outer: Outer) {
    guard outer.depth < Self.maximumDepth else { return undecoded() }
    guard let header = IPv6Header(bytes) else { return undecoded() }
    var length = header.payloadLength
    if length == 0 { length = max(0, bytes.wireCount - IPv6Header.length) }
    let packet = bytes.limited(to: length + IPv6Header.length)
    var layer = NetworkLayer(
      source: header.source, destination: header.destination, version: 6, proto: header.nextHeader,
      ttl: header.hopLimit, length: length + IPv6Header.length, identification: 0, isPartial: false, outer: outer)
    var rest = packet.dropping(IPv6Header.length)
    var routed: Bits128?
    for _ in 0..<16 {
      switch layer.proto {
      case 0, 43, 60, 135, 139, 140:
        guard rest.count >= 8 else { return undecoded() }
        let size = (Int(rest.u8(1)) &+ 1) &* 8
        guard size <= rest.count else { return undecoded() }
        // The last address of a routing header is the destination that checksums are computed with.
        if layer.proto == 43, rest.u8(3) > 0, rest.u8(2) == 0 || rest.u8(2) == 2 || rest.u8(2) == 4, size >= 24 {
          routed = rest.bits128(rest.u8(2) == 4 ? 8 : size - 16)
        }
        layer.proto = rest.u8(0)
        rest = rest.dropping(size)
      case 51:
        guard rest.count >= 8 else { return undecoded() }
        let size = (Int(rest.u8(1)) &+ 2) &* 4
        guard size <= rest.count else { return undecoded() }
        layer.proto = rest.u8(0)
        rest = rest.dropping(size)
      case 44:
        guard let piece = IPv6FragmentHeader(rest) else { return undecoded() }
        layer.proto = piece.nextHeader
        rest = rest.dropping(IPv6FragmentHeader.length)
        if !piece.isAtomic {
          notes.insert(.ipv6Fragment)
          return fragment(
            layer, payload: rest, offset: piece.offset, more: piece.moreFragments,
            identification: piece.identification, reassemble: true)
        }
      default:
        if let routed { layer.destination = routed }
        return transport(rest, layer)
      }
    }
    undecoded()
  }

  @inline(never) mutating func fragment(
    _ layer: NetworkLayer, payload: PacketBytes, offset: Int, more: Bool, identification: UInt32, reassemble: Bool
  ) {
    let key = FragmentTable.Key(
      group: FragmentTable.GroupKey(
        source: layer.source, destination: layer.destination, scope: layer.outer.scope, proto: layer.proto,
        version: layer.version), identification: identification)
    var isOverlay = false
    if offset == 0, layer.proto == 17, payload.count >= 4 {
      isOverlay = vxlanPorts[payload.u16(2)] || payload.u16(2) == GeneveHeader.port
    }
    let outcome = fragments.add(
      FragmentTable.Piece(
        key: key, offset: offset, more: more, payload: payload, frame: frame, time: now, packetLength: layer.length,
        mayBeCopy: mayDuplicate, keep: reassemble, isOverlay: isOverlay))
    var whole = layer
    switch outcome {
    case .complete(let bytes?):
      whole.length = layer.length - payload.wireCount + bytes.count
      bytes.withUnsafeBytes { transport(PacketBytes($0), whole) }
    case .complete(nil), .waiting, .ignored:
      // What cannot be put together is shown by its first piece, as far as that goes.
      if offset == 0, !payload.isWhole || !reassemble {
        whole.isPartial = true
        transport(payload, whole)
      }
    }
  }

  @inline(never) mutating func transport(_ bytes: PacketBytes, _ layer: NetworkLayer) {
    switch layer.proto {
    case 6: tcp(bytes, layer)
    case 17: if let inside = udp(bytes, layer) { nestedEthernet(inside.bytes, inside.outer) }
    default: otherTransport(bytes, layer)
    }
  }

  @inline(never) mutating func otherTransport(_ bytes: PacketBytes, _ layer: NetworkLayer) {
    switch layer.proto {
    case 1 where layer.version == 4, 58 where layer.version == 6: icmp(bytes, layer)
    case 4, 41: nested(bytes, layer)
    case 47: genericRouting(bytes, layer)
    case 50:
      counts.esp &+= 1
      plain(bytes, layer, 0, 0)
    case 51:
      guard bytes.count >= 8, layer.version == 4 else { return undecoded() }
      let size = (Int(bytes.u8(1)) &+ 2) &* 4
      guard size <= bytes.count, layer.outer.depth < Self.maximumDepth else { return undecoded() }
      var inner = layer
      inner.proto = bytes.u8(0)
      inner.outer.depth += 1
      transport(bytes.dropping(size), inner)
    case 132:
      counts.sctp &+= 1
      plain(bytes, layer, bytes.count >= 4 ? bytes.u16(0) : 0, bytes.count >= 4 ? bytes.u16(2) : 0)
    case 136 where bytes.count >= 4, 33 where bytes.count >= 4: plain(bytes, layer, bytes.u16(0), bytes.u16(2))
    case 137: labelSwitched(bytes, deeper(layer.outer))
    default: plain(bytes, layer, 0, 0)
    }
  }

  func deeper(_ outer: Outer) -> Outer {
    var inside = outer
    inside.depth += 1
    return inside
  }

  /// A conversation without a state of its own.
  mutating func plain(_ bytes: PacketBytes, _ layer: NetworkLayer, _ sourcePort: UInt16, _ destinationPort: UInt16) {
    let c = conversation(
      ends(bytes, layer, sourcePort, destinationPort), packetLength: layer.length, ttl: layer.ttl,
      signature: UInt64(layer.identification) << 32 ^ UInt64(layer.length) ^ .max)
    c.pointee.lifetime = .generic
  }

  // MARK: tunnels

  /// The scope of what a tunnel carries. Nested tunnels mix theirs.
  @inline(__always) func scope(_ kind: TunnelKind, _ identifier: UInt32, inside outer: Outer) -> UInt32 {
    let own = UInt32(kind.rawValue) << 24 | senders.identifier(identifier, of: kind)
    return outer.scope == 0 ? own : own ^ (outer.scope &* 0x9E37_79B1)
  }

  @inline(__always) mutating func enter(
    _ kind: TunnelKind, _ layer: NetworkLayer, port: UInt16, identifier: UInt32, innerLength: Int
  ) -> UnsafeMutablePointer<Tunnel> {
    let tunnel = tunnels.find(
      TunnelKey(
        source: layer.source, destination: layer.destination, port: port, kind: kind, version: layer.version,
        scope: layer.outer.scope), frame: frame)
    notes.insert(.tunnel(kind))
    tally(tunnel, identifier: identifier, ttl: layer.ttl, length: layer.length, innerLength: innerLength)
    return tunnel
  }

  /// Counts a packet of a tunnel.
  @inline(__always) func tally(
    _ tunnel: UnsafeMutablePointer<Tunnel>, identifier: UInt32, ttl: UInt8, length: Int, innerLength: Int
  ) {
    if tunnel.pointee.packets == 0 {
      tunnel.pointee.identifier = identifier
      tunnel.pointee.ttl = ttl
    } else if tunnel.pointee.identifier != identifier, !tunnel.pointee.hasOther {
      tunnel.pointee.hasOther = true
      tunnel.pointee.otherIdentifier = identifier
      tunnel.pointee.otherFrame = frame
    }
    tunnel.pointee.packets &+= 1
    tunnel.pointee.bytes &+= length
    tunnel.pointee.innerBytes &+= innerLength
    tunnel.pointee.lastFrame = frame
    if innerLength > tunnel.pointee.largestInner {
      tunnel.pointee.largestInner = innerLength
      tunnel.pointee.largestInnerFrame = frame
    }
  }

  /// IP in IP: the protocol number says which version, not the inner packet.
  mutating func nested(_ bytes: PacketBytes, _ layer: NetworkLayer) {
    guard layer.outer.depth < Self.maximumDepth else { return undecoded() }
    _ = enter(.ipip, layer, port: 0, identifier: 0, innerLength: max(0, bytes.wireCount))
    let outer = Outer(scope: scope(.ipip, 0, inside: layer.outer), depth: layer.outer.depth + 1)
    if layer.proto == 4 { ipv4(bytes, outer) } else { ipv6(bytes, outer) }
  }

  mutating func genericRouting(_ bytes: PacketBytes, _ layer: NetworkLayer) {
    guard let header = GREHeader(bytes) else {
      notes.insert(.tunnel(.gre))
      return undecoded()
    }
    guard layer.outer.depth < Self.maximumDepth else { return undecoded() }
    let type = header.etherType
    let inner = bytes.dropping(header.headerLength)
    let link = type == .transparentEthernet ? EthernetHeader.length : 0
    _ = enter(.gre, layer, port: 0, identifier: header.key, innerLength: max(0, inner.wireCount - link))
    let outer = Outer(scope: scope(.gre, header.key, inside: layer.outer), depth: layer.outer.depth + 1)
    switch type {
    case .transparentEthernet: nestedEthernet(inner, outer)
    case .ppp: pointToPoint(inner, outer)
    case .ers where inner.count >= 8: nestedEthernet(inner.dropping(8), outer)
    default: network(inner, type, outer)
    }
  }
}

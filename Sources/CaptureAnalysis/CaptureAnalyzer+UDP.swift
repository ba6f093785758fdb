import Wire

extension CaptureAnalyzer {
  /// The Ethernet frame that VXLAN carried, which the caller is to walk.
  struct Inside {
    var bytes: PacketBytes
    var outer: Outer
  }

  @inline(never) mutating func udp(_ bytes: PacketBytes, _ layer: NetworkLayer) -> Inside? {
    guard let header = UDPHeader(bytes) else {
      undecoded()
      return nil
    }
    counts.udp &+= 1
    var length = header.datagramLength
    if length == 0, layer.version == 6 { length = bytes.wireCount }
    guard length >= UDPHeader.length else {
      undecoded()
      return nil
    }
    let datagram = layer.isPartial ? bytes : bytes.limited(to: length)
    let (state, sum) = verify(header, datagram, length, layer)
    let payload = datagram.dropping(UDPHeader.length)
    let sourcePort = header.sourcePort
    let destinationPort = header.destinationPort
    if vxlanPorts[destinationPort] || vxlanPorts[sourcePort] {
      if let inside = vxlan(payload, layer, port: destinationPort, checksum: state, sum: sum) { return inside }
    } else if destinationPort == GeneveHeader.port {
      if geneve(payload, layer, port: destinationPort, checksum: state, sum: sum) { return nil }
    } else if destinationPort == VXLANHeader.gpePort {
      if gpe(payload, layer, checksum: state, sum: sum) { return nil }
    } else if destinationPort == 51820 || sourcePort == 51820, payload.count >= 4, payload.u8(0) >= 1,
      payload.u8(0) <= 4,
      payload.u32(0) & 0xFF_FFFF == 0
    {
      counts.wireguard &+= 1
    } else if destinationPort == 2152, gtp(payload, layer) {
      return nil
    } else if sourcePort == 53 || destinationPort == 53 {
      domain(payload, layer, sourcePort, destinationPort, proto: 17)
    } else if VXLANPorts.mayBe(payload) {
      vxlanPorts.look(payload, port: destinationPort)
    }
    let c = conversation(
      ends(bytes, layer, sourcePort, destinationPort), packetLength: layer.length, ttl: layer.ttl,
      signature: UInt64(layer.identification) << 32 ^ UInt64(header.checksum) << 16 ^ UInt64(length))
    c.pointee.lifetime = c.pointee.isOneWay ? .udp : .udpStream
    return nil
  }

  /// What the checksum of a datagram of `length` bytes is: 0 unknown, 1 none sent, 2 right, 3 bad, 4 left to the network
  /// card; and the sum of all that it covers.
  @inline(__always) mutating func verify(
    _ header: UDPHeader, _ datagram: PacketBytes, _ length: Int, _ layer: NetworkLayer
  ) -> (state: Int, sum: UInt16) {
    if header.checksum == 0 { return (1, 0) }
    guard !layer.isPartial, datagram.isWhole, length == datagram.wireCount else { return (0, 0) }
    let seed = layer.pseudoHeader(datagram)
    let total = Checksum.total(datagram.base, length) &+ seed
    if Checksum.isRight(total) { return (2, 0xFFFF) }
    counts.badUDPChecksums &+= 1
    let sum = UInt16(bigEndian: Checksum.fold(total))
    guard header.checksum == UInt16(bigEndian: Checksum.fold(seed)) else {
      unfinished()
      return (3, sum)
    }
    offloaded(header.checksum, sum)
    return (4, sum)
  }

  @inline(never) mutating func domain(
    _ payload: PacketBytes, _ layer: NetworkLayer, _ sourcePort: UInt16, _ destinationPort: UInt16, proto: UInt8
  ) {
    let kind = dns.take(
      payload,
      DNSTable.Message(
        source: layer.source, destination: layer.destination, sourcePort: sourcePort, destinationPort: destinationPort,
        version: layer.version, proto: proto, scope: layer.outer.scope, time: now, frame: frame))
    switch kind {
    case true?: counts.dnsQueries &+= 1
    case false?: counts.dnsResponses &+= 1
    case nil: break
    }
  }

  /// Enters VXLAN; nil when the bytes are something else on the same port.
  @inline(__always) private mutating func vxlan(
    _ payload: PacketBytes, _ layer: NetworkLayer, port: UInt16, checksum: Int, sum: UInt16
  ) -> Inside? {
    guard let header = VXLANHeader(payload), layer.outer.depth < Self.maximumDepth else { return nil }
    // To the port that IANA gave to VXLAN nothing else is sent; elsewhere the header must look right.
    guard port == VXLANHeader.standardPort || header.isPlausible else { return nil }
    let inner = payload.dropping(VXLANHeader.length)
    let tunnel = enter(
      .vxlan, layer, port: port, identifier: header.identifier,
      innerLength: max(0, inner.wireCount &- EthernetHeader.length))
    note(checksum, sum, on: tunnel)
    entered(tunnel)
    return Inside(
      bytes: inner,
      outer: Outer(scope: scope(.vxlan, header.identifier, inside: layer.outer), depth: layer.outer.depth &+ 1))
  }

  /// The innermost packet tells whether anybody hears what goes through a tunnel.
  @inline(__always) mutating func entered(_ tunnel: UnsafeMutablePointer<Tunnel>) {
    touched = nil
    if !tunnel.pointee.isAnswered {
      notes.insert(.unsettled)
      unjudged[frameUnjudged] = tunnel
      frameUnjudged &+= 1
    }
  }

  /// Whether the frame's tunnels are answered, now that the conversation inside is known.
  @inline(never) mutating func judgeTunnels() {
    for index in 0..<frameUnjudged {
      let tunnel = unjudged[index]
      guard !tunnel.pointee.isAnswered, let c = touched else { continue }
      let tcp = Int(c.pointee.tcp)
      tunnel.pointee.judge(
        c,
        acknowledges: tcp >= 0
          && halves.pointer(tcp &* 2).pointee.lastAck | halves.pointer(tcp &* 2 &+ 1).pointee.lastAck != 0)
    }
    frameUnjudged = 0
  }

  @inline(never) mutating func gpe(_ payload: PacketBytes, _ layer: NetworkLayer, checksum: Int, sum: UInt16) -> Bool {
    guard let header = VXLANHeader(payload), layer.outer.depth < Self.maximumDepth, header.flags & 0x0C != 0 else {
      return false
    }
    let inner = payload.dropping(VXLANHeader.length)
    let tunnel = enter(
      .vxlanGPE, layer, port: VXLANHeader.gpePort, identifier: header.identifier, innerLength: max(0, inner.wireCount))
    note(checksum, sum, on: tunnel)
    let outer = Outer(
      scope: scope(.vxlanGPE, header.identifier, inside: layer.outer), depth: layer.outer.depth + 1)
    switch header.nextProtocol {
    case 1, 2: rawIP(inner, outer)
    case 3: nestedEthernet(inner, outer)
    default: undecoded()
    }
    return true
  }

  /// GTP-U (3GPP TS 29.281): a G-PDU carries an IP packet behind 8 bytes, 4 more with options, and extension headers.
  @inline(never) mutating func gtp(_ payload: PacketBytes, _ layer: NetworkLayer) -> Bool {
    guard payload.count >= 8, payload.u8(0) >> 4 == 3, payload.u8(1) == 0xFF, layer.outer.depth < Self.maximumDepth
    else {
      return false
    }
    var at = 8
    if payload.u8(0) & 7 != 0 {
      guard payload.count >= 12 else { return false }
      var next = payload.u8(0) & 4 != 0 ? payload.u8(11) : 0
      at = 12
      while next != 0 {
        guard at < payload.count, payload.u8(at) > 0 else { return false }
        let size = Int(payload.u8(at)) * 4
        guard at + size <= payload.count else { return false }
        next = payload.u8(at + size - 1)
        at += size
      }
    }
    let inner = payload.dropping(at)
    let identifier = payload.u32(4)
    _ = enter(.gtp, layer, port: 2152, identifier: identifier, innerLength: max(0, inner.wireCount))
    rawIP(inner, Outer(scope: scope(.gtp, identifier, inside: layer.outer), depth: layer.outer.depth + 1))
    return true
  }

  @inline(never) mutating func geneve(
    _ payload: PacketBytes, _ layer: NetworkLayer, port: UInt16, checksum: Int, sum: UInt16
  ) -> Bool {
    guard let header = GeneveHeader(payload), header.isPlausible, layer.outer.depth < Self.maximumDepth else {
      return false
    }
    let inner = payload.dropping(header.headerLength)
    let isEthernet = header.etherType == .transparentEthernet
    let tunnel = enter(
      .geneve, layer, port: port, identifier: header.identifier,
      innerLength: max(0, inner.wireCount - (isEthernet ? EthernetHeader.length : 0)))
    note(checksum, sum, on: tunnel)
    network(
      inner, header.etherType,
      Outer(scope: scope(.geneve, header.identifier, inside: layer.outer), depth: layer.outer.depth))
    return true
  }

  // MARK: outer checksums

  @inline(__always) mutating func note(_ state: Int, _ sum: UInt16, on tunnel: UnsafeMutablePointer<Tunnel>) {
    guard state >= 2 else { return }
    switch state {
    case 2: tunnel.pointee.checksumGood &+= 1
    case 3:
      // Linux computes the outer checksum before the card fills in the inner one (local checksum offload): whether it
      // is wrong shows after the inner packet.
      pendingOuterSum = sum
      pendingTunnel = tunnel
      notes.insert(.unsettled)
    default: tunnel.pointee.checksumOffloaded &+= 1
    }
  }

  /// An inner checksum holds the pseudo-header's sum only. Had it been filled in, the outer sum would change by the same.
  @inline(never) mutating func offloaded(_ found: UInt16, _ sum: UInt16) {
    counts.offloadedChecksums &+= 1
    guard let tunnel = pendingTunnel else { return }
    let right = ~Checksum.fold(UInt64(sum) &+ UInt64(~found))
    let outer = Checksum.fold(UInt64(pendingOuterSum) &+ UInt64(~found) &+ UInt64(right))
    if outer == 0xFFFF || outer == 0 {
      tunnel.pointee.checksumOffloaded &+= 1
      pendingTunnel = nil
    } else {
      unfinished()
    }
  }

  /// The packet inside has a wrong checksum as well: on a veth both stay unfinished, whatever address translation made of
  /// them meanwhile, and the receiver takes the frame. Nothing can be said of the outer one.
  @inline(never) mutating func unfinished() {
    guard let tunnel = pendingTunnel else { return }
    tunnel.pointee.checksumOffloaded &+= 1
    pendingTunnel = nil
  }

  @inline(never) mutating func settleOuterChecksum() {
    guard let tunnel = pendingTunnel else { return }
    tunnel.pointee.checksumBad &+= 1
    if !tunnel.pointee.firstBad.exists {
      tunnel.pointee.firstBad = frame
    } else if !tunnel.pointee.secondBad.exists {
      tunnel.pointee.secondBad = frame
    }
    pendingTunnel = nil
  }
}

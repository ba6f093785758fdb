import CaptureFile
import Wire

/// Nearly all frames are alike: Ethernet, IPv4 headers without options, no fragments, TCP or UDP, plain or in one VXLAN.
/// The lookahead knows them; they are walked here, straight from header to header, with the parts of which the walk of all
/// others is made.
extension CaptureAnalyzer {
  /// Bytes of a VXLAN frame before the Ethernet frame that it carries.
  private static var carrier: Int { EthernetHeader.length + 20 + UDPHeader.length + VXLANHeader.length }

  /// Reads the ends of the innermost packet of a frame that can be walked straight.
  @inline(__always) mutating func scout(_ frame: Frame, _ ends: UnsafeMutablePointer<PacketEnds>) {
    guard frame.linkType == .ethernet, let transport = Self.transport(frame.bytes) else { return }
    let bytes = frame.bytes
    guard transport == 17, vxlanPorts[bytes.u16(36)] else {
      ends.pointee.isCarried = false
      return read(bytes, transport, scope: 0, ends)
    }
    // The lengths of all headers must tell the same, so that nothing needs to be cut off; of the VXLAN header the flag of
    // the identifier must be set and nothing else.
    guard bytes.count >= Self.carrier + 42, Int(bytes.u16(16)) &+ 14 == bytes.wireCount,
      Int(bytes.u16(38)) &+ 34 == bytes.wireCount, bytes.u64(42) & 0xFFFF_FFFF_0000_00FF == 0x0800_0000_0000_0000
    else { return }
    let inner = bytes.dropping(Self.carrier)
    guard let transport = Self.transport(inner) else { return }
    ends.pointee.isCarried = true
    read(inner, transport, scope: scope(.vxlan, bytes.u32(46) >> 8, inside: Outer()), ends)
  }

  /// TCP or UDP directly behind an IPv4 header without options that is no fragment.
  @inline(__always) private static func transport(_ bytes: PacketBytes) -> UInt8? {
    guard bytes.count >= 42, bytes.u32(12) >> 8 == 0x08_0045, bytes.u16(20) & 0x3FFF == 0 else { return nil }
    let number = bytes.u8(23)
    return number == 6 || number == 17 ? number : nil
  }

  @inline(__always) private mutating func read(
    _ bytes: PacketBytes, _ transport: UInt8, scope: UInt32, _ ends: UnsafeMutablePointer<PacketEnds>
  ) {
    let addresses = bytes.u64(26)
    let ports = bytes.u32(34)
    let source = (addresses >> 32) << 16 | UInt64(ports >> 16)
    let destination = (addresses << 32) >> 16 | UInt64(ports & 0xFFFF)
    // The ends are put in order without a branch, which nobody could predict.
    let direction = source <= destination ? 0 : 1
    ends.pointee.addresses = addresses.rotated(by: 32 &* direction)
    ends.pointee.rest = UInt64(ports.rotated(by: 16 &* (1 &- direction))) | UInt64(scope) << 32
    ends.pointee.proto = transport
    ends.pointee.direction = direction
    ends.pointee.hash = ConversationKey.hash(
      ends.pointee.addresses, ends.pointee.rest, transport, seed: conversations.seed)
    ends.pointee.transport = bytes.base + 34
  }

  /// Walks a frame whose ends were read.
  @inline(never) mutating func straight(_ frame: PacketBytes, _ ends: UnsafeMutablePointer<PacketEnds>) {
    let isCarried = ends.pointee.isCarried
    counts.vxlan &+= isCarried ? 1 : 0
    if isCarried { carrier(frame.dropping(EthernetHeader.length)) }
    let bytes = frame.dropping(isCarried ? Self.carrier + EthernetHeader.length : EthernetHeader.length)
    let outer = Outer(scope: UInt32(truncatingIfNeeded: ends.pointee.rest >> 32), depth: isCarried ? 1 : 0)
    let header = IPv4Header(withoutOptions: bytes)
    guard let length = packetLength(header, bytes) else { return undecoded() }
    _ = verify(header)
    let payload = bytes.limited(to: length).dropping(IPv4Header.minimumLength)
    if header.proto.rawValue == 6 {
      guard let transport = TCPHeader(payload) else { return tcpCut(payload) }
      tcp(
        transport, payload, ends, ttl: header.timeToLive, identification: header.identification, packetLength: length,
        isPartial: false
      ) {
        NetworkLayer(header, length: length, outer)
      }
    } else if let inside = udp(payload, NetworkLayer(header, length: length, outer)) {
      nestedEthernet(inside.bytes, inside.outer)
    }
  }

  /// The outer headers of VXLAN.
  @inline(never) private mutating func carrier(_ bytes: PacketBytes) {
    let header = IPv4Header(withoutOptions: bytes)
    _ = verify(header)
    let datagram = bytes.dropping(IPv4Header.minimumLength)
    guard let transport = UDPHeader(datagram), let vxlan = VXLANHeader(datagram.dropping(UDPHeader.length)) else {
      return
    }
    counts.udp &+= 1
    let tunnel = tunnels.vxlan(addresses: header.addresses, port: transport.destinationPort, frame: frame)
    // The inner Ethernet header is as long as the outer one, which `bytes` lacks.
    tally(
      tunnel, identifier: vxlan.identifier, ttl: header.timeToLive, length: bytes.wireCount,
      innerLength: bytes.wireCount &- Self.carrier)
    if transport.checksum != 0 {
      let layer = NetworkLayer(header, length: bytes.wireCount, Outer())
      let (state, sum) = verify(transport, datagram, datagram.wireCount, layer)
      note(state, sum, on: tunnel)
    }
    entered(tunnel)
  }
}

extension FixedWidthInteger {
  @inline(__always) fileprivate func rotated(by count: Int) -> Self {
    self &<< Self(truncatingIfNeeded: count) | self &>> Self(truncatingIfNeeded: Self.bitWidth &- count)
  }
}

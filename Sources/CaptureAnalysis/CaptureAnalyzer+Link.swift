import CaptureFile
import Wire

/// What the layers above a packet say about it.
struct Outer {
  /// 0 outside of tunnels, else kind and VNI.
  var scope: UInt32 = 0
  /// IP headers and tunnels walked so far.
  var depth = 0
}

extension CaptureAnalyzer {
  /// Headers walked into one another at most; hostile packets nest without end.
  static var maximumDepth: Int { 8 }

  @inline(__always) mutating func link(_ bytes: PacketBytes, _ type: LinkType) {
    guard type == .ethernet, let header = EthernetHeader(bytes), header.etherType == .ipv4 else {
      return otherLink(bytes, type, Outer())
    }
    ipv4(bytes.dropping(EthernetHeader.length), Outer())
  }

  @inline(never) mutating func otherLink(_ bytes: PacketBytes, _ type: LinkType, _ outer: Outer) {
    switch type.rawValue {
    case 1: ethernet(bytes, outer)
    case 113:
      guard let header = LinuxCookedHeader(bytes) else { return undecoded() }
      network(bytes.dropping(LinuxCookedHeader.length), header.etherType, outer)
    case 276:
      guard let header = LinuxCookedHeader2(bytes) else { return undecoded() }
      interface = (interface & ~0xF_FFFF) | (header.interfaceIndex & 0xF_FFFF)
      network(bytes.dropping(LinuxCookedHeader2.length), header.etherType, outer)
    case 12, 14, 101, 228, 229: rawIP(bytes, outer)
    case 0, 108:
      guard bytes.count >= 4 else { return undecoded() }
      rawIP(bytes.dropping(4), outer)
    case 9, 50: pointToPoint(bytes, outer)
    case 239: nflog(bytes, outer)
    case 242:
      // IP over InfiniBand: a 40-byte global route header, then the type and two reserved bytes.
      guard bytes.count >= 44 else { return undecoded() }
      network(bytes.dropping(44), EtherType(rawValue: bytes.u16(40)), outer)
    case 106:
      // Classical IP over ATM: LLC and SNAP, or a bare IP packet.
      if bytes.count > 8, bytes.u8(0) == 0xAA { logicalLink(bytes, outer) } else { rawIP(bytes, outer) }
    case 105: wireless(bytes, outer)
    case 117: packetFilterLog(bytes, outer)
    case 127:
      // Radiotap: the length of its header in the third and fourth byte, least significant first.
      guard bytes.count >= 8 else { return undecoded() }
      let length = Int(bytes.u16(2).byteSwapped)
      guard length >= 8, length <= bytes.count else { return undecoded() }
      wireless(bytes.dropping(length), outer)
    case 258:
      // PKTAP of macOS: the length of its header, then what kind of record it is and the link type of what follows.
      guard bytes.count >= 12, outer.depth < Self.maximumDepth else { return undecoded() }
      let length = Int(bytes.u32(0).byteSwapped)
      guard length >= 12, length <= bytes.count else { return undecoded() }
      var inside = outer
      inside.depth += 1
      otherLink(
        bytes.dropping(length), LinkType(rawValue: UInt16(truncatingIfNeeded: bytes.u32(8).byteSwapped)), inside)
    case 192:
      guard bytes.count >= 8, outer.depth < Self.maximumDepth else { return undecoded() }
      let length = Int(bytes.u16(2).byteSwapped)
      guard length >= 8, length <= bytes.count else { return undecoded() }
      var inside = outer
      inside.depth += 1
      otherLink(
        bytes.dropping(length), LinkType(rawValue: UInt16(truncatingIfNeeded: bytes.u32(4).byteSwapped)), inside)
    default: undecoded()
    }
  }

  /// A data frame of IEEE 802.11 that is not encrypted: LLC behind the addresses.
  private mutating func wireless(_ bytes: PacketBytes, _ outer: Outer) {
    guard bytes.count >= 24, bytes.u8(0) & 0x0F == 0x08 else { return undecoded() }
    let (kind, flags) = (bytes.u8(0) >> 4, bytes.u8(1))
    // No payload (null functions), or encrypted.
    guard kind & 4 == 0, flags & 0x40 == 0 else { return undecoded() }
    let length = 24 + (flags & 3 == 3 ? 6 : 0) + (kind & 8 != 0 ? 2 : 0)
    guard bytes.count > length else { return undecoded() }
    logicalLink(bytes.dropping(length), outer)
  }

  /// The log of BSD's packet filter: its header's length first, rounded up to four bytes, then the address family.
  private mutating func packetFilterLog(_ bytes: PacketBytes, _ outer: Outer) {
    guard bytes.count >= 4 else { return undecoded() }
    let length = (Int(bytes.u8(0)) + 3) & ~3
    guard length >= 4, length <= bytes.count else { return undecoded() }
    rawIP(bytes.dropping(length), outer)
  }

  mutating func undecoded() { counts.undecoded &+= 1 }

  @inline(__always) mutating func ethernet(_ bytes: PacketBytes, _ outer: Outer) {
    guard let header = EthernetHeader(bytes) else { return undecoded() }
    let type = header.etherType
    let rest = bytes.dropping(EthernetHeader.length)
    if type == .ipv4 { return ipv4(rest, outer) }
    if type.rawValue >= 1536 {
      network(rest, type, outer)
    } else {
      logicalLink(rest.limited(to: Int(type.rawValue)), outer)
    }
  }

  @inline(never) mutating func network(_ bytes: PacketBytes, _ type: EtherType, _ outer: Outer) {
    var bytes = bytes
    var type = type
    var tags = 0
    while type.isVLAN, let tag = VLANTag(bytes), tags < 4 {
      if tags == 0, outer.depth == 0 { counts.vlan &+= 1 }
      bytes = bytes.dropping(VLANTag.length)
      type = tag.etherType
      tags += 1
    }
    switch type {
    case .ipv4: ipv4(bytes, outer)
    case .ipv6: ipv6(bytes, outer)
    case .arp: addressResolution(bytes, outer)
    case .mpls, .mplsMulticast: labelSwitched(bytes, outer)
    case .pppoeSession:
      guard bytes.count >= 6 else { return undecoded() }
      let length = Int(bytes.u16(4))
      pointToPoint(bytes.dropping(6).limited(to: length), outer)
    case .fabricPath:
      // Ethernet in Ethernet behind a two-byte tag.
      guard bytes.count > 2, outer.depth < Self.maximumDepth else { return undecoded() }
      var inside = deeper(outer)
      inside.scope ^= 0xFF00_0000
      nestedEthernet(bytes.dropping(2), inside)
    case .transparentEthernet:
      guard outer.depth < Self.maximumDepth else { return undecoded() }
      var inside = outer
      inside.depth += 1
      nestedEthernet(bytes, inside)
    default:
      // A length: 802.3 inside of a tag or of SLL.
      if type.rawValue < 1536, type.rawValue > 4 {
        logicalLink(bytes.limited(to: Int(type.rawValue)), outer)
      } else {
        undecoded()
      }
    }
  }

  @inline(never) mutating func nestedEthernet(_ bytes: PacketBytes, _ outer: Outer) { ethernet(bytes, outer) }

  /// LLC with SNAP (RFC 1042); other protocols are not walked.
  mutating func logicalLink(_ bytes: PacketBytes, _ outer: Outer) {
    guard bytes.count >= 8, bytes.u16(0) == 0xAAAA, bytes.u8(2) == 3 else { return undecoded() }
    let type = EtherType(rawValue: bytes.u16(6))
    guard type.rawValue >= 1536 else { return undecoded() }
    network(bytes.dropping(8), type, outer)
  }

  mutating func rawIP(_ bytes: PacketBytes, _ outer: Outer) {
    guard bytes.count >= 1 else { return undecoded() }
    switch bytes.u8(0) >> 4 {
    case 4: ipv4(bytes, outer)
    case 6: ipv6(bytes, outer)
    default: undecoded()
    }
  }

  mutating func pointToPoint(_ bytes: PacketBytes, _ outer: Outer) {
    var bytes = bytes
    // Address and control, which may be compressed away (RFC 1662).
    if bytes.count >= 2, bytes.u8(0) == 0xFF, bytes.u8(1) == 3 { bytes = bytes.dropping(2) }
    guard bytes.count >= 2 else { return undecoded() }
    let short = bytes.u8(0) & 1 != 0
    switch short ? UInt16(bytes.u8(0)) : bytes.u16(0) {
    case 0x21: ipv4(bytes.dropping(short ? 1 : 2), outer)
    case 0x57: ipv6(bytes.dropping(short ? 1 : 2), outer)
    case 0x0281: labelSwitched(bytes.dropping(2), outer)
    default: undecoded()
    }
  }

  /// Netfilter log: a family byte, version, resource id, then TLVs in the host's order; type 9 is the packet.
  mutating func nflog(_ bytes: PacketBytes, _ outer: Outer) {
    var at = 4
    while at + 4 <= bytes.count {
      let length = Int(bytes.u16(at).byteSwapped)
      let type = bytes.u16(at + 2).byteSwapped & 0x7FFF
      guard length >= 4, at + length <= bytes.count else { return undecoded() }
      if type == 9 {
        let payload = PacketBytes(base: bytes.base + at + 4, count: length - 4, wireCount: length - 4)
        return rawIP(payload, outer)
      }
      at += (length + 3) & ~3
    }
    undecoded()
  }

  mutating func labelSwitched(_ bytes: PacketBytes, _ outer: Outer) {
    var bytes = bytes
    for _ in 0..<16 {
      guard bytes.count >= 5 else { return undecoded() }
      let bottom = bytes.u8(2) & 1 != 0
      bytes = bytes.dropping(4)
      if bottom {
        switch bytes.u8(0) >> 4 {
        case 4: return ipv4(bytes, outer)
        case 6: return ipv6(bytes, outer)
        case 0 where bytes.count > 18 && outer.depth < Self.maximumDepth:
          // A pseudowire control word, then Ethernet.
          var inside = outer
          inside.depth += 1
          return nestedEthernet(bytes.dropping(4), inside)
        default: return undecoded()
        }
      }
    }
    undecoded()
  }

  mutating func addressResolution(_ bytes: PacketBytes, _ outer: Outer) {
    counts.arp &+= 1
    guard let header = ARPHeader(bytes), header.operation <= 2 else { return }
    let (sender, target) = (IPAddress(v4: header.senderAddress), IPAddress(v4: header.targetAddress))
    claims.add(sender, header.senderHardware, scope: outer.scope, frame: frame, time: now)
    if header.operation == 1 {
      questions.add(target, from: sender, scope: outer.scope, frame: frame, time: now)
    } else {
      questions.answered(target)
    }
  }
}

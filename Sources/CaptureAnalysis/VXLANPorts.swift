import Wire

/// UDP ports that carry VXLAN: 4789 and 8472, those that were told, and those that a capture shows: a few datagrams to one
/// port whose bytes are a VXLAN header, an Ethernet header and an IP packet of just the length that is left.
struct VXLANPorts: ~Copyable {
  /// A bit for each port: few lines of a cache that others need.
  private let known: UnsafeMutablePointer<UInt64>
  private var seen: [UInt16: Int] = [:]
  private(set) var learned: [UInt16] = []

  /// Chance makes no three of them.
  private static let enough = 3
  private static let maximum = 64

  init(_ told: [UInt16]) {
    known = .allocate(capacity: 1024)
    known.initialize(repeating: 0, count: 1024)
    for port in [VXLANHeader.standardPort, VXLANHeader.linuxPort] + told { add(port) }
  }

  deinit { known.deallocate() }

  @inline(__always) subscript(_ port: UInt16) -> Bool { known[Int(port >> 6)] >> UInt64(port & 63) & 1 != 0 }

  private func add(_ port: UInt16) { known[Int(port >> 6)] |= 1 << UInt64(port & 63) }

  /// The first four bytes of a VXLAN header with a valid VNI and nothing reserved set.
  @inline(__always) static func mayBe(_ payload: PacketBytes) -> Bool {
    payload.count >= VXLANHeader.length + EthernetHeader.length + 20 && payload.u32(0) == 0x0800_0000
  }

  /// Looks closer at a datagram that `mayBe` one. What taught the port is not walked itself.
  @inline(never) mutating func look(_ payload: PacketBytes, port: UInt16) {
    guard payload.u8(7) == 0 else { return }
    let packet = payload.dropping(VXLANHeader.length + EthernetHeader.length)
    switch payload.u16(VXLANHeader.length + 12) {
    case 0x0800: guard packet.u8(0) == 0x45, Int(packet.u16(2)) == packet.wireCount else { return }
    case 0x86DD: guard packet.u8(0) >> 4 == 6, Int(packet.u16(4)) + 40 == packet.wireCount else { return }
    default: return
    }
    guard seen[port] != nil || seen.count < 1024 else { return }
    seen[port, default: 0] += 1
    guard seen[port] == Self.enough, learned.count < Self.maximum else { return }
    add(port)
    learned.append(port)
  }
}

import Glibc
import Input
import Snapshot
import Wire

/// Names of interfaces by index, as other lists refer to them.
struct InterfaceNames {
  var names: [Int: String] = [:]
  subscript(index: Int) -> String { names[index] ?? "if\(index)" }
}

/// Interfaces over rtnetlink: what `ip -d link` prints.
enum LinkSource {
  static func read(_ socket: NetlinkSocket) throws -> (links: [Link], names: InterfaceNames) {
    var raw: [(link: Link, lower: Int?, master: Int?, foreign: Bool, device: Int?)] = []
    // struct ifinfomsg
    try socket.dump(
      "list of interfaces", type: 18, payload: [UInt8](repeating: 0, count: 16)
    ) { type, message in
      if type == NetlinkSocket.restarted {
        raw = []
        return
      }
      guard message.count >= 16 else { return }
      let attributes = Attributes(message, after: 16)
      let index = Int(message.loadUnaligned(fromByteOffset: 4, as: Int32.self))
      let flags = message.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
      var link = Link(index: index, name: attributes[3]?.string ?? "if\(index)")
      link.hardwareType = Int(message.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
      link.up = flags & 1 != 0
      // IFF_LOWER_UP
      link.lacksCarrier = link.up && flags & 0x10000 == 0
      link.loopback = flags & 8 != 0
      link.promiscuous = flags & 0x100 != 0 || (attributes[30]?.u32 ?? 0) > 0
      link.mtu = attributes[4].map { Int($0.u32) }
      link.mac = attributes[1].flatMap { hardwareAddress($0.bytes, type: link.hardwareType) }
      link.group = Int(attributes[27]?.u32 ?? 0)
      var device: Int?
      if let info = attributes[18] {
        link.kind = info[1]?.string
        if let data = info[2] {
          switch link.kind {
          case "vxlan": (link.vxlan, device) = vxlan(data)
          case "ipip", "sit", "gre": link.tunnelEnds = plainTunnel(data, link.kind == "gre" ? (6, 7) : (2, 3))
          case "geneve": link.tunnelEnds = geneve(data)
          default: break
          }
        }
        if info[4]?.string == "bridge", let data = info[5] {
          link.forwards = data[1].map { $0.u8 == 3 }
          link.hairpin = data[4].map { $0.u8 != 0 }
          link.isolated = data[33].map { $0.u8 != 0 }
        }
      }
      raw.append(
        (
          link, attributes[5].map { Int($0.u32) }, attributes[10].map { Int($0.u32) }, attributes[37] != nil, device
        ))
    }
    var names = InterfaceNames()
    for entry in raw { names.names[entry.link.index] = entry.link.name }
    let links = raw.map { entry -> Link in
      var link = entry.link
      link.master = entry.master.map { names[$0] }
      if let lower = entry.lower, lower != 0 {
        // A peer in another namespace has a number only.
        if entry.foreign || names.names[lower] == nil { link.peerIndex = lower } else { link.parent = names[lower] }
      }
      if let device = entry.device, device != 0 {
        link.vxlan?.device = names[device]
        link.parent = names[device]
      }
      return link
    }
    return (links, names)
  }

  /// `02:00:00:00:00:01`; tunnels have an address of IP here.
  static func hardwareAddress(_ bytes: UnsafeRawBufferPointer, type: Int?) -> String? {
    if bytes.isEmpty { return nil }
    if type == 768 || type == 776 || type == 778, bytes.count == 4 { return nil }
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }

  private static func vxlan(_ data: Attributes) -> (Link.VXLAN, Int?) {
    var result = Link.VXLAN(id: Int(data[1]?.u32 ?? 0))
    result.remote = (data[2] ?? data[16]).flatMap { address($0.bytes) }
    result.local = (data[4] ?? data[17]).flatMap { address($0.bytes) }
    result.learning = data[7].map { $0.u8 != 0 } ?? true
    result.port = data[15].map { Int($0.be16) }
    result.isExternal = data[25].map { $0.bytes.isEmpty || $0.u8 != 0 } ?? false
    return (result, data[3].map { Int($0.u32) })
  }

  /// IFLA_IPTUN_LOCAL and IFLA_IPTUN_REMOTE, or those of GRE.
  private static func plainTunnel(_ data: Attributes, _ keys: (local: Int, remote: Int)) -> Link.TunnelEnds {
    var ends = Link.TunnelEnds()
    ends.local = data[keys.local].flatMap { address($0.bytes) }.flatMap { $0.isUnspecified ? nil : $0 }
    ends.remote = data[keys.remote].flatMap { address($0.bytes) }.flatMap { $0.isUnspecified ? nil : $0 }
    return ends
  }

  /// IFLA_GENEVE_*
  private static func geneve(_ data: Attributes) -> Link.TunnelEnds {
    var ends = Link.TunnelEnds()
    ends.identifier = data[1].map { Int($0.u32) }
    ends.remote = (data[2] ?? data[7]).flatMap { address($0.bytes) }
    ends.port = data[5].map { Int($0.be16) }
    ends.isExternal = data[6] != nil
    return ends
  }

  /// An address in network order, of either version.
  static func address(_ bytes: UnsafeRawBufferPointer) -> IPAddress? {
    switch bytes.count {
    case 4: IPAddress(v4: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
    case 16: IPAddress(v6: Bits128(leftAligned: bytes))
    default: nil
    }
  }
}

/// Addresses of interfaces: `ip addr`.
enum AddressSource {
  static func read(_ socket: NetlinkSocket, _ links: [Link], _ names: InterfaceNames) throws -> [InterfaceAddress] {
    var raw: [(index: Int, address: InterfaceAddress)] = []
    // struct ifaddrmsg
    try socket.dump(
      "list of addresses", type: 22, payload: [UInt8](repeating: 0, count: 8)
    ) { type, message in
      if type == NetlinkSocket.restarted {
        raw = []
        return
      }
      guard message.count >= 8, message[0] == AF_INET || message[0] == AF_INET6 else { return }
      let attributes = Attributes(message, after: 8)
      let index = Int(message.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
      let flags = attributes[8]?.u32 ?? UInt32(message[2])
      let far = attributes[1].flatMap { LinkSource.address($0.bytes) }
      guard let local = attributes[2].flatMap({ LinkSource.address($0.bytes) }) ?? far else { return }
      var entry = InterfaceAddress(
        interface: names[index], address: local, prefixLength: Int(message[1]), scope: scope(message[3]))
      if let far, far != local { entry.peer = far }
      entry.broadcast = attributes[4].flatMap { LinkSource.address($0.bytes) }
      // IFA_F_SECONDARY is IFA_F_TEMPORARY of IPv6.
      entry.secondary = flags & 0x01 != 0
      entry.deprecated = flags & 0x20 != 0
      entry.tentative = flags & 0x40 != 0
      raw.append((index, entry))
    }
    // Interface by interface, as `ip addr` prints them.
    return links.flatMap { link in raw.filter { $0.index == link.index }.map(\.address) }
  }

  static func scope(_ value: UInt8) -> String {
    switch value {
    case 0: "global"
    case 200: "site"
    case 253: "link"
    case 254: "host"
    case 255: "nowhere"
    default: "\(value)"
    }
  }
}

/// The neighbour tables and the forwarding tables of bridges and VXLAN devices.
enum NeighbourSource {
  static func read(_ socket: NetlinkSocket, _ names: InterfaceNames) throws -> [Neighbour] {
    var list: [Neighbour] = []
    // struct ndmsg; `ip neigh` lists IPv4, then IPv6.
    for family in [UInt8(AF_INET), UInt8(AF_INET6)] {
      var part: [Neighbour] = []
      var payload = [UInt8](repeating: 0, count: 12)
      payload[0] = family
      try socket.dump("list of neighbours", type: 30, payload: payload) { type, message in
        if type == NetlinkSocket.restarted {
          part = []
          return
        }
        guard message.count >= 12, message[0] == family else { return }
        let state = message.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
        // `ip neigh` leaves out NOARP entries.
        if state & 0x40 != 0 || state == 0 { return }
        let attributes = Attributes(message, after: 12)
        let index = Int(message.loadUnaligned(fromByteOffset: 4, as: Int32.self))
        guard let address = attributes[1].flatMap({ LinkSource.address($0.bytes) }) else { return }
        part.append(
          Neighbour(
            address: address, interface: names[index],
            mac: attributes[2].flatMap { LinkSource.hardwareAddress($0.bytes, type: nil) }, state: spell(state)))
      }
      list += part
    }
    return list
  }

  static func spell(_ state: UInt16) -> String {
    let names: [(UInt16, String)] = [
      (1, "INCOMPLETE"), (2, "REACHABLE"), (4, "STALE"), (8, "DELAY"), (16, "PROBE"), (32, "FAILED"), (64, "NOARP"),
      (128, "PERMANENT"),
    ]
    return names.filter { state & $0.0 != 0 }.map(\.1).joined(separator: ",")
  }

  static func readForwarding(_ socket: NetlinkSocket, _ names: InterfaceNames) throws -> [ForwardingEntry] {
    var list: [ForwardingEntry] = []
    var payload = [UInt8](repeating: 0, count: 12)
    payload[0] = UInt8(AF_BRIDGE)
    try socket.dump("list of forwarding entries", type: 30, payload: payload) { type, message in
      if type == NetlinkSocket.restarted {
        list = []
        return
      }
      guard message.count >= 12, message[0] == AF_BRIDGE else { return }
      let attributes = Attributes(message, after: 12)
      let index = Int(message.loadUnaligned(fromByteOffset: 4, as: Int32.self))
      guard let mac = attributes[2].flatMap({ LinkSource.hardwareAddress($0.bytes, type: nil) }) else { return }
      list.append(
        ForwardingEntry(
          mac: mac, interface: names[index], destination: attributes[1].flatMap { LinkSource.address($0.bytes) },
          master: attributes[9].map { names[Int($0.u32)] }))
    }
    return list
  }
}

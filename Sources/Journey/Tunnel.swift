import PacketPath
import Snapshot
import Wire

/// What a tunnel puts around a packet, and where it sends it: worked out from the sender's own dumps.
struct Tunnel {
  var kind: Crossing.Kind
  var device: String
  var overhead: Int
  /// The packet around the packet, as the sender's kernel sends it; nil: no dump tells where to.
  var outer: Flow?
  /// Of VXLAN: the link address that the packet inside is for.
  var innerMAC: String?
  var id: Int?

  /// What the kernel listens on where `ip -d link` does not tell.
  private static let usualPort: UInt16 = 8472

  /// `nextHop`: the far end's inner address, or that of the node itself.
  static func at(_ link: Link, nextHop: IPAddress, in namespace: Namespace) throws(Fault) -> Tunnel? {
    switch link.kind {
    case "vxlan": return try vxlan(link, nextHop, namespace)
    case "ipip", "sit", "gre": return plain(link, nextHop, namespace)
    case "wireguard":
      return Tunnel(kind: .wireguard, device: link.name, overhead: nextHop.version == .v4 ? 60 : 80, outer: nil)
    case "geneve":
      return Tunnel(kind: .geneve, device: link.name, overhead: nextHop.version == .v4 ? 50 : 70, outer: nil)
    default: return nil
    }
  }

  struct Fault: Error {
    var fault: TunnelFault
    init(_ fault: TunnelFault) { self.fault = fault }
  }

  private static func vxlan(
    _ link: Link, _ nextHop: IPAddress, _ namespace: Namespace
  ) throws(Fault) -> Tunnel {
    var tunnel = Tunnel(kind: .vxlan, device: link.name, overhead: 50, outer: nil)
    tunnel.id = link.vxlan?.id
    let local =
      link.vxlan?.local
      ?? link.vxlan?.device.flatMap { device in
        namespace.addresses(on: device).first { $0.address.version == nextHop.version }?.address
      }
    if local?.version == .v6 { tunnel.overhead = 70 }
    guard let neighbours = namespace.snapshot.neighbours, let entries = namespace.snapshot.forwardingEntries else {
      return tunnel
    }
    let own = entries.filter { $0.interface == link.name && $0.destination != nil }
    // Entries for all that is not known otherwise: then the far end is asked.
    let flood = own.first { $0.mac == "00:00:00:00:00:00" }?.destination ?? link.vxlan?.remote
    let neighbour = neighbours.first { $0.address == nextHop && $0.interface == link.name }
    var remote: IPAddress?
    if let mac = neighbour?.mac, neighbour?.state.contains("FAILED") != true {
      tunnel.innerMAC = mac.lowercased()
      remote = own.first { $0.mac.lowercased() == mac.lowercased() }?.destination ?? flood
      if remote == nil { throw Fault(.noForwardingEntry(mac: mac, device: link.name)) }
    } else {
      remote = flood
      if remote == nil { throw Fault(.noNeighbour(nextHop, device: link.name)) }
    }
    guard let remote, let local else { return tunnel }
    tunnel.outer = Flow(
      ipProtocol: .udp, source: local, sourcePort: 49152, destination: remote,
      destinationPort: link.vxlan?.port.flatMap { UInt16(exactly: $0) } ?? usualPort, from: Flow.local)
    return tunnel
  }

  /// The route's gateway is the far node (Calico's IPIP), or the device has one far end.
  private static func plain(_ link: Link, _ nextHop: IPAddress, _ namespace: Namespace) -> Tunnel {
    let isGRE = link.kind == "gre"
    var tunnel = Tunnel(
      kind: isGRE ? .gre : .ipip, device: link.name, overhead: isGRE ? 24 : 20, outer: nil)
    let local =
      link.vxlan?.local
      ?? namespace.defaultDevice(nextHop.version).flatMap { device in
        namespace.addresses(on: device).first { $0.address.version == nextHop.version }?.address
      }
    guard let local else { return tunnel }
    tunnel.outer = Flow(
      ipProtocol: IPProtocol(rawValue: isGRE ? 47 : link.kind == "sit" ? 41 : 4), source: local,
      destination: link.vxlan?.remote ?? nextHop, from: Flow.local)
    return tunnel
  }
}

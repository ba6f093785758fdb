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
    guard let device = TunnelDevice(link, namespace.snapshot) else { return nil }
    switch device.kind {
    case .vxlan: return try vxlan(device, nextHop, namespace)
    case .ipip, .sit, .gre: return plain(device, nextHop, namespace)
    case .wireguard: return Tunnel(kind: .wireguard, device: device.name, overhead: device.overhead, outer: nil)
    case .geneve: return Tunnel(kind: .geneve, device: device.name, overhead: device.overhead, outer: nil)
    }
  }

  struct Fault: Error {
    var fault: TunnelFault
    init(_ fault: TunnelFault) { self.fault = fault }
  }

  private static func vxlan(
    _ device: TunnelDevice, _ nextHop: IPAddress, _ namespace: Namespace
  ) throws(Fault) -> Tunnel {
    let local =
      device.local
      ?? device.lower.flatMap { lower in
        namespace.addresses(on: lower).first { $0.address.version == nextHop.version }?.address
      }
    var tunnel = Tunnel(
      kind: .vxlan, device: device.name, overhead: device.kind.overhead(local?.version ?? .v4), outer: nil)
    tunnel.id = device.identifier
    guard let neighbours = namespace.snapshot.neighbours, let entries = namespace.snapshot.forwardingEntries else {
      return tunnel
    }
    let own = entries.filter { $0.interface == device.name && $0.destination != nil }
    // Entries for all that is not known otherwise: then the far end is asked.
    let flood = own.first { $0.mac == "00:00:00:00:00:00" }?.destination ?? device.remote
    let neighbour = neighbours.first { $0.address == nextHop && $0.interface == device.name }
    var remote: IPAddress?
    if let mac = neighbour?.mac, neighbour?.state.contains("FAILED") != true {
      tunnel.innerMAC = mac.lowercased()
      remote = own.first { $0.mac.lowercased() == mac.lowercased() }?.destination ?? flood
      if remote == nil { throw Fault(.noForwardingEntry(mac: mac, device: device.name)) }
    } else {
      remote = flood
      if remote == nil { throw Fault(.noNeighbour(nextHop, device: device.name)) }
    }
    guard let remote, let local else { return tunnel }
    tunnel.outer = Flow(
      ipProtocol: .udp, source: local, sourcePort: 49152, destination: remote,
      destinationPort: device.port ?? usualPort, from: Flow.local)
    return tunnel
  }

  /// The route's gateway is the far node (Calico's IPIP), or the device has one far end.
  private static func plain(_ device: TunnelDevice, _ nextHop: IPAddress, _ namespace: Namespace) -> Tunnel {
    let local =
      device.local
      ?? namespace.defaultDevice(nextHop.version).flatMap { device in
        namespace.addresses(on: device).first { $0.address.version == nextHop.version }?.address
      }
    var tunnel = Tunnel(
      kind: device.kind == .gre ? .gre : .ipip, device: device.name,
      overhead: device.kind.overhead(local?.version ?? .v4), outer: nil)
    guard let local else { return tunnel }
    tunnel.outer = Flow(
      ipProtocol: device.kind.ipProtocol, source: local, destination: device.remote ?? nextHop, from: Flow.local)
    return tunnel
  }
}

import Wire

/// A device of a node that sends packets to other hosts inside its own: what an overlay network is made of.
public struct TunnelDevice: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable {
    case vxlan, geneve, ipip, sit, gre, wireguard

    /// Of the outer packet.
    public var ipProtocol: IPProtocol {
      switch self {
      case .vxlan, .geneve, .wireguard: .udp
      case .ipip: IPProtocol(rawValue: 4)
      case .sit: IPProtocol(rawValue: 41)
      case .gre: IPProtocol(rawValue: 47)
      }
    }

    /// As people know it.
    public var name: String {
      switch self {
      case .vxlan: "VXLAN"
      case .geneve: "Geneve"
      case .ipip: "IPIP"
      case .sit: "SIT"
      case .gre: "GRE"
      case .wireguard: "WireGuard"
      }
    }

    /// Bytes from the outer IP header to the inner packet, outer header and, with VXLAN and Geneve, inner Ethernet
    /// header included. WireGuard pads its packets, which a full one does not need.
    public func overhead(_ version: IPVersion) -> Int {
      let header = version == .v4 ? 20 : 40
      return switch self {
      case .vxlan, .geneve: header + 8 + 8 + 14
      case .ipip, .sit: header
      case .gre: header + 4
      case .wireguard: header + 8 + 32
      }
    }
  }

  public var name: String
  public var kind: Kind
  public var mtu: Int?
  public var isUp: Bool
  /// UDP port to which outer packets go, and on which they are taken; nil: none, or no dump tells.
  public var port: UInt16?
  /// VNI.
  public var identifier: Int?
  public var local: IPAddress?
  /// Where all of its packets go.
  public var remote: IPAddress?
  /// Name of the device that carries the outer packets; nil: the route to the far end decides.
  public var lower: String?
  /// A program gives each packet its far end (Cilium's, Open vSwitch's): neither addresses nor MTU of the device count.
  public var isExternal: Bool
  /// It learns far ends from what comes in.
  public var learns: Bool

  /// Of the outer packets: that of its addresses.
  public var version: IPVersion { (local ?? remote)?.version ?? .v4 }
  public var overhead: Int { kind.overhead(version) }

  public init?(_ link: Link, _ snapshot: Snapshot) {
    guard let kind = link.kind.flatMap(Kind.init(rawValue:)) else { return nil }
    self.kind = kind
    name = link.name
    mtu = link.mtu
    isUp = link.up
    let ends = link.tunnelEnds
    identifier = link.vxlan?.id ?? ends?.identifier
    local = link.vxlan?.local ?? ends?.local
    remote = link.vxlan?.remote ?? ends?.remote
    lower = link.vxlan?.device ?? link.parent
    isExternal = (link.vxlan?.isExternal ?? ends?.isExternal ?? false)
    learns = link.vxlan?.learning ?? false
    let own = snapshot.wireGuards?.first { $0.name == link.name }
    port = (link.vxlan?.port ?? ends?.port).flatMap { UInt16(exactly: $0) } ?? own?.port
  }

  /// Those of a node that carry something: a module's fallback devices (tunl0, sit0) have no address and no route until
  /// somebody makes use of them.
  public static func all(_ snapshot: Snapshot) -> [TunnelDevice] {
    (snapshot.links ?? []).compactMap { link in
      guard let device = TunnelDevice(link, snapshot) else { return nil }
      let isUsed =
        device.kind == .vxlan || device.kind == .geneve
        || (snapshot.addresses ?? []).contains { $0.interface == link.name && $0.scope != "link" }
        || (snapshot.routes ?? []).contains { route in route.nextHops.contains { $0.interface == link.name } }
      return isUsed ? device : nil
    }
  }

  /// The far ends that the node's own tables name: forwarding entries, peers, gateways of routes.
  public func peers(_ snapshot: Snapshot) -> [IPAddress] {
    var found: [IPAddress] = []
    switch kind {
    case .vxlan, .geneve:
      found = (snapshot.forwardingEntries ?? []).filter { $0.interface == name }.compactMap(\.destination)
    case .wireguard:
      found = snapshot.wireGuards?.first { $0.name == name }?.peers.compactMap(\.endpoint) ?? []
    case .ipip, .sit, .gre:
      found = (snapshot.routes ?? []).flatMap { route in
        route.nextHops.filter { $0.interface == name }.compactMap(\.gateway)
      }
    }
    if let remote { found.append(remote) }
    var seen: Set<IPAddress> = []
    return found.filter { !$0.isMulticast && !$0.isUnspecified && seen.insert($0).inserted }
  }
}

/// What `wg show` tells of a WireGuard device.
public struct WireGuard: Sendable, Hashable {
  public struct Peer: Sendable, Hashable {
    public var key: String
    public var endpoint: IPAddress?
    public var allowed: [IPPrefix] = []
    /// A handshake has ever succeeded.
    public var hasHandshake = false
    public init(key: String) { self.key = key }
  }

  public var name: String
  public var port: UInt16?
  public var peers: [Peer] = []
  /// Where it stands.
  public var file: UInt32 = 0
  public var line = 0
  public init(name: String) { self.name = name }
}

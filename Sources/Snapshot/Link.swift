import Wire

/// A network interface, from `ip -d link`, `ip addr` or rtnetlink.
public struct Link: Sendable, Hashable {
  public var index: Int
  public var name: String
  public var up = true
  /// It is up and its other end is not, or its cable is out: what is sent there is lost.
  public var lacksCarrier = false
  public var loopback = false
  public var mtu: Int?
  /// Six bytes as text, `02:00:00:00:00:01`.
  public var mac: String?
  /// Name of the bridge, bond or VRF that it is enslaved to.
  public var master: String?
  /// `veth`, `bridge`, `vxlan`, `dummy`, `ipip`, `wireguard`, `vlan` … as `ip -d link` prints the kind.
  public var kind: String?
  /// The lower device (`eth0.5@eth0`, vxlan `dev`), or the peer of a veth in this namespace.
  public var parent: String?
  /// Index of a peer in another namespace (`if7`), and its `link-netnsid`.
  public var peerIndex: Int?
  public var group = 0
  /// Of a VXLAN device.
  public var vxlan: VXLAN?
  /// Of another device that encapsulates.
  public var tunnelEnds: TunnelEnds?
  /// Of a bridge port: what came in by it may leave by it.
  public var hairpin: Bool?
  /// Of a bridge port: nothing passes between two isolated ports.
  public var isolated: Bool?
  /// Of a bridge port: its spanning tree state lets frames through.
  public var forwards: Bool?
  public var promiscuous = false
  /// ARPHRD_*: 1 Ethernet, 772 loopback, 768 ipip, 776 sit, 65534 none.
  public var hardwareType: Int?
  @NotCompared public var place = FilePlace()

  public struct VXLAN: Sendable, Hashable {
    public var id: Int
    public var port: Int?
    public var local: IPAddress?
    public var remote: IPAddress?
    /// Name of the device that carries the outer packets.
    public var device: String?
    public var learning = true
    /// A program tells the far end of each packet.
    public var isExternal = false
    public init(id: Int) { self.id = id }
  }

  public struct TunnelEnds: Sendable, Hashable {
    public var local: IPAddress?
    public var remote: IPAddress?
    /// Of Geneve.
    public var port: Int?
    public var identifier: Int?
    public var isExternal = false
    public init() {}
  }

  public init(index: Int, name: String) {
    self.index = index
    self.name = name
  }
}

/// An address of an interface.
public struct InterfaceAddress: Sendable, Hashable {
  public var interface: String
  public var address: IPAddress
  public var prefixLength: Int
  public var peer: IPAddress?
  public var broadcast: IPAddress?
  /// `global`, `link`, `host`, `site` or a number.
  public var scope: String
  public var secondary = false
  public var deprecated = false
  public var tentative = false

  public init(interface: String, address: IPAddress, prefixLength: Int, scope: String = "global") {
    self.interface = interface
    self.address = address
    self.prefixLength = prefixLength
    self.scope = scope
  }
}

extension Link {
  public var isBridge: Bool { kind == "bridge" }

  /// Whether packets leave it inside others, for another host.
  public var isTunnel: Bool { kind.map { Self.tunnels.contains($0) } ?? false }

  private static let tunnels: Set<String> = [
    "vxlan", "geneve", "ipip", "sit", "gre", "gretap", "ip6tnl", "ip6gre", "wireguard",
  ]
}

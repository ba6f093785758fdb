import PacketPath
import Wire

/// How a packet gets from one namespace to the next.
public struct Crossing: Sendable {
  public enum Kind: String, Sendable {
    case veth, bridge, wire, vxlan, geneve, ipip, wireguard, gre
  }

  public struct Side: Sendable, Hashable {
    public var place: Place
    public var interface: String
  }

  public var kind: Kind
  public var from: Side
  /// Nil: it does not arrive anywhere that the bundle knows.
  public var to: Side?
  /// Of a tunnel: the packet around the packet.
  public var outer: Flow?
  public var overhead = 0
  /// The largest packet that gets across, as far as is known.
  public var mtu: Int?
  /// What else is there: a router in between.
  public var router: IPAddress?
}

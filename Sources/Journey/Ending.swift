import PacketPath
import Snapshot
import Wire

/// Where a journey ends, and how.
public struct Ending: Sendable {
  public indirect enum Cause: Sendable, Hashable {
    /// The answer is back at the client, or on its way there where the bundle ends.
    case answered
    /// A rule, or the kernel's own decision: the last leg's outcome tells.
    case stopped
    /// A rule rejects it, or nothing listens, and the client does not hear of it.
    case speechless(Silence)
    /// Nothing accepts at the address and port.
    case notListening(SocketTable.Listener)
    /// Whether something listens, no dump tells.
    case listenerUnknown
    /// It leaves what the bundle covers.
    case left(Departure)
    /// The next hop is not there: nobody answers ARP or neighbour solicitations for it.
    case nobodyAt(IPAddress)
    /// Its own rules keep from the sender who has the next hop's address: neighbour advertisements (ICMPv6) end there.
    case neighbourStopped(IPAddress, rule: RuleText)
    /// The interface is down, or its cable is out.
    case linkDown(String)
    case tunnel(TunnelFault)
    /// A router outside gets a packet for a Pod, whose addresses it does not know.
    case routerUnaware(IPAddress)
    /// A Pod gets a packet that seems to come from itself.
    case ownSource
    /// It arrives, as nothing that waits for it: the client dialled another address.
    case unexpected(source: IPAddress, port: UInt16)
    /// It comes to another host than the client.
    case astray
    /// A packet of that many bytes does not get through, and the sender is not told.
    case tooBig(bytes: Int, limit: Int)
    /// It goes round in a circle.
    case circle
    case unknown(Unknown)
  }

  /// Where a refusal ends on its way to the client.
  public struct Silence: Sendable, Hashable {
    /// Nil: whoever refuses knows no way to the client.
    public var cause: Cause?
    public var namespace: Int?
  }

  /// Beyond the bundle.
  public enum Departure: Sendable, Hashable {
    /// To a host of which nothing is known.
    case outside(IPAddress)
    /// To a node whose dumps are not in the bundle.
    case node(String)
    /// To a tunnel's other end, which no dump has.
    case tunnelEnd(IPAddress)
  }

  /// What would have to be known.
  public enum Unknown: Sendable, Hashable {
    /// By which node or interface it enters.
    case entrance
    /// Behind which interface the Pod is.
    case podLink(String)
    /// Whether a Pod still knows the link address of one that it cannot ask for it: rules stop the answer.
    case linkAddress(IPAddress)
    /// Whether the tunnel's own packets get through.
    case tunnel
  }

  public var cause: Cause
  public var phase: Phase
  /// Where it was last; nil: nowhere in the bundle.
  public var namespace: Int?
  /// Where the request arrived; nil: it did not.
  public var arrival: Arrival?
  /// The largest packet that gets through each way; nil: not known, or it did not go that way.
  public var requestMTU: Int?
  public var replyMTU: Int?
  /// An entry of a conntrack table that the request followed.
  public var followed: (namespace: Int, entry: ConnectionEntry)?
}

/// Where a request arrived.
public struct Arrival: Sendable, Hashable {
  public var address: IPAddress
  public var port: UInt16
  /// Nil: beyond the bundle.
  public var place: Place?
  /// Whom the endpoint sees.
  public var seenSource: IPAddress
  public var seenPort: UInt16
  /// The process that listens; nil: not known.
  public var process: String?
  /// Where the socket is, if the Pod's or node's own rules led on to another.
  var socket: IPAddress
  var socketPort: UInt16
  var namespace: Int?
  /// A Pod without a namespace in the bundle: its node.
  var behind: Int?
}

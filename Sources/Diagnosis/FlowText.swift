import Input
import Intent
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// Flows as people write them: from `pod/shop/web-0`, `local`, `outside` or `10.244.1.7:40000`, to `svc/shop/cart:http`,
/// `10.96.0.10:80` or `[fd00::1]:53/udp`.
public struct FlowText: Sendable {
  /// What is wrong with the text, as a sentence.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
  }

  /// The interface of a flow where nothing tells it.
  public static let unknown = "unknown"

  /// The word for an address beyond the default gateway.
  public static let outside = "outside"

  /// Turns svc/…, pod/… and node/… into addresses; nil where the snapshot holds no objects.
  public let names: NameResolver?

  public init(names: NameResolver?) { self.names = names }

  /// The flow through one node. `from` nil: the node itself; `interface` nil: the one the way back leads through;
  /// `ipProtocol` counts where the destination ends in none (`/udp`); then a Service's own, then TCP. Ports that the text does not give: 40000
  /// at the source, an error at the destination.
  public func flow(
    to: String, from: String?, interface: String? = nil, ipProtocol: String? = nil, through tracer: PathTracer
  ) throws(Failure) -> Flow {
    let wanted = from.flatMap { try? Self.socket(Substring($0)) }?.address.version
    var (target, protocolName) = try destination(
      to, version: wanted, ipProtocol.flatMap { IPProtocol($0.lowercased()) })
    let name = (NameResolver.isName(to) ? ipProtocol ?? protocolName : protocolName ?? ipProtocol) ?? "tcp"
    guard var number = IPProtocol(name.lowercased()) else { throw Failure("'\(name)' is no protocol.") }
    if number == .icmp, target.address.version == .v6 { number = .icmpv6 }
    if number.hasPorts, target.port == nil {
      let address = target.address.version == .v6 ? "[\(target.address)]" : to
      throw Failure("'\(to)' needs a port: \(address):80.")
    }
    if !number.hasPorts { target.port = nil }
    let (source, port, entry) = try origin(from, interface, target.address, tracer)
    guard source.version == target.address.version else {
      throw Failure("\(source) and \(target.address) are of different IP versions.")
    }
    var flow = Flow(ipProtocol: number, source: source, destination: target.address, from: entry)
    if number.hasPorts {
      flow.sourcePort = port ?? 40000
      flow.destinationPort = target.port ?? 0
    }
    if number.isICMP { flow.icmpType = number == .icmp ? 8 : 128 }
    flow.isFrame = interface == nil && !flow.isLocal
    return flow
  }

  public typealias Socket = (address: IPAddress, port: UInt16?)

  /// `version`: preferred where a name has addresses of both.
  public func destination(
    _ text: String, version: IPVersion? = nil, _ ipProtocol: IPProtocol? = nil
  ) throws(Failure) -> (socket: Socket, protocolName: String?) {
    if NameResolver.isName(text) {
      let target = try resolve(text, ipProtocol)
      guard let address = target.addresses.first(where: { $0.version == version }) ?? target.addresses.first else {
        throw Failure("'\(text)' has no address.")
      }
      return ((address, target.port), target.ipProtocol?.description)
    }
    guard let slash = text.lastIndex(of: "/") else { return (try address(text), nil) }
    return (try address(String(text[..<slash])), String(text[text.index(after: slash)...]))
  }

  /// What is no address may be a name that lacks its kind.
  private func address(_ text: String) throws(Failure) -> Socket {
    do { return try Self.socket(Substring(text)) } catch {
      guard let meant = names?.meant(text), !meant.isEmpty else { throw error }
      throw Failure("'\(text)' is no ADDRESS or ADDRESS:PORT\(NearestName.question(meant))")
    }
  }

  public func resolve(
    _ text: String, _ ipProtocol: IPProtocol? = nil, anyPort: Bool = false
  ) throws(Failure) -> NameResolver.Target {
    guard let names else {
      throw Failure(
        "'\(text)' is a name, and there are no objects of the cluster to look it up in: give them with -s, from kubectl get services,endpointslices,pods,nodes -A -o json > objects.json"
      )
    }
    do {
      return try names.resolve(text, ipProtocol, anyPort: anyPort)
    } catch {
      throw Failure("\(error)")
    }
  }

  private func origin(
    _ from: String?, _ interface: String?, _ destination: IPAddress, _ tracer: PathTracer
  ) throws(Failure) -> (IPAddress, UInt16?, String) {
    guard let from, from != Flow.local else {
      let own =
        tracer.sourceAddress(to: destination)
        ?? tracer.model.snapshot.addresses?.first {
          $0.address.version == destination.version && !$0.address.isLoopback
        }?.address
      guard let own else {
        throw Failure(
          "The dumps do not tell this node's address; give the source with --from ADDRESS, or --node-ip.")
      }
      return (own, nil, interface ?? Flow.local)
    }
    var source: Socket
    if from == Self.outside {
      source = (ServiceMap.outsideAddress(destination.version, tracer.model.snapshot), nil)
    } else if NameResolver.isName(from) {
      let found = try resolve(from, anyPort: true)
      guard let address = found.addresses.first(where: { $0.version == destination.version }) else {
        throw Failure("'\(from)' has no \(destination.version == .v4 ? "IPv4" : "IPv6") address.")
      }
      source = (address, nil)
    } else {
      source = try address(from)
    }
    if let interface { return (source.address, source.port, interface) }
    guard let entry = tracer.inputInterface(from: source.address, to: destination) else {
      if tracer.model.snapshot.routes == nil { return (source.address, source.port, Self.unknown) }
      throw Failure("No route leads back to \(source.address): name the interface by which it enters.")
    }
    return (source.address, source.port, entry)
  }

  /// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`
  public static func socket(_ text: Substring) throws(Failure) -> Socket {
    if text.first == "[", let close = text.firstIndex(of: "]"),
      let address = IPAddress(text[text.index(after: text.startIndex)..<close])
    {
      let tail = text[text.index(after: close)...]
      if tail.isEmpty { return (address, nil) }
      if tail.first == ":", let port = UInt16(tail.dropFirst()) { return (address, port) }
    }
    if let address = IPAddress(text) { return (address, nil) }
    if let colon = text.lastIndex(of: ":"), let address = IPAddress(text[..<colon]),
      let port = UInt16(text[text.index(after: colon)...])
    {
      return (address, port)
    }
    let hint =
      text.utf8.contains { (UInt8(ascii: "g")...UInt8(ascii: "z")).contains($0 | 0x20) }
      ? "; a Service is svc/NAMESPACE/NAME:PORT or NAME.NAMESPACE.svc:PORT, a Pod pod/NAMESPACE/NAME" : ""
    throw Failure("'\(text)' is no ADDRESS or ADDRESS:PORT (IPv6 with a port: [fd00::1]:80)\(hint).")
  }
}

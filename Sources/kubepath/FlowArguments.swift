import ArgumentParser
import Intent
import PacketPath
import Snapshot
import Wire

/// A flow as people type it: `10.96.0.10:80 --from 10.244.1.7`.
struct FlowArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Where the packet is sent: ADDRESS[:PORT][/PROTOCOL], e.g. 10.96.0.10:80, [fd00::1]:53/udp; with objects also svc/NAMESPACE/NAME:PORT.",
      valueName: "destination"))
  var destination: String?

  @Option(
    help: ArgumentHelp(
      "Where it comes from: an address, 'local' (this node, the default), ADDRESS:PORT, or pod/NAMESPACE/NAME.",
      valueName: "source"))
  var from: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Interface by which it enters (default: the one the way back leads through).", valueName: "name")
  )
  var interface: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("tcp, udp, sctp, icmp or a number.", valueName: "name"))
  var `protocol`: String?

  @Option(help: ArgumentHelp("Source port.", valueName: "port"))
  var sourcePort: UInt16?

  @Option(help: ArgumentHelp("Packet mark, e.g. 0x4000.", valueName: "mark"))
  var mark: String?

  @Option(help: ArgumentHelp("Bytes of the IP packet.", valueName: "bytes"))
  var length: UInt32?

  @Option(help: ArgumentHelp("ICMP type (default: echo request).", valueName: "type"))
  var icmpType: UInt8?

  @Option(help: ArgumentHelp("ICMP code.", valueName: "code"))
  var icmpCode: UInt8?

  @Option(help: ArgumentHelp("TCP flags, e.g. SYN or SYN,ACK (default: SYN).", valueName: "flags"))
  var tcpFlags: String?

  @Option(help: ArgumentHelp("User id of the local socket's owner.", valueName: "uid"))
  var uid: UInt32?

  /// `names` turns svc/…, pod/… and node/… into addresses; nil where the snapshot holds no objects.
  func flow(_ tracer: PathTracer, names: NameResolver?) throws -> Flow {
    guard let destination else { throw ValidationError("Name a destination, or flows with --flows.") }
    var text = Substring(destination)
    var proto = `protocol`
    if NameResolver.isName(destination) {
      let target = try Self.resolve(destination, names)
      proto = proto ?? target.ipProtocol?.description
      guard let address = target.addresses.first else { throw ValidationError("'\(destination)' has no address.") }
      let host = address.version == .v6 ? "[\(address)]" : "\(address)"
      text = Substring(target.port.map { "\(host):\($0)" } ?? host)
    } else if let slash = text.lastIndex(of: "/") {
      proto = String(text[text.index(after: slash)...])
      text = text[..<slash]
    }
    let name = proto ?? (icmpType != nil ? "icmp" : "tcp")
    let target = try Self.socket(text)
    guard var number = IPProtocol(name.lowercased()) else { throw ValidationError("'\(name)' is no protocol.") }
    if number == .icmp, target.address.version == .v6 { number = .icmpv6 }
    if number.hasPorts, target.port == nil {
      throw ValidationError("'\(destination)' needs a port: \(destination):80.")
    }
    let (source, port, entry) = try origin(tracer, target.address, names)
    guard source.version == target.address.version else {
      throw ValidationError("\(source) and \(target.address) are of different IP versions.")
    }
    var flow = Flow(ipProtocol: number, source: source, destination: target.address, from: entry)
    if number.hasPorts {
      flow.sourcePort = sourcePort ?? port ?? 40000
      flow.destinationPort = target.port ?? 0
    }
    if number.isICMP {
      flow.icmpType = icmpType ?? (number == .icmp ? 8 : 128)
      flow.icmpCode = icmpCode
    }
    flow.length = length
    flow.uid = uid
    if let mark {
      guard let value = mark.hasPrefix("0x") ? UInt32(mark.dropFirst(2), radix: 16) : UInt32(mark) else {
        throw ValidationError("'\(mark)' is no mark.")
      }
      flow.mark = value
    }
    if let tcpFlags { flow.tcpFlags = try Self.flags(tcpFlags) }
    return flow
  }

  static func resolve(_ text: String, _ names: NameResolver?) throws -> NameResolver.Target {
    guard let names else {
      throw ValidationError("'\(text)' is a name, and the snapshot holds no objects of the cluster.")
    }
    do {
      return try names.resolve(text)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  private func origin(_ tracer: PathTracer, _ destination: IPAddress, _ names: NameResolver?) throws -> (
    IPAddress, UInt16?, String
  ) {
    guard let from, from != Flow.local else {
      if let own = tracer.sourceAddress(to: destination) { return (own, nil, interface ?? Flow.local) }
      let own = tracer.model.snapshot.addresses?.first {
        $0.address.version == destination.version && !$0.address.isLoopback
      }
      guard let own else {
        throw ValidationError(
          "The dumps do not tell this node's address; give the source with --from ADDRESS, or --node-ip.")
      }
      return (own.address, nil, interface ?? Flow.local)
    }
    var source: (address: IPAddress, port: UInt16?)
    if NameResolver.isName(from) {
      let found = try Self.resolve(from, names)
      guard let address = found.addresses.first(where: { $0.version == destination.version }) else {
        throw ValidationError("'\(from)' has no \(destination.version == .v4 ? "IPv4" : "IPv6") address.")
      }
      source = (address, nil)
    } else {
      source = try Self.socket(Substring(from))
    }
    if let interface { return (source.address, source.port, interface) }
    guard let entry = tracer.inputInterface(from: source.address) else {
      if tracer.model.snapshot.routes == nil { return (source.address, source.port, "unknown") }
      throw ValidationError(
        "No route leads back to \(source.address): name the interface by which it enters with --interface.")
    }
    return (source.address, source.port, entry)
  }

  static func socket(_ text: Substring) throws -> (address: IPAddress, port: UInt16?) {
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
    throw ValidationError("'\(text)' is no ADDRESS or ADDRESS:PORT (IPv6 with a port: [fd00::1]:80).")
  }

  static func flags(_ text: String) throws -> UInt8 {
    var value: UInt8 = 0
    for word in text.uppercased().split(separator: ",") {
      guard let bit = ["FIN": UInt8(1), "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32][String(word)] else {
        throw ValidationError("'\(word)' is no TCP flag.")
      }
      value |= bit
    }
    return value
  }
}

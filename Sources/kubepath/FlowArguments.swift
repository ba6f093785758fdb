import ArgumentParser
import Diagnosis
import Intent
import PacketPath
import Snapshot
import Wire

/// A flow as people type it: `10.96.0.10:80 --from 10.244.1.7`.
struct FlowArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Where the packet is sent: ADDRESS[:PORT][/PROTOCOL], e.g. 10.96.0.10:80, [fd00::1]:53/udp; with objects also svc/NAMESPACE/NAME:PORT, NAME.NAMESPACE.svc:PORT, pod/NAMESPACE/NAME:PORT.",
      valueName: "destination"), completion: .custom(SnapshotNames.destinations))
  var destination: String?

  @Option(
    help: ArgumentHelp(
      "Where it comes from: an address, 'local' (this node, the default), 'outside', ADDRESS:PORT, or pod/NAMESPACE/NAME.",
      valueName: "source"), completion: .custom(SnapshotNames.sources))
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

  @Option(help: ArgumentHelp("Group id of the local socket's owner.", valueName: "gid"))
  var gid: UInt32?

  /// `names` turns svc/…, pod/… and node/… into addresses; nil where the snapshot holds no objects.
  func flow(_ tracer: PathTracer, names: NameResolver?) throws -> Flow {
    guard let destination else { throw ValidationError("Name a destination, or flows with --flows.") }
    var flow: Flow
    do {
      flow = try FlowText(names: names).flow(
        to: destination, from: from, interface: interface, ipProtocol: `protocol` ?? (icmpType != nil ? "icmp" : nil),
        through: tracer)
    } catch {
      throw ValidationError(error.description)
    }
    if flow.ipProtocol.hasPorts, let sourcePort { flow.sourcePort = sourcePort }
    if flow.ipProtocol.isICMP {
      flow.icmpType = icmpType ?? flow.icmpType
      flow.icmpCode = icmpCode
    }
    flow.length = length
    flow.uid = uid
    flow.gid = gid
    if let mark {
      guard let value = mark.hasPrefix("0x") ? UInt32(mark.dropFirst(2), radix: 16) : UInt32(mark) else {
        throw ValidationError("'\(mark)' is no mark.")
      }
      flow.mark = value
    }
    if let tcpFlags { flow.tcpFlags = try Self.flags(tcpFlags) }
    return flow
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

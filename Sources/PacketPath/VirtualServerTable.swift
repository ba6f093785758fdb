import Snapshot
import Wire

/// The virtual servers of a node, found as the kernel finds them (ip_vs_service_find in net/netfilter/ipvs/ip_vs_ctl.c):
/// by packet mark, by address and port, then one of port 0 that takes all ports of its address.
struct VirtualServerTable: Sendable {
  private struct Key: Hashable {
    var version: IPVersion
    var ipProtocol: UInt8
    var address: Bits128
    var port: UInt16
  }

  private struct Mark: Hashable {
    var version: IPVersion
    var mark: UInt32
  }

  private var byAddress: [Key: Int] = [:]
  private var byMark: [Mark: Int] = [:]

  init(_ servers: [VirtualServer]) {
    for (index, server) in servers.enumerated() {
      if let mark = server.firewallMark {
        byMark[Mark(version: server.address.version, mark: mark)] = index
      } else {
        byAddress[
          Key(
            version: server.address.version, ipProtocol: server.ipProtocol, address: server.address.bits,
            port: server.port)] = index
      }
    }
  }

  /// The index of the virtual server that takes the packet; nil: none does.
  func find(_ packet: PacketState) -> Int? {
    if packet.mark != 0, let index = byMark[Mark(version: packet.version, mark: packet.mark)] { return index }
    var key = Key(
      version: packet.version, ipProtocol: packet.ipProtocol, address: packet.destination, port: packet.destinationPort)
    if let index = byAddress[key] { return index }
    key.port = 0
    return byAddress[key]
  }
}

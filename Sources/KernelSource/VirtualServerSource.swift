import CMnl
import Glibc
import Input
import Snapshot
import Wire

/// IPVS over generic netlink: nil where the kernel has none.
enum VirtualServerSource {
  static func read() throws -> [VirtualServer]? {
    let socket = try NetlinkSocket(NETLINK_GENERIC)
    guard let family = try family(socket) else { return nil }
    var services: [(VirtualServer, [UInt8])] = []
    // IPVS_CMD_GET_SERVICE; struct genlmsghdr with IPVS_GENL_VERSION 1.
    try socket.dump("virtual servers", type: family, payload: [4, 1, 0, 0]) { type, message in
      if type == NetlinkSocket.restarted {
        services = []
        return
      }
      guard let service = Attributes(message, after: 4)[1] else { return }
      let version: IPVersion = service[1]?.u16 == UInt16(AF_INET6) ? .v6 : .v4
      var server = VirtualServer(
        ipProtocol: UInt8(truncatingIfNeeded: service[2]?.u16 ?? 0), address: address(service[3], version),
        port: service[4]?.be16 ?? 0, scheduler: service[6]?.string ?? "")
      if let mark = service[5]?.u32, mark != 0 { server.firewallMark = mark }
      let flags = service[7]?.u32 ?? 0
      if flags & 1 != 0 { server.persistence = service[8].map { Int($0.u32) } }
      server.onePacket = flags & 4 != 0
      var payload: [UInt8] = [8, 1, 0, 0]
      payload.appendAttribute(1 | 0x8000, Array(service.bytes))
      services.append((server, payload))
    }
    for index in services.indices {
      let own = services[index].0.address.version
      // IPVS_CMD_GET_DEST
      try socket.dump("real servers", type: family, payload: services[index].1) { _, message in
        guard let real = Attributes(message, after: 4)[2] else { return }
        let version: IPVersion = real[11].map { $0.u16 == UInt16(AF_INET6) ? .v6 : .v4 } ?? own
        let forwarding: VirtualServer.RealServer.Forwarding =
          switch (real[3]?.u32 ?? 0) & 7 {
          case 2: .tunnel
          case 3: .route
          default: .masquerade
          }
        var server = VirtualServer.RealServer(
          address: address(real[1], version), port: real[2]?.be16 ?? 0, forwarding: forwarding,
          weight: Int(real[4]?.u32 ?? 0))
        server.activeConnections = real[7].map { Int($0.u32) }
        server.inactiveConnections = real[8].map { Int($0.u32) }
        services[index].0.realServers.append(server)
      }
    }
    return services.map(\.0)
  }

  /// Sixteen bytes for either version.
  private static func address(_ value: Attributes?, _ version: IPVersion) -> IPAddress {
    let zero = IPAddress(bits: .zero, version: version)
    guard let bytes = value?.bytes, bytes.count >= version.width / 8 else { return zero }
    return LinkSource.address(UnsafeRawBufferPointer(rebasing: bytes[..<(version.width / 8)])) ?? zero
  }

  private static func family(_ socket: NetlinkSocket) throws -> UInt16? {
    var number: UInt16?
    // CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME
    var payload: [UInt8] = [3, 1, 0, 0]
    payload.appendAttribute(2, "IPVS")
    do {
      try socket.request("IPVS", type: 16, flags: 0, payload: payload) { _, message in
        number = Attributes(message, after: 4)[1]?.u16
      }
    } catch let error as NetlinkError where error.code == ENOENT {
      return nil
    }
    return number
  }
}

import Findings
import Input
import Intent
import PacketPath
import Snapshot
import Wire

/// How findings speak of virtual servers of IPVS.
enum VirtualServers {
  /// `10.96.0.10:80`, or `mark 7`.
  static func name(_ server: VirtualServer) -> String {
    server.firewallMark.map { "mark \($0)" } ?? EndpointAddress(server.address, server.port).description
  }

  /// The virtual servers of a node that belong to Services, with the Service ports.
  static func owned(_ node: NodeContext, _ frontends: FrontendIndex) -> [(
    server: VirtualServer, owner: FrontendIndex.Entry
  )] {
    let own = Set((node.snapshot.addresses ?? []).filter { !$0.isOfServiceDevice }.map(\.address))
    return (node.snapshot.virtualServers ?? []).compactMap { server in
      guard server.firewallMark == nil else { return nil }
      let ipProtocol = IPProtocol(rawValue: server.ipProtocol)
      let owner =
        frontends.entry(at: server.address, server.port, ipProtocol)
        ?? (own.contains(server.address) ? frontends.nodePort(server.port, ipProtocol) : nil)
      return owner.map { (server, $0) }
    }
  }

  /// ipvsadm's option for its kind.
  static func option(_ server: VirtualServer) -> String {
    switch IPProtocol(rawValue: server.ipProtocol) {
    case .tcp: "-t"
    case .udp: "-u"
    case .sctp: "--sctp-service"
    default: "-f"
    }
  }

  static func subject(_ server: VirtualServer, _ context: CheckContext, _ node: NodeContext) -> Finding.Subject {
    Finding.Subject(kind: "VirtualServer", name: name(server), node: node.name)
  }

  static func evidence(_ server: VirtualServer, _ node: NodeContext) -> Finding.Evidence {
    Finding.Evidence(
      file: node.snapshot.fileName(server.file), line: server.line > 0 ? server.line : nil,
      text: "\(name(server)) \(escaped(server.scheduler)), \(server.realServers.count) real servers")
  }

  static func evidence(
    _ real: VirtualServer.RealServer, of server: VirtualServer, _ node: NodeContext
  ) -> Finding.Evidence {
    Finding.Evidence(
      file: node.snapshot.fileName(server.file), line: real.line > 0 ? real.line : nil,
      text: "\(name(server)) → \(EndpointAddress(real.address, real.port)) weight \(real.weight)")
  }

  /// The virtual server, or the frontend of Cilium, that answered for a connection; empty: rules did.
  static func evidence(_ balancer: Balancer?, _ node: NodeContext) -> [Finding.Evidence] {
    switch balancer {
    case nil: return []
    case .virtualServer(let index, _): return [evidence(node.snapshot.virtualServers![index], node)]
    case .ebpf(let index, _):
      let frontend = node.snapshot.ebpfFrontends![index]
      return [
        Finding.Evidence(
          file: node.snapshot.fileName(frontend.file), line: frontend.line > 0 ? frontend.line : nil,
          text:
            "\(EndpointAddress(frontend.address, frontend.port)): \(frontend.backends.count) backends in Cilium's \(frontend.source == .datapath ? "map" : "list")"
        )
      ]
    }
  }
}

extension Snapshot {
  /// Nil: nothing tells of which file.
  func fileName(_ index: UInt32) -> String? {
    Int(index) < ruleset.files.count ? ruleset.files[Int(index)].name : nil
  }
}

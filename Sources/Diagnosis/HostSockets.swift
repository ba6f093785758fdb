import Snapshot
import Wire

/// Questions to the list of a node's sockets.
enum HostSockets {
  /// Sockets that wait for clients at a port.
  static func listeners(_ sockets: [SocketEntry], _ ipProtocol: IPProtocol, _ port: UInt16) -> [SocketEntry] {
    sockets.filter {
      $0.localPort == port && $0.protocol.hasPrefix(ipProtocol == .tcp ? "tcp" : "udp")
        && ($0.state == "LISTEN" || $0.state == "UNCONN")
    }
  }

  /// The process that listens at a port, kube-proxy apart (it held its NodePorts open until 1.22).
  static func holder(of port: UInt16, _ ipProtocol: IPProtocol, _ snapshot: Snapshot) -> String? {
    guard let sockets = snapshot.sockets else { return nil }
    let others = listeners(sockets, ipProtocol, port).filter { !($0.process ?? "kube-proxy").hasPrefix("kube-proxy") }
    return others.first?.process
  }
}

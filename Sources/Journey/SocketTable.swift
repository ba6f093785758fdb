import PacketPath
import Snapshot
import Wire

/// The sockets of a namespace that wait for clients (`ss`), by port.
public struct SocketTable: Sendable {
  private let byPort: [UInt16: [SocketEntry]]?
  private let protocols: Set<IPProtocol>

  public init(_ snapshot: Snapshot) {
    byPort = snapshot.sockets.map { Dictionary(grouping: $0.filter(\.isListening), by: \.localPort) }
    protocols = snapshot.socketProtocols
  }

  /// Who accepts at an address and port.
  public enum Listener: Sendable, Hashable {
    /// A process; empty: `ss` does not name it.
    case found(process: String)
    case nowhere
    /// Something listens at the port, on another address.
    case only(IPAddress, process: String)
    /// No dump tells.
    case notKnown
  }

  public func listener(at address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) -> Listener {
    guard let byPort, protocols.contains(ipProtocol) else { return .notKnown }
    let there = (byPort[port] ?? []).filter { $0.protocol.hasPrefix(ipProtocol == .tcp ? "tcp" : "udp") }
    if let found = there.first(where: { $0.accepts(address) }) { return .found(process: found.process ?? "") }
    guard let other = there.first, let only = other.localAddress else { return .nowhere }
    return .only(only, process: other.process ?? "")
  }
}

extension SocketEntry {
  /// Waits for clients.
  public var isListening: Bool { state == "LISTEN" || state == "UNCONN" }

  /// A socket without an address takes all, of IPv4 too unless it is told otherwise.
  public func accepts(_ address: IPAddress) -> Bool {
    guard let own = localAddress else { return address.version == .v6 || self.protocol != "udp6" }
    return own == address || own.isUnspecified
  }
}

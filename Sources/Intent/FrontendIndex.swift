import Wire

/// The addresses and ports at which clients dial Services, for looking up one among many.
public struct FrontendIndex: Sendable {
  /// A Service port by its place in the cluster's list of Services.
  public struct Entry: Sendable {
    public var service: Int
    public var port: Int
  }

  private struct Socket: Hashable {
    /// Nil: any address of a node.
    var address: IPAddress?
    var port: UInt16
    var ipProtocol: IPProtocol
  }

  private var entries: [Socket: Entry] = [:]
  private let nodeAddresses: Set<IPAddress>

  /// Of two Services that claim one socket the first in the list has it.
  public init(_ cluster: Cluster) {
    nodeAddresses = Set(cluster.nodes.flatMap(\.internalIPs))
    entries.reserveCapacity(cluster.services.count * 2)
    for (index, service) in cluster.services.enumerated() where service.isProxied {
      for (number, port) in service.ports.enumerated() {
        let entry = Entry(service: index, port: number)
        for address in service.clusterIPs + service.externalIPs + service.loadBalancerIPs {
          add(Socket(address: address, port: port.port, ipProtocol: port.ipProtocol), entry)
        }
        if port.nodePort != 0 {
          add(Socket(address: nil, port: port.nodePort, ipProtocol: port.ipProtocol), entry)
        }
      }
    }
  }

  private mutating func add(_ socket: Socket, _ entry: Entry) {
    if entries[socket] == nil { entries[socket] = entry }
  }

  public func entry(at address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) -> Entry? {
    if let own = entries[Socket(address: address, port: port, ipProtocol: ipProtocol)] { return own }
    return nodeAddresses.contains(address) ? nodePort(port, ipProtocol) : nil
  }

  /// At any address of any node.
  public func nodePort(_ port: UInt16, _ ipProtocol: IPProtocol) -> Entry? {
    entries[Socket(address: nil, port: port, ipProtocol: ipProtocol)]
  }
}

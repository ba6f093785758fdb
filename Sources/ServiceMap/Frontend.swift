import Intent
import Wire

/// An address and port that clients dial.
public struct Frontend: Hashable, Sendable {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case clusterIP = "ClusterIP"
    case externalIP = "ExternalIP"
    case loadBalancer = "LoadBalancer"
    case nodePort = "NodePort"
    /// An address whose role nothing tells.
    case address = "Address"
  }
  public var kind: Kind
  /// Of a NodePort: the node's address that was traced.
  public var address: IPAddress
  public var port: UInt16
  public var ipProtocol: IPProtocol

  public init(_ kind: Kind, _ address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) {
    self.kind = kind
    self.address = address
    self.port = port
    self.ipProtocol = ipProtocol
  }
}

extension Frontend: CustomStringConvertible {
  public var description: String {
    let host = address.version == .v6 ? "[\(address)]" : "\(address)"
    return kind == .nodePort ? "NodePort \(port)/\(ipProtocol) at \(host)" : "\(host):\(port)/\(ipProtocol)"
  }
}

extension Service {
  /// What is its own: every address with every port, of kind `address`. NodePorts are not.
  public var claims: [Frontend] {
    let addresses = clusterIPs + externalIPs + loadBalancerIPs
    return ports.flatMap { port in addresses.map { Frontend(.address, $0, port.port, port.ipProtocol) } }
  }
}

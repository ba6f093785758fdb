import Wire

/// A port that a container declares.
public struct ContainerPort: Sendable, Hashable {
  /// Empty: it has none.
  public var name: String
  public var port: UInt16
  public var ipProtocol: IPProtocol

  public init(_ name: String, _ port: UInt16, _ ipProtocol: IPProtocol = .tcp) {
    self.name = name
    self.port = port
    self.ipProtocol = ipProtocol
  }
}

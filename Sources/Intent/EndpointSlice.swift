import Wire

/// One address of an EndpointSlice or Endpoints object.
public struct Endpoint: Sendable, Hashable {
  public var address: IPAddress
  /// Index into `Cluster.names`; -1: not told.
  public var node: Int32 = -1
  public var ready = true
  public var serving = true
  public var terminating = false
  /// Bits of it index `EndpointSlice.hintSets`; -1: no hints.
  public var zoneHints: [Int32] = []
  public var nodeHints: [Int32] = []

  public init(_ address: IPAddress) { self.address = address }
}

/// A slice: endpoints that share ports.
public struct EndpointSlice: Sendable {
  public struct Port: Sendable, Hashable {
    public var name = ""
    public var ipProtocol = IPProtocol.tcp
    public var port: UInt16 = 0
    public init() {}
  }

  public var namespace: String
  public var name: String
  /// Name of its Service; empty: none.
  public var service = ""
  /// `IPv4`, `IPv6` or `FQDN`.
  public var addressType = "IPv4"
  public var ports: [Port] = []
  public var endpoints: [Endpoint] = []
  public var file = 0

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }
}

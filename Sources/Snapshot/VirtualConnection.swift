import Wire

/// An entry of IPVS' own connection table, from `ipvsadm -Lnc`.
public struct VirtualConnection: Sendable, Hashable {
  public struct Endpoint: Sendable, Hashable {
    public var address: IPAddress
    public var port: UInt16
    public init(address: IPAddress, port: UInt16) {
      self.address = address
      self.port = port
    }
  }
  /// 6, 17, 132; 0 of a template that holds for all protocols.
  public var ipProtocol: UInt8
  /// Seconds until it is forgotten.
  public var expires: Int
  /// `ESTABLISHED`, `NONE` …
  public var state: String
  public var client: Endpoint
  public var virtual: Endpoint
  public var real: Endpoint
  public var file: UInt32 = 0
  public var line = 0

  /// No connection: it keeps a client with its real server, as persistence asks for.
  public var isTemplate: Bool { client.port == 0 }
}

/// Who leads, or that a node lives: renewed every few seconds.
public struct Lease: Sendable {
  public var namespace: String
  public var name: String
  public var holder = ""
  /// Seconds since 1970; 0: never.
  public var renewed = 0
  /// Seconds after which it counts as lost.
  public var duration = 0
  /// Index into `Cluster.files`.
  public var file = 0

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }
}

/// Whether the sidecars of an Istio mesh take plaintext.
public struct PeerAuthentication: Sendable {
  public var namespace: String
  public var name: String
  /// `STRICT`, `PERMISSIVE`, `DISABLE`; empty: inherited.
  public var mode = ""
  /// Nil: all Pods of the namespace (of the mesh, in the root namespace).
  public var selector: LabelSelector?
  public var portModes: [UInt16: String] = [:]
  /// Index into `Cluster.files`.
  public var file = 0

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  public var fullName: String { "\(namespace)/\(name)" }
}

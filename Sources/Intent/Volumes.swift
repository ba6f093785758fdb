public struct PersistentVolumeClaim: Sendable {
  public var namespace: String
  public var name: String
  /// `Pending`, `Bound`, `Lost`.
  public var phase = ""
  /// Nil: the cluster's default class; empty: none at all.
  public var storageClass: String?
  public var accessModes: [String] = []
  public var request = ""
  /// Index into `Cluster.files`.
  public var file = 0

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  public var fullName: String { "\(namespace)/\(name)" }
}

public struct StorageClass: Sendable {
  public var name: String
  public var provisioner = ""
  public var isDefault = false
  public var waitsForConsumer = false

  public init(name: String) { self.name = name }
}

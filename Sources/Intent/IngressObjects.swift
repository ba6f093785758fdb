import Wire

public struct IngressClass: Sendable {
  public var name: String
  /// `k8s.io/ingress-nginx`
  public var controller = ""
  public var isDefault = false
  public init(name: String) { self.name = name }
}

/// An Ingress without its paths, which are `IngressPath`s.
public struct Ingress: Sendable {
  public var namespace: String
  public var name: String
  /// Nil: it names none.
  public var className: String?
  /// `status.loadBalancer`: where its controller says that it is served.
  public var addresses: [IPAddress] = []
  public var hostnames: [String] = []
  /// Index into `Cluster.files`.
  public var file = 0

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  public var fullName: String { "\(namespace)/\(name)" }
}

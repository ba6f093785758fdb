import Wire

public struct Pod: Sendable {
  public var namespace: String
  public var name: String
  public var node = ""
  public var addresses: [IPAddress] = []
  public var hostNetwork = false
  public var phase = ""
  public var ready = false
  /// It was deleted and is on its way out.
  public var isTerminating = false
  /// Why it is not ready, in its status' own words: `ImagePullBackOff: …`; empty: it does not tell.
  public var reason = ""
  public var labels: [(key: String, value: String)] = []
  /// Container ports: name (or empty) and number.
  public var ports: [(name: String, port: UInt16)] = []
  /// Index into `Cluster.files`.
  public var file = 0

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  public func matches(_ selector: [(key: String, value: String)]) -> Bool {
    !selector.isEmpty
      && selector.allSatisfy { wanted in labels.contains { $0.key == wanted.key && $0.value == wanted.value } }
  }
}

public struct Node: Sendable {
  public var name: String
  public var internalIPs: [IPAddress] = []
  public var podCIDRs: [IPPrefix] = []
  public var zone = ""
  public var ready = true
  public var reason = ""
  /// Index into `Cluster.files`.
  public var file = 0
  public init(name: String) { self.name = name }
}

/// One host and path of an Ingress, and the Service behind it.
public struct IngressPath: Sendable {
  public var namespace = ""
  public var ingress = ""
  /// Empty: any host.
  public var host = ""
  public var path = ""
  public var service = ""
  /// Number or name of the Service's port.
  public var port = ""
  public init() {}
}

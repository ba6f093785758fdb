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
  /// What its containers declare.
  public var ports: [ContainerPort] = []
  /// Kind of its controller; empty: it has none.
  public var ownerKind = ""
  /// Its controller: an index into `Cluster.names`; -1: none.
  public var ownerName: Int32 = -1
  /// Nil: it is ready and always was, as far as its status tells.
  public var trouble: PodTrouble?
  /// A sidecar of a service mesh is one of its containers.
  public var hasMeshProxy = false
  /// The command of a Pod of the control plane.
  public var arguments: [String] = []
  /// The object has a status: it is no manifest.
  public var hasStatus = false
  /// Index into `Cluster.files`.
  public var file = 0

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  public var fullName: String { "\(namespace)/\(name)" }
  /// It ended and will not come back.
  public var isOver: Bool { phase == "Succeeded" || phase == "Failed" }

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
  /// Of its conditions those that are not as they should be.
  public var conditions: [Condition] = []
  public var taints: [Taint] = []
  /// `kubectl cordon`
  public var isCordoned = false
  public var labels: [(key: String, value: String)] = []
  /// Its kubelet's release, `(1, 36)`; nil: not told.
  public var release: (major: Int, minor: Int)?

  public struct Condition: Sendable, Hashable {
    public var type: String
    /// `True`, `False`, `Unknown`
    public var status: String
    public var reason = ""
    public var message = ""
    public init(type: String, status: String) {
      self.type = type
      self.status = status
    }
  }

  public struct Taint: Sendable, Hashable {
    public var key: String
    public var value = ""
    public var effect = ""
    public init(key: String) { self.key = key }
  }

  public func condition(_ type: String) -> Condition? { conditions.first { $0.type == type } }
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
  /// `pathType: Exact`; the others stand for all that begins with it, element by element.
  public var isExact = false
  public var service = ""
  /// Number or name of the Service's port.
  public var port = ""
  public init() {}

  /// Whether a request's path is one of its.
  public func takes(_ wanted: String) -> Bool {
    if isExact { return wanted == path }
    guard wanted.hasPrefix(path) else { return false }
    return path.hasSuffix("/") || wanted.utf8.count == path.utf8.count
      || wanted.utf8.dropFirst(path.utf8.count).first == UInt8(ascii: "/")
  }
}

import Wire

/// A Service as the API holds it.
public struct Service: Sendable {
  public enum Kind: String, Sendable {
    case clusterIP = "ClusterIP"
    case nodePort = "NodePort"
    case loadBalancer = "LoadBalancer"
    case externalName = "ExternalName"
  }

  /// One entry of `spec.ports`.
  public struct Port: Sendable, Hashable {
    /// Empty where a Service has one port without a name.
    public var name = ""
    public var ipProtocol = IPProtocol.tcp
    public var port: UInt16 = 0
    public var nodePort: UInt16 = 0
    /// A number, or the name of a container's port; empty: `port`.
    public var targetPort = ""
    public init() {}
  }

  public var namespace: String
  public var name: String
  public var kind = Kind.clusterIP
  public var clusterIPs: [IPAddress] = []
  public var externalIPs: [IPAddress] = []
  /// Addresses of `status.loadBalancer` that the node must serve (ipMode VIP).
  public var loadBalancerIPs: [IPAddress] = []
  /// Addresses that the load balancer itself terminates (ipMode Proxy): no rules for them.
  public var proxiedLoadBalancerIPs: [IPAddress] = []
  public var loadBalancerHostnames: [String] = []
  public var sourceRanges: [IPPrefix] = []
  public var ports: [Port] = []
  public var selector: [(key: String, value: String)] = []
  public var externalPolicyLocal = false
  public var internalPolicyLocal = false
  /// Seconds of ClientIP affinity; nil: none.
  public var affinity: Int?
  public var healthCheckNodePort: UInt16 = 0
  /// `clusterIP: None`.
  public var headless = false
  /// The label service.kubernetes.io/service-proxy-name: another proxy serves it.
  public var proxyName: String?
  public var wantsTopologyHints = false
  public var publishesNotReady = false
  /// Of type ExternalName: the name that its own stands for.
  public var externalName = ""
  /// Index into `Cluster.files`.
  public var file = 0
  /// Its EndpointSlices: indexes into `Cluster.slices`.
  public internal(set) var slices: [Int] = []

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  public var fullName: String { "\(namespace)/\(name)" }

  /// Whether kube-proxy programs it at all.
  public var isProxied: Bool { !headless && kind != .externalName && proxyName == nil && !clusterIPs.isEmpty }

  /// `ns/name:port`, or `ns/name` where the port has no name: what kube-proxy writes in its comments.
  public func portName(_ port: Port) -> String { port.name.isEmpty ? fullName : "\(fullName):\(port.name)" }
}

import Wire

/// Which connections the Pods that it selects may take part in. Pods that some policy selects for a direction are
/// isolated in it: only what a rule of one of these policies allows passes. Whether anybody enforces it is up to the CNI.
public struct NetworkPolicy: Sendable {
  public enum Direction: String, Sendable { case ingress, egress }

  /// Who is at the other end.
  public enum Peer: Sendable {
    case addresses(IPPrefix, except: [IPPrefix])
    /// Pods by namespace and labels; no namespaces: those of the policy's own.
    case pods(LabelSelector, namespaces: LabelSelector?)
  }

  public struct Port: Sendable {
    public var ipProtocol = IPProtocol.tcp
    /// Nil with an empty name: all ports.
    public var ports: ClosedRange<UInt16>?
    /// Of a container's port; empty: given by number.
    public var name = ""
    public init() {}
  }

  public struct Rule: Sendable {
    /// Empty: anybody.
    public var peers: [Peer] = []
    /// Empty: all.
    public var ports: [Port] = []
    public init() {}
  }

  public var namespace: String
  public var name: String
  public var pods = LabelSelector()
  /// Rules of the directions in which it isolates its Pods.
  public var rules: [Direction: [Rule]] = [:]
  /// Index into `Cluster.files`.
  public var file = 0

  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  public var fullName: String { "\(namespace)/\(name)" }

  public func selects(_ pod: Pod) -> Bool {
    pod.namespace == namespace && !pod.hostNetwork && pods.matches(pod.labels)
  }
}

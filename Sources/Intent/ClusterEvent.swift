/// The newest Event of one reason about one object.
public struct ClusterEvent: Sendable {
  /// The object that it is about.
  public struct Subject: Sendable, Hashable {
    public var kind: String
    /// Of objects without a namespace empty.
    public var namespace: String
    public var name: String
    public init(kind: String, namespace: String, name: String) {
      self.kind = kind
      self.namespace = namespace
      self.name = name
    }
  }

  public var subject: Subject
  public var reason: String
  public var message = ""
  public var isWarning = false
  public var count = 1
  /// Seconds since 1970; 0: not told.
  public var time = 0
  /// The node whose kubelet says so; empty: not told.
  public var host = ""
  /// Index into `Cluster.files`.
  public var file = 0

  public init(_ subject: Subject, reason: String) {
    self.subject = subject
    self.reason = reason
  }

  /// Reasons that tell of a fault though their Events are of type Normal.
  static let tellingReasons: Set<String> = [
    "Killing", "NodeNotReady", "NodeHasDiskPressure", "NodeHasInsufficientMemory", "NodeHasInsufficientPID", "Evicted",
    "TaintManagerEviction", "ScalingReplicaSet", "SuccessfulDelete", "WaitForFirstConsumer", "ExternalProvisioning",
    "WaitForPodScheduled", "nodeAssigned", "BackOff",
  ]
}

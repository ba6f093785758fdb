/// An object that makes Pods.
public struct Workload: Sendable {
  public enum Kind: String, Sendable, Hashable {
    case deployment = "Deployment"
    case replicaSet = "ReplicaSet"
    case statefulSet = "StatefulSet"
    case daemonSet = "DaemonSet"
    case job = "Job"
    case replicationController = "ReplicationController"
  }

  public var kind: Kind
  public var namespace: String
  public var name: String
  /// What it is to have: `spec.replicas`, of a DaemonSet `desiredNumberScheduled`.
  public var wanted = 1
  /// Pods that exist.
  public var current = 0
  public var ready = 0
  /// The labels that its Pods get.
  public var labels: [(key: String, value: String)] = []
  public var nodeSelector: [(key: String, value: String)] = []
  /// Its controller has not seen the newest version of it.
  public var isUnobserved = false
  /// What its controller complains of: `ReplicaFailure`, `ProgressDeadlineExceeded`, a Job's `Failed`.
  public var complaint: Complaint?
  public var owner: ObjectOwner?
  /// Index into `Cluster.files`.
  public var file = 0

  public struct Complaint: Sendable, Hashable {
    public var reason: String
    public var message: String
    public init(reason: String, message: String) {
      self.reason = reason
      self.message = message
    }
  }

  public init(_ kind: Kind, namespace: String, name: String) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
  }

  public var fullName: String { "\(namespace)/\(name)" }
  /// As kubectl takes it: `deployment/web`.
  public var kubectlName: String { "\(kind.rawValue.lowercased())/\(name)" }
}

/// The controller of an object: `ReplicaSet web-5d8f`.
public struct ObjectOwner: Sendable, Hashable {
  public var kind: String
  public var name: String
  public init(kind: String, name: String) {
    self.kind = kind
    self.name = name
  }
}

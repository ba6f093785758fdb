/// A policy of the whole cluster, or of a network plugin's own kind, that stands beside the NetworkPolicies. What it says is not
/// evaluated: its plugin's rules are, where the node's dumps hold them.
public struct ClusterPolicy: Sendable {
  /// `ClusterNetworkPolicy`, `GlobalNetworkPolicy` …
  public var kind: String
  /// Empty: it belongs to the cluster.
  public var namespace: String
  public var name: String
  /// Index into `Cluster.files`.
  public var file: Int

  public var fullName: String { namespace.isEmpty ? "\(kind) \(name)" : "\(kind) \(namespace)/\(name)" }
}

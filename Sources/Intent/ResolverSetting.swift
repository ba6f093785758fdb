import Wire

/// The nameservers that Pods are told to ask.
public struct ResolverSetting: Sendable {
  public enum Origin: Sendable, Hashable {
    /// `clusterDNS` of a kubelet's configuration: all Pods with the dnsPolicy ClusterFirst.
    case kubelet
    /// `spec.dnsConfig` of a Pod with the dnsPolicy None; index into `Cluster.pods`.
    case pod(Int)
  }

  public var origin: Origin
  public var nameservers: [IPAddress]
  /// Index into `Cluster.files`.
  public var file: Int
}

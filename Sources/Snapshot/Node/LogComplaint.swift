/// A line of a component's log that tells of a known trouble; of the same trouble the last line stands for all.
public struct LogComplaint: Sendable {
  public enum Trouble: Sendable, Hashable, CaseIterable {
    /// CoreDNS asks an upstream and gets no answer, or one that it cannot use.
    case dnsUpstream
    /// CoreDNS forwards to itself.
    case dnsLoop
    /// CoreDNS does not understand its Corefile.
    case dnsConfiguration
    /// CoreDNS does not reach the API server.
    case dnsAPI
    /// A component does not reach the API server.
    case apiUnreachable
    /// The API server or a client does not accept a certificate.
    case certificate
    case networkPlugin
    case runtime
    case eviction
    /// kube-proxy does not get its rules into the kernel.
    case proxySync
    /// The API server does not reach etcd.
    case etcd
    /// etcd has no room left and takes no writes.
    case etcdSpace
    /// etcd's members elect nobody.
    case etcdLeader
    /// The kubelet does not start: its configuration, swap, cgroups.
    case kubeletStart
    /// A port is taken.
    case portInUse
  }

  public var trouble: Trouble
  /// `coredns`, `kubelet` …; empty: the lines do not tell.
  public var component = ""
  public var text = ""
  public var count = 1
  /// It stands among the last lines of its log: it may be so still.
  public var isRecent = true
  public var place = FilePlace()

  public init(_ trouble: Trouble) { self.trouble = trouble }
}

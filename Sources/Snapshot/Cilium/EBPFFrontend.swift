import Wire

/// An address and port that eBPF programs serve before netfilter sees the packet, as Cilium tells it.
public struct EBPFFrontend: Sendable, Hashable {
  public struct Backend: Sendable, Hashable {
    public var address: IPAddress
    public var port: UInt16
    /// `active`, `terminating`, `quarantined`, `maintenance`; `active` where the dump does not tell.
    public var state = "active"
    public init(address: IPAddress, port: UInt16) {
      self.address = address
      self.port = port
    }
  }

  /// Which of Cilium's two tables: they may differ when an update of the map failed.
  public enum Source: String, Sendable, Hashable {
    /// The agent's own list: `cilium-dbg service list`.
    case agent
    /// The BPF map that packets meet: `cilium-dbg bpf lb list`.
    case datapath
  }

  /// Unspecified: any address of the node.
  public var address: IPAddress
  public var port: UInt16
  /// Nil: an older Cilium, whose tables have no protocols.
  public var ipProtocol: IPProtocol?
  /// For clients in the cluster only (scope internal, printed `/i`): all endpoints of a Service whose external policy is
  /// Local.
  public var isInternal = false
  public var source: Source
  /// ClusterIP, NodePort, LoadBalancer, ExternalIPs, HostPort, LocalRedirect …; empty: not told.
  public var kind = ""
  /// `non-routable`, `Local`, `InternalLocal`, `sessionAffinity` …
  public var flags: [String] = []
  /// Of the Service; empty: not told.
  public var namespace = ""
  public var name = ""
  /// Connections go to this port of the node's proxy (a Gateway or Ingress), not to backends.
  public var proxyPort: UInt16?
  public var backends: [Backend] = []
  public var file: UInt32 = 0
  /// From 1; 0: JSON.
  public var line = 0

  public init(address: IPAddress, port: UInt16, ipProtocol: IPProtocol?, source: Source) {
    self.address = address
    self.port = port
    self.ipProtocol = ipProtocol
    self.source = source
  }

  /// The backends that new connections may get: active ones, and without any, those that terminate.
  public var usable: [Backend] {
    let active = backends.filter { $0.state == "active" }
    return active.isEmpty ? backends.filter { $0.state == "terminating" } : active
  }
}

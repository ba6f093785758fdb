/// What picked the endpoint of a connection where no rule did.
public enum Balancer: Sendable, Hashable {
  /// IPVS: indexes into the snapshot's virtual servers and that one's real servers; nil: it had none to give.
  case virtualServer(Int, realServer: Int?)
  /// Cilium's eBPF programs, before netfilter: indexes into the snapshot's `ebpfFrontends` and that one's backends; nil:
  /// it had none to give, or the node's proxy chooses.
  case ebpf(Int, backend: Int?)

  public var hasEndpoint: Bool {
    switch self {
    case .virtualServer(_, let realServer): realServer != nil
    case .ebpf(_, let backend): backend != nil
    }
  }
}

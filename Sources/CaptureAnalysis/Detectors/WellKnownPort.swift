/// Ports whose protocol changes what a failure means (IANA's registry, Kubernetes' "Ports and Protocols").
enum WellKnownPort {
  static let bgp: UInt16 = 179
  static let apiServer: UInt16 = 6443
  static let kubelet: UInt16 = 10250
  static let etcd: ClosedRange<UInt16> = 2379...2380

  /// What to look at when nobody listens on `port`; nil: an ordinary service.
  static func refusedAdvice(_ port: UInt16, at address: String) -> (cause: String, advice: String)? {
    switch port {
    case bgp:
      (
        "no BGP speaker listens there, or it does not know this peer ← the node's agent (calico-node's BIRD, MetalLB's speaker, "
          + "kube-router) is down, or its peer address is wrong",
        "see whether the speaker runs at \(address) and has this peer: kubectl get pods -A -o wide | grep -E 'calico-node|speaker|kube-router'; "
          + "calicoctl node status"
      )
    case apiServer:
      (
        "no API server listens there ← its static Pod is down or crashes, or another address is advertised",
        "on that node: crictl ps -a --name kube-apiserver; crictl logs ID; journalctl -u kubelet"
      )
    case etcd:
      (
        "no etcd listens there ← its static Pod is down, or it listens on another address",
        "on that node: crictl ps -a --name etcd; crictl logs ID; ss -ltnp 'sport = :\(port)'"
      )
    case kubelet:
      (
        "no kubelet listens there ← it is stopped or crashes",
        "on that node: systemctl status kubelet; journalctl -u kubelet -n 50"
      )
    default: nil
    }
  }
}

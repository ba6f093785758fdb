import Findings
import Intent
import Snapshot

/// Why a node is NotReady, told by its conditions and Events.
enum NodeFault: Sendable {
  case kubeletSilent, networkPlugin, runtime, shutdown, certificates, notReady

  /// `said`: in the logs of the node, where they are among the dumps.
  static func of(_ node: Node, _ events: [ClusterEvent], _ said: [LogComplaint] = []) -> NodeFault {
    let ready = node.condition("Ready")
    let words = ([ready?.message ?? node.reason] + events.map(\.message)).joined(separator: "\n")
    if said.contains(where: { $0.trouble == .certificate && $0.component == "kubelet" }) { return .certificates }
    if words.contains("x509") || words.contains("certificate has expired") || words.contains("Unauthorized") {
      return .certificates
    }
    if ready?.status == "Unknown" || node.reason.contains("stopped posting") { return .kubeletSilent }
    if [
      "NetworkPluginNotReady", "cni plugin not initialized", "cni config uninitialized", "network plugin is not ready",
    ]
    .contains(where: { words.contains($0) }) {
      return .networkPlugin
    }
    if [
      "PLEG is not healthy", "container runtime is down", "container runtime not ready", "RuntimeReady=false",
      "runtime status check",
    ]
    .contains(where: { words.contains($0) }) {
      return .runtime
    }
    if words.contains("node is shutting down") { return .shutdown }
    return .notReady
  }

  var cause: String {
    switch self {
    case .kubeletSilent:
      "the kubelet does not report any more: it is stopped, cannot reach the API server, or the machine is down"
    case .networkPlugin: "the network plugin is not set up on the node"
    case .runtime: "the container runtime does not answer the kubelet"
    case .shutdown: "the machine is going down"
    case .certificates: "the API server does not accept the kubelet's certificate"
    case .notReady: "the kubelet says that it is not ready"
    }
  }

  /// On the node itself.
  func fix(_ node: String) -> [Fix] {
    switch self {
    case .kubeletSilent:
      [
        .command(
          "systemctl status kubelet; systemctl restart kubelet",
          why: "on \(node); if it cannot be reached, the machine or its network is down"),
        .look("journalctl -u kubelet --since -30min", why: "on \(node): why it stopped"),
      ]
    case .networkPlugin: NetworkPlugin.commands(node)
    case .runtime:
      [
        .command("systemctl restart containerd", why: "on \(node); then systemctl status containerd"),
        .look("crictl info; journalctl -u containerd -u kubelet --since -30min", why: "on \(node)"),
      ]
    case .shutdown: [.advice("start \(node) again, or kubectl delete node \(node) if it will not come back")]
    case .certificates:
      [
        .look("openssl x509 -noout -dates -in /var/lib/kubelet/pki/kubelet-client-current.pem", why: "on \(node)"),
        .advice(
          "kubeadm certs check-expiration on the control plane; the kubelet's own: remove the expired file and systemctl restart kubelet, which asks for a new one"
        ),
      ]
    case .notReady:
      [
        .look("journalctl -u kubelet --since -30min", why: "on \(node)"),
        .look("kubectl describe node \(node)", why: "its conditions and Events"),
      ]
    }
  }
}

import Findings
import Intent
import Wire

/// What a component is configured to do, and what it does: kube-proxy's mode and cluster range, Pod ranges of kubeadm, of the
/// network plugin and of the nodes.
enum ConfigurationMismatch: Check {
  static let id = "configuration-mismatch"

  static func run(_ context: CheckContext) -> [Finding] { mode(context) + clusterRange(context) + podRanges(context) }

  private static let restart: Fix = .command(
    "kubectl -n kube-system rollout restart daemonset kube-proxy", why: "it reads its configuration when it starts")

  /// The mode whose rules a node has; nil: none is seen.
  private static func actual(_ node: NodeContext) -> String? {
    if node.isIPVS || node.lacksVirtualServers { return "ipvs" }
    if node.isNftables { return "nftables" }
    return node.planes.contains { $0.mode == .iptables } ? "iptables" : nil
  }

  private static func mode(_ context: CheckContext) -> [Finding] {
    guard let configuration = context.intent.proxyConfiguration else { return [] }
    let wanted = configuration.mode.isEmpty ? "iptables" : configuration.mode
    return context.nodes.compactMap { node in
      guard let actual = actual(node), actual != wanted else { return nil }
      return Finding(
        id: id, severity: .warning, confidence: .likely, subject: node.subject,
        problem:
          "kube-proxy of \(node.name) works in \(actual) mode, and its ConfigMap says \(configuration.mode.isEmpty ? "“” (iptables)" : "“\(configuration.mode)”")",
        cause:
          "the ConfigMap was changed and kube-proxy not restarted, or it could not use that mode and took another (its log says so)",
        evidence: [
          context.intent.evidence(
            "ConfigMap", "kube-proxy", "kube-system/kube-proxy", in: configuration.file,
            ": mode \"\(configuration.mode)\"")
        ],
        fix: [
          restart,
          .look("kubectl -n kube-system logs -l k8s-app=kube-proxy", why: "“Using … Proxier”, or why it falls back"),
        ],
        verify: ["curl -s http://127.0.0.1:10249/proxyMode  # on \(node.name)"])
    }
  }

  private static func clusterRange(_ context: CheckContext) -> [Finding] {
    guard let configuration = context.intent.proxyConfiguration, !configuration.clusterCIDRs.isEmpty else { return [] }
    let ranges = configuration.clusterCIDRs
    // Pods of versions of which no range is given are no one's.
    let strays = context.intent.pods.lazy.filter { !$0.hostNetwork && $0.ready }.flatMap { pod in
      pod.addresses.filter { address in
        ranges.contains { $0.address.version == address.version } && !ranges.contains { $0.contains(address) }
      }.map { (pod, $0) }
    }
    guard let first = strays.first else { return [] }
    let list = ranges.map { "\($0)" }.joined(separator: ",")
    let right = context.intent.clusterConfiguration?.podRanges.map { "\($0)" }.joined(separator: ",") ?? ""
    let home = context.intent.nodes.first { $0.name == first.0.node }?.podCIDRs.first { $0.contains(first.1) }
    return [
      Finding(
        id: id, severity: .warning, confidence: .certain,
        subject: Finding.Subject(kind: "ConfigMap", namespace: "kube-system", name: "kube-proxy"),
        problem:
          "kube-proxy takes Pods for strangers: clusterCIDR \(list) does not hold their addresses, e.g. \(first.1) of \(first.0.fullName)",
        cause:
          "with detectLocalMode ClusterCIDR it masquerades what Pods send to Services: endpoints see the node, and policies see no Pod ← clusterCIDR is not the Pods' range\(home.map { " (node \(first.0.node) gives addresses of \($0))" } ?? "")",
        evidence: [
          context.intent.evidence(
            "ConfigMap", "kube-proxy", "kube-system/kube-proxy", in: configuration.file, ": clusterCIDR \(list)")
        ],
        fix: [
          .look(
            "kubectl -n kube-system edit configmap kube-proxy",
            why: "set clusterCIDR to the Pods' range\(right.isEmpty ? "" : ", \(right)")"),
          restart,
        ], verify: ["kubectl get pods -A -o wide  # IP lies in clusterCIDR"])
    ]
  }

  /// Flannel and the like serve the nodes' ranges only where their own network holds them.
  private static func podRanges(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    var wanted = intent.overlays.compactMap { overlay in
      overlay.network.map { ("ConfigMap \(overlay.configMap), Network", $0, overlay.file) }
    }
    if let configuration = intent.clusterConfiguration {
      wanted += configuration.podRanges.map {
        ("ConfigMap kube-system/kubeadm-config, podSubnet", $0, configuration.file)
      }
    }
    return wanted.compactMap { what, range, file in
      let strays = intent.nodes.filter { node in
        node.podCIDRs.contains { $0.address.version == range.address.version && !range.contains($0) }
      }
      guard let node = strays.first,
        let stray = node.podCIDRs.first(where: { $0.address.version == range.address.version })
      else { return nil }
      // Another range of the same list may hold it.
      if wanted.contains(where: { $0.0 == what && $0.1.contains(stray) }) { return nil }
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: NodeNotReady.subject(node),
        problem:
          "\(strays.count == 1 ? "node \(node.name) has" : "\(strays.count) nodes, e.g. \(node.name), have") Pod ranges outside the network that the cluster is configured for",
        cause: "\(what) is \(range), and \(node.name)'s podCIDR is \(stray) ← the two were set apart",
        evidence: [
          intent.evidence(file, "\(what): \(range)"), intent.evidence(node, ": podCIDR \(stray)"),
        ],
        fix: [
          .advice(
            "give the network plugin and kube-controller-manager (--cluster-cidr) the same range; a node's podCIDR changes only when the node joins anew"
          )
        ],
        verify: ["kubectl get nodes -o custom-columns=NAME:.metadata.name,CIDR:.spec.podCIDR"])
    }
  }
}

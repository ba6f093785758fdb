import Findings
import Intent

/// The network plugin of a cluster: what gives Pods their interfaces, addresses and routes.
struct NetworkPlugin: Sendable {
  /// Names that the agents' DaemonSets and Pods begin with, and whose they are.
  private static let agents = [
    "calico-node": "Calico", "canal": "Canal", "kube-flannel": "Flannel", "flannel": "Flannel", "cilium": "Cilium",
    "weave-net": "Weave Net", "kube-router": "kube-router", "kindnet": "kindnet", "aws-node": "the AWS VPC CNI",
    "antrea-agent": "Antrea", "azure-cni": "Azure CNI", "ovnkube-node": "OVN-Kubernetes", "kube-ovn-cni": "Kube-OVN",
    "kube-multus": "Multus", "netd": "GKE's netd",
  ]

  private static let namespaces = [
    "kube-system", "calico-system", "kube-flannel", "cilium", "kube-router", "weave", "antrea",
    "openshift-ovn-kubernetes",
  ]

  /// Of a DaemonSet or of its Pods: nil: it is no agent of a network plugin.
  static func name(_ object: String, in namespace: String) -> String? {
    guard namespaces.contains(namespace) else { return nil }
    // Operators and helpers are named after their plugin, too.
    if object.contains("operator") || object.contains("envoy") || object.contains("controller") { return nil }
    return agents.first { object == $0.key || object.hasPrefix($0.key + "-") }?.value
  }

  /// Index into `Cluster.workloads`; nil: the objects have no such DaemonSet.
  private(set) var daemonSet: Int?
  /// The agents' Pods by node: indexes into `Cluster.pods`.
  private(set) var pods: [String: Int] = [:]

  init(_ intent: Cluster, _ objects: ObjectIndex) {
    daemonSet = intent.workloads.firstIndex {
      $0.kind == .daemonSet && Self.name($0.name, in: $0.namespace) != nil
    }
    for namespace in Self.namespaces {
      for index in objects.podsOfNamespace[namespace] ?? [] {
        let pod = intent.pods[Int(index)]
        if !pod.isOver, pod.hostNetwork, Self.name(pod.name, in: namespace) != nil { pods[pod.node] = Int(index) }
      }
    }
  }

  /// Why it fails on a node, as far as its own objects tell; nil: they do not show that it does.
  func fault(on node: String, _ objects: ObjectIndex, _ intent: Cluster) -> Explanation? {
    if let index = pods[node], !intent.pods[index].ready { return fault(intent.pods[index], objects, intent) }
    guard let index = daemonSet else { return nil }
    let set = intent.workloads[index]
    if set.wanted == 0 {
      let selector = set.nodeSelector.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
      let isStrange = set.nodeSelector.contains { pair in
        !intent.nodes.contains { $0.labels.contains { $0.key == pair.key && $0.value == pair.value } }
      }
      let patch = set.nodeSelector.filter { !["kubernetes.io/os", "kubernetes.io/arch"].contains($0.key) }.map {
        "\"\($0.key)\":null"
      }
      .joined(separator: ",")
      return Explanation(
        cause: "DaemonSet \(set.fullName) is to run on no node"
          + (isStrange ? " ← its nodeSelector \(selector) fits none of them" : ""),
        evidence: [
          intent.evidence(set, ": 0 desired, nodeSelector \(selector.isEmpty ? "none" : selector)")
        ],
        fix: patch.isEmpty
          ? [.look("kubectl -n \(set.namespace) describe daemonset \(set.name)")]
          : [
            .command(
              "kubectl -n \(set.namespace) patch daemonset \(set.name) -p \("{\"spec\":{\"template\":{\"spec\":{\"nodeSelector\":{\(patch)}}}}}")"
            )
          ],
        verify: ["kubectl -n \(set.namespace) rollout status daemonset \(set.name)"])
    }
    guard set.ready < set.wanted || pods[node] == nil && !pods.isEmpty else { return nil }
    return Explanation(
      cause: "DaemonSet \(set.fullName) is ready on \(set.ready) of \(set.wanted) nodes"
        + (pods[node] == nil && !pods.isEmpty ? ", and has no Pod on \(node)" : ""),
      evidence: [intent.evidence(set, ": \(set.ready) of \(set.wanted) ready")],
      fix: [
        .look(
          "kubectl -n \(set.namespace) get pods -o wide --field-selector spec.nodeName=\(node)",
          why: "that of \(set.name): its status, then its log"),
        .look("ls /etc/cni/net.d /opt/cni/bin", why: "on \(node): the plugin's configuration and program"),
      ],
      verify: ["kubectl -n \(set.namespace) rollout status daemonset \(set.name)"])
  }

  private func fault(_ pod: Pod, _ objects: ObjectIndex, _ intent: Cluster) -> Explanation {
    let own = PodFault.of(pod, objects, intent)
    var explanation = own.explanation(pod, objects, intent)
    explanation.cause = "Pod \(pod.fullName) on \(pod.node) is not ready ← \(explanation.cause)"
    explanation.fix =
      [
        .look(
          "kubectl -n \(pod.namespace) logs \(pod.name)\(own.kind == .crash ? " --previous" as ShellCommand : "")",
          why: "its log")
      ]
      + explanation.fix.filter { !$0.text.contains(" logs ") }
    return explanation
  }

  /// Commands for a plugin of which no object tells more.
  static func commands(_ node: String) -> [Fix] {
    [
      .look(
        "kubectl get pods -A -o wide --field-selector spec.nodeName=\(node)",
        why: "the network plugin's agent: its status, then its log"),
      .look("ls /etc/cni/net.d /opt/cni/bin", why: "on \(node): the plugin's configuration and program"),
    ]
  }
}

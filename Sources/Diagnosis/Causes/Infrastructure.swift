import Intent

/// Pods of the cluster's own machinery, told by the names and labels that their makers give them.
extension Pod {
  var isKubeProxy: Bool {
    namespace == "kube-system"
      && (name.hasPrefix("kube-proxy-") && labels.contains { $0.value == "kube-proxy" } || name == "kube-proxy")
  }

  /// Of MetalLB: what announces addresses.
  var isLoadBalancerSpeaker: Bool {
    namespace.hasPrefix("metallb")
      && (name.hasPrefix("speaker") || name.contains("-speaker-")
        || labels.contains { $0.key.hasSuffix("component") && $0.value == "speaker" })
  }

  var isLoadBalancerController: Bool {
    namespace.hasPrefix("metallb")
      && (name.hasPrefix("controller") || name.contains("-controller-")
        || labels.contains { $0.key.hasSuffix("component") && $0.value == "controller" })
  }
}

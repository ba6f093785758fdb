import Findings
import Intent

/// A service mesh and what else is set do not agree: a NetworkPolicy closes the port of its tunnels, or sidecars take mutual
/// TLS only, and clients have no sidecar.
enum MeshPolicy: Check {
  static let id = "mesh-policy"

  /// HBONE of Istio's ambient mode: every connection between its Pods comes in at this port.
  private static let tunnelPort: UInt16 = 15008

  static func run(_ context: CheckContext) -> [Finding] { closedTunnels(context) + strict(context) }

  private static func isAmbient(_ namespace: String, _ pod: Pod, _ intent: Cluster) -> Bool {
    func mode(_ labels: [(key: String, value: String)]) -> String? {
      labels.first { $0.key == "istio.io/dataplane-mode" }?.value
    }
    return (mode(pod.labels) ?? mode(intent.namespaces[namespace] ?? [])) == "ambient"
  }

  private static func closedTunnels(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    var closed: [Int: [Pod]] = [:]
    for pod in intent.pods where !pod.hostNetwork && !pod.isOver && intent.policiesOfNamespace[pod.namespace] != nil {
      guard isAmbient(pod.namespace, pod, intent),
        case .denied(let policies) = intent.policyVerdict(.ingress, of: pod, with: .anybody, port: tunnelPort, .tcp)
      else { continue }
      for policy in policies { closed[policy, default: []].append(pod) }
    }
    return closed.sorted { $0.key < $1.key }.map { index, pods in
      let policy = intent.networkPolicies[index]
      let services = services(of: pods, context)
      return Finding(
        id: id, severity: .error, confidence: .likely,
        subject: Finding.Subject(kind: "NetworkPolicy", namespace: policy.namespace, name: policy.name),
        problem:
          "NetworkPolicy \(policy.fullName) closes port \(tunnelPort) to Pods of the ambient mesh: \(services.isEmpty ? "Pod \(pods[0].fullName)" : services) cannot be reached by other Pods of it",
        cause:
          "in ambient mode all traffic between Pods arrives as HBONE at port \(tunnelPort), and no ingress rule of the policy allows it",
        evidence: [
          intent.evidence(
            "NetworkPolicy", policy.name, policy.fullName, in: policy.file,
            ": isolates \(pods.count) Pods for ingress, without port \(tunnelPort)")
        ],
        fix: [
          .look(
            policy.editCommand, why: "allow TCP port \(tunnelPort) in spec.ingress, beside the ports of the application"
          )
        ],
        verify: ["kubectl -n \(policy.namespace) describe networkpolicy \(policy.name)"])
    }
  }

  private static func services(of pods: [Pod], _ context: CheckContext) -> String {
    let indexes = pods.flatMap(\.addresses).compactMap { context.intent.podOfAddress[$0] }
    return context.names(of: context.objects.services(ofPods: indexes))
  }

  // MARK: STRICT

  /// Where the mesh' own configuration lives, whose policies are for all namespaces.
  private static let root = "istio-system"

  private static func strict(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard !intent.peerAuthentications.isEmpty else { return [] }
    // Clients without a sidecar, where there are some with one.
    let outsiders = intent.pods.filter {
      !$0.hostNetwork && $0.ready && !$0.hasMeshProxy && $0.namespace != root && $0.namespace != "kube-system"
        && !isAmbient($0.namespace, $0, intent)
    }
    return intent.peerAuthentications.filter { $0.mode == "STRICT" }.compactMap { policy in
      let servers = intent.pods.filter { pod in
        pod.hasMeshProxy && (policy.namespace == root || pod.namespace == policy.namespace)
          && (policy.selector?.matches(pod.labels) ?? true)
      }
      guard let server = servers.first,
        let outsider = outsiders.first(where: { $0.namespace == server.namespace }) ?? outsiders.first
      else { return nil }
      let isOwn = outsider.namespace == server.namespace
      return Finding(
        id: id, severity: isOwn ? .error : .info, confidence: .likely,
        subject: Finding.Subject(kind: "PeerAuthentication", namespace: policy.namespace, name: policy.name),
        problem:
          "Pods without a sidecar, e.g. \(outsider.fullName), are reset by those that \(policy.fullName) covers: \(services(of: servers, context))",
        cause:
          "the sidecars take mutual TLS only (mode STRICT), and \(outsider.fullName) speaks plaintext ← it was made before injection was on, or its namespace has no label istio-injection=enabled",
        evidence: [
          intent.evidence(
            "PeerAuthentication", policy.name, policy.fullName, in: policy.file, ": mtls.mode STRICT"),
          intent.evidence(outsider, ": no container istio-proxy"),
        ],
        fix: [
          .advice(
            "give the clients a sidecar: \("kubectl label namespace \(outsider.namespace) istio-injection=enabled" as ShellCommand), then make their Pods anew"
          ),
          .advice(
            "or take plaintext too while they have none: mtls.mode PERMISSIVE in PeerAuthentication \(policy.fullName)"),
        ],
        verify: ["istioctl x describe pod \("\(server.name).\(server.namespace)")"])
    }
  }
}

import Findings
import Intent

/// Why the API server does not let a controller make Pods, told by its words.
enum RefusedPods {
  /// What a workload's condition or Events say; nil: nobody refuses.
  static func words(_ index: Int, _ objects: ObjectIndex, _ intent: Cluster) -> (text: String, event: ClusterEvent?)? {
    let workload = intent.workloads[index]
    var own = [workload]
    // A Deployment's ReplicaSets make its Pods.
    if workload.kind == .deployment {
      own += (objects.workloadsOfNamespace[workload.namespace] ?? []).map { intent.workloads[$0] }.filter {
        $0.kind == .replicaSet && $0.owner?.kind == "Deployment" && $0.owner?.name == workload.name && $0.wanted > 0
      }
    }
    let events = own.flatMap { objects.events(of: $0, intent) }.filter { $0.reason == "FailedCreate" }
    for candidate in own {
      if let complaint = candidate.complaint,
        complaint.reason == "FailedCreate" || complaint.message.contains("forbidden")
      {
        return (complaint.message, events.first)
      }
    }
    // Where the ReplicaSets are not among the objects, their Events still name them.
    let named = objects.refusals[ObjectIndex.Name(namespace: workload.namespace, name: workload.name)]
    return (events.first ?? named.map { intent.events[$0] }).map { ($0.message, $0) }
  }

  /// `isGiven`: the workload is among the objects, and not only its Events.
  static func explanation(
    _ workload: Workload, _ words: String, _ event: ClusterEvent?, _ intent: Cluster, isGiven: Bool = true
  ) -> Explanation {
    let place: ShellCommand = "kubectl -n \(workload.namespace)"
    let name = workload.kubectlName
    var result = Explanation(
      cause:
        "\(workload.kind.rawValue) \(workload.fullName) may not make its Pods (ReplicaFailure, FailedCreate: \(Explanation.quoted(words)))",
      evidence: isGiven
        ? [intent.evidence(workload, ": \(workload.wanted) wanted, \(workload.current) exist")] : [],
      verify: ["\(place) rollout status \(name) --timeout=60s"])
    if let event { result.evidence.append(intent.evidence(event)) }
    if words.contains("violates PodSecurity") {
      let level =
        words.components("violates PodSecurity \"", "\"").first?.split(separator: ":").first.map(String.init)
        ?? "restricted"
      result.cause +=
        " ← Pod Security: namespace \(workload.namespace) enforces “\(level)”, which the Pod's template does not meet"
      result.fix = [
        .advice("correct securityContext in the template of \(name) as the message says"),
        .advice(
          "or, if the namespace may be laxer: kubectl label --overwrite namespace \(workload.namespace) pod-security.kubernetes.io/enforce=baseline"
        ),
      ]
    } else if words.contains("exceeded quota") {
      let quota = words.components("exceeded quota: ", ",").first ?? ""
      result.cause += " ← the namespace's ResourceQuota \(quota) is used up"
      result.fix = [
        .look(
          "\(place) describe resourcequota \(quota.isEmpty ? "" : "\(quota)" as ShellCommand)",
          why: "raise it, lower the requests, or scale something down")
      ]
    } else if words.contains("failed quota") || words.contains("must specify") {
      result.cause += " ← a ResourceQuota wants requests and limits, which the containers do not have"
      result.fix = [
        .command(
          "\(place) set resources \(workload.kubectlName) --requests=cpu=100m,memory=128Mi --limits=memory=256Mi")
      ]
    } else if words.contains("failed calling webhook") {
      let webhook = words.components("failed calling webhook \"", "\"").first ?? "?"
      let service = words.components("no endpoints available for service \"", "\"").first
      let isCertificate = words.contains("x509") || words.contains("certificate")
      result.cause +=
        service.map { " ← Service \($0) of the admission webhook \(webhook) has no endpoint" }
        ?? (isCertificate
          ? " ← the API server does not trust the certificate of the admission webhook \(webhook)"
          : " ← the API server gets no answer from the admission webhook \(webhook)")
      result.fix =
        (service.map { [.look("kubectl get pods -A -o wide", why: "the Pods behind \($0): why are none ready")] } ?? [])
        + (isCertificate
          ? [
            .advice("renew that certificate, or write its CA into clientConfig.caBundle of the webhook's configuration")
          ]
          : [])
        + [
          .look(
            "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
            why: "that of \(webhook): its Service must have ready endpoints, its CA bundle must fit")
        ]
    } else if words.contains("admission webhook") && words.contains("denied the request") {
      result.cause += " ← an admission webhook forbids it"
      result.fix = [.advice("correct the template of \(name) as the message says")]
    } else if words.contains("serviceaccount") || words.contains("service account") {
      let account =
        words.components("serviceaccount \"", "\"").first ?? words.components("service account ", ":").first ?? "NAME"
      let bare = account.split(separator: "/").last.map(String.init) ?? account
      result.cause += " ← its ServiceAccount does not exist"
      result.fix = [
        .command("\(place) create serviceaccount \(bare)", why: "or correct serviceAccountName in the template")
      ]
    } else if words.contains("maximum ") || words.contains("minimum ") {
      result.cause += " ← a LimitRange of the namespace"
      result.fix = [.look("\(place) describe limitrange")]
    } else if words.contains("PriorityClass") {
      result.cause += " ← its PriorityClass does not exist"
      result.fix = [.look("kubectl get priorityclasses", why: "correct priorityClassName in the template of \(name)")]
    } else {
      result.fix = [.look("\(place) describe \(workload.kind.rawValue.lowercased()) \(workload.name)")]
    }
    return result
  }
}

import Findings
import Intent

/// Pods do not become ready, and waiting will not help: which, and why.
enum PodNotReady: Check {
  static let id = "pod-not-ready"

  static func run(_ context: CheckContext) -> [Finding] {
    behindServices(context) + others(context) + fromEvents(context)
  }

  private static func behindServices(_ context: CheckContext) -> [Finding] {
    context.endpointCauses.entries.compactMap { entry in
      guard case .pod(let index) = entry.cause else { return nil }
      let pod = context.intent.pods[index]
      let service = context.intent.services[entry.services[0]]
      let count = context.objects.pods(ofService: entry.services[0]).count
      let explanation = entry.explanation
      return Finding(
        id: id, severity: .error, confidence: explanation.confidence, subject: context.subject(service),
        problem:
          "\(count == 1 ? "the only Pod" : "all \(count) Pods") of \(context.names(of: entry.services)) \(count == 1 ? "is" : "are") not ready\(count > 1 ? ", e.g. \(pod.fullName)" : ": \(pod.fullName)")",
        cause: explanation.cause, evidence: explanation.evidence, fix: explanation.fix, verify: explanation.verify)
    }
  }

  // MARK: Events alone

  /// Where somebody hands over Events and no Pods: what they say of Pods, as if these had been there.
  private static func fromEvents(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard intent.pods.isEmpty else { return [] }
    var seen: Set<ClusterEvent.Subject> = []
    return intent.events.compactMap { event in
      guard event.isWarning, event.subject.kind == "Pod", seen.insert(event.subject).inserted else { return nil }
      let pod = pod(event.subject, context)
      let fault = PodFault.of(pod, context.objects, intent)
      // A probe that failed once is everyday life.
      guard fault.event != nil, fault.kind != .notReady || event.count > 1 else { return nil }
      let explanation = fault.explanation(pod, context.objects, intent)
      return Finding(
        id: id, severity: .error, confidence: .likely,
        subject: Finding.Subject(kind: "Pod", namespace: pod.namespace, name: pod.name),
        problem: "Pod \(pod.fullName) does not run, as its Events tell", cause: explanation.cause,
        evidence: explanation.evidence.filter { $0.line != nil || $0.text.hasPrefix("Event") }, fix: explanation.fix,
        verify: explanation.verify)
    }
  }

  /// A Pod as its Events show it.
  private static func pod(_ subject: ClusterEvent.Subject, _ context: CheckContext) -> Pod {
    var pod = Pod(namespace: subject.namespace, name: subject.name)
    let events = context.objects.events("Pod", subject.namespace, subject.name, context.intent)
    var trouble = PodTrouble()
    var container = ContainerTrouble(name: "")
    if let pull = events.first(where: { $0.reason == "Failed" && $0.message.contains("pull image") }) {
      container.waiting = "ErrImagePull"
      container.image = pull.message.components("image \"", "\"").first ?? ""
    } else if events.contains(where: { $0.reason == "BackOff" && $0.message.contains("restarting failed container") }) {
      container.waiting = "CrashLoopBackOff"
    } else if let failed = events.first(where: { $0.reason == "Failed" }) {
      container.waiting = "CreateContainerError"
      container.waitingMessage = failed.message
    }
    if !container.waiting.isEmpty { trouble.containers = [container] }
    let isRunning = events.contains { $0.reason == "Unhealthy" } || container.waiting == "CrashLoopBackOff"
    pod.phase = isRunning ? "Running" : "Pending"
    if !events.contains(where: { $0.reason == "FailedScheduling" }) {
      pod.node = events.first { !$0.host.isEmpty }?.host ?? "its node"
    }
    pod.trouble = trouble
    pod.hasStatus = true
    return pod
  }

  private struct Key: Hashable {
    var namespace: String
    var maker: ObjectOwner
    var kind: PodFault.Kind
  }

  /// Those whose Service has other Pods, or that are behind none: one finding for what made them.
  private static func others(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    var groups: [Key: [Int]] = [:]
    var order: [Key] = []
    var faults: [Int: PodFault] = [:]
    for (index, pod) in intent.pods.enumerated() where !pod.ready && pod.hasStatus && pod.trouble != nil && !pod.isOver
    {
      // Infrastructure has findings of its own.
      if isTold(pod, index, context) { continue }
      let fault = PodFault.of(pod, context.objects, intent)
      guard fault.isLasting, fault.kind != .nodeDown, fault.kind != .networkPlugin, fault.kind != .addresses,
        fault.kind != .notReady || fault.event != nil
      else { continue }
      let maker = context.objects.maker(of: pod, intent) ?? ObjectOwner(kind: "Pod", name: pod.name)
      let key = Key(namespace: pod.namespace, maker: maker, kind: fault.kind)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(index)
      faults[index] = fault
    }
    return order.map { key in
      let pods = groups[key]!
      let pod = intent.pods[pods[0]]
      let services = context.objects.services(ofPods: pods)
      let explanation = faults[pods[0]]!.explanation(pod, context.objects, intent)
      let served = services.isEmpty ? "" : "; \(context.names(of: services)) has other Pods"
      return Finding(
        id: id, severity: isWhole(key, pods, context) ? .error : .warning, confidence: explanation.confidence,
        subject: Finding.Subject(kind: key.maker.kind, namespace: key.namespace, name: key.maker.name),
        problem:
          "\(pods.count == 1 ? "Pod \(pod.fullName) is" : "\(pods.count) Pods of \(key.maker.kind) \(key.namespace)/\(key.maker.name) are") not ready\(served)",
        cause: explanation.cause, evidence: explanation.evidence, fix: explanation.fix, verify: explanation.verify)
    }
  }

  private static func isTold(_ pod: Pod, _ index: Int, _ context: CheckContext) -> Bool {
    if context.objects.services(ofPods: CollectionOfOne(index)).contains(where: {
      context.endpointCauses.ofService[$0] != nil
    }) {
      return true
    }
    return ControlPlane.component(of: pod) != nil || NetworkPlugin.name(pod.name, in: pod.namespace) != nil
      || pod.isKubeProxy || pod.isLoadBalancerSpeaker
  }

  /// None of what a workload made is ready: it does nothing, Service or no Service.
  private static func isWhole(_ key: Key, _ pods: [Int], _ context: CheckContext) -> Bool {
    guard key.maker.kind != "Job" else { return false }
    return !(context.objects.podsOfNamespace[key.namespace] ?? []).contains { index in
      let pod = context.intent.pods[Int(index)]
      return pod.ready && context.objects.maker(of: pod, context.intent) == key.maker
    } && !pods.contains(where: context.objects.isSelected)
  }
}

import Findings
import Intent
import Wire

/// Why a Service has no endpoint, at its root: what one finding tells, however many Services it hurts.
enum EndpointCause: Hashable, Sendable {
  /// The objects do not tell, or nothing selects.
  case untold
  /// The Pod that shows it; index into `Cluster.pods`.
  case pod(Int)
  case node(String)
  case networkPlugin(node: String)
  case addresses(node: String)
  case controlPlane(ControlPlane.Component)
  /// It has no Pods; index into `Cluster.workloads`.
  case workload(Int)
  /// It may not make its Pods, as an Event says; only its name is known.
  case refused(ObjectIndex.Name)
  /// Index into `Cluster.services`.
  case selector(Int)
  case volume(ObjectIndex.Name)
  /// Ready Pods match and are in no EndpointSlice.
  case unwritten(Int)
  /// No Pod has a port of the name.
  case targetPort(service: Int, port: Int)

  /// The check whose finding tells of it; nil: none does.
  var check: String? {
    switch self {
    case .untold: nil
    case .pod: PodNotReady.id
    case .node: NodeNotReady.id
    case .networkPlugin: NetworkPluginDown.id
    case .addresses: IPAMExhausted.id
    case .controlPlane: ControlPlaneDown.id
    case .workload, .refused: NoPods.id
    case .selector: SelectorMismatch.id
    case .volume: VolumeNotBound.id
    case .unwritten: EndpointsNotWritten.id
    case .targetPort: TargetPortMismatch.id
    }
  }

  /// It is a thing of its own, wrong whatever Services suffer: its own finding is the one to act on. The others are told at
  /// the Service.
  var standsAlone: Bool {
    switch self {
    case .node, .networkPlugin, .addresses, .controlPlane, .targetPort, .volume: true
    case .untold, .pod, .workload, .refused, .selector, .unwritten: false
    }
  }
}

/// The causes of all Services without endpoints.
struct EndpointCauses: Sendable {
  struct Entry: Sendable {
    var cause: EndpointCause
    /// Indexes into `Cluster.services`, in order.
    var services: [Int]
    /// Of the first of them.
    var explanation: Explanation
  }

  private(set) var entries: [Entry] = []
  private var index: [EndpointCause: Int] = [:]
  /// Index into `entries` by Service.
  private(set) var ofService: [Int: Int] = [:]

  init(
    _ withoutEndpoints: [(service: Int, port: Int, version: IPVersion)], _ intent: Cluster, _ finder: CauseFinder
  ) {
    for entry in withoutEndpoints where ofService[entry.service] == nil {
      let (cause, explanation) = finder.cause(service: entry.service, port: entry.port)
      if cause != .untold, let known = index[cause] {
        entries[known].services.append(entry.service)
        ofService[entry.service] = known
        continue
      }
      index[cause] = entries.count
      ofService[entry.service] = entries.count
      entries.append(Entry(cause: cause, services: [entry.service], explanation: explanation))
    }
  }

  func entry(_ cause: EndpointCause) -> Entry? { index[cause].map { entries[$0] } }
}

/// Looks for the cause of one Service.
struct CauseFinder {
  let intent: Cluster
  let objects: ObjectIndex
  let controlPlane: ControlPlane
  let plugin: NetworkPlugin

  init(_ intent: Cluster) {
    let objects = ObjectIndex(intent)
    self.init(
      intent: intent, objects: objects, controlPlane: ControlPlane(intent, objects),
      plugin: NetworkPlugin(intent, objects))
  }

  init(intent: Cluster, objects: ObjectIndex, controlPlane: ControlPlane, plugin: NetworkPlugin) {
    (self.intent, self.objects, self.controlPlane, self.plugin) = (intent, objects, controlPlane, plugin)
  }

  func cause(service index: Int, port: Int) -> (EndpointCause, Explanation) {
    let service = intent.services[index]
    if service.selector.isEmpty {
      return (
        .untold,
        Explanation(
          cause:
            "no EndpointSlice gives it a ready endpoint, and it has no selector: nobody but you writes its endpoints",
          fix: [
            .look(service.editCommand, why: "give it spec.selector, if Pods of the cluster serve it"),
            .advice(
              "else write an EndpointSlice with the label kubernetes.io/service-name: \(service.name) and the servers' addresses"
            ),
          ], confidence: .likely)
      )
    }
    if intent.pods.isEmpty, intent.workloads.isEmpty {
      return (.untold, Explanation(cause: "no ready endpoint in its EndpointSlices", confidence: .likely))
    }
    let pods = objects.pods(ofService: index)
    if pods.isEmpty { return withoutPods(index) }
    let ready = objects.readyPods(ofService: index)
    return ready.isEmpty ? unready(pods) : withReadyPods(index, port, ready, of: pods.count)
  }

  // MARK: no Pod

  private func withoutPods(_ index: Int) -> (EndpointCause, Explanation) {
    let service = intent.services[index]
    for found in objects.workloads(matching: service.selector, in: service.namespace, intent) {
      if let (cause, explanation) = empty(found) { return (cause, explanation) }
    }
    // An Event may name one that is not among the objects.
    for name in [service.name] + service.selector.map(\.value) {
      let key = ObjectIndex.Name(namespace: service.namespace, name: name)
      guard let event = objects.refusals[key].map({ intent.events[$0] }) else { continue }
      let maker = Workload(
        event.subject.kind == "ReplicaSet" ? .deployment : Workload.Kind(rawValue: event.subject.kind) ?? .deployment,
        namespace: service.namespace, name: name)
      return (
        .refused(key), RefusedPods.explanation(maker, event.message, event, intent, isGiven: false)
      )
    }
    return (.selector(index), SelectorMismatch.explanation(index, objects, intent))
  }

  /// Why a workload that makes the Pods has none; nil: it should have some, and they may be missing from the objects only.
  private func empty(_ index: Int) -> (EndpointCause, Explanation)? {
    let workload = intent.workloads[index]
    let place: ShellCommand = "kubectl -n \(workload.namespace)"
    let name = workload.kubectlName
    let said = intent.evidence(workload, ": \(workload.wanted) wanted, \(workload.current) exist")
    if workload.kind != .daemonSet, workload.wanted == 0 {
      return (.workload(index), NoPods.scaledToZero(workload, said, objects, intent))
    }
    if let (words, event) = RefusedPods.words(index, objects, intent) {
      return (.workload(index), RefusedPods.explanation(workload, words, event, intent))
    }
    if workload.kind == .daemonSet, workload.wanted == 0 {
      let selector = workload.nodeSelector.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
      return (
        .workload(index),
        Explanation(
          cause: "DaemonSet \(workload.fullName) is to run on no node"
            + (selector.isEmpty ? "" : " ← its nodeSelector \(selector) fits none"), evidence: [said],
          fix: [
            .look("kubectl get nodes --show-labels"),
            .look("\(place) edit \(name)", why: "nodeSelector, affinity and tolerations of its template"),
          ],
          verify: ["\(place) rollout status \(name) --timeout=60s"])
      )
    }
    guard workload.current == 0 else { return nil }
    if let fault = controlPlane.faults[.controllerManager] {
      var explanation = fault.explanation
      explanation.cause =
        "kube-controller-manager is down, so nobody makes the Pods of \(workload.kind.rawValue) \(workload.fullName) ← \(explanation.cause)"
      explanation.evidence.append(said)
      return (.controlPlane(.controllerManager), explanation)
    }
    if workload.isUnobserved {
      return (
        .workload(index),
        Explanation(
          cause:
            "\(workload.kind.rawValue) \(workload.fullName) wants \(workload.wanted) Pods and has none: no controller has looked at it ← kube-controller-manager does not run, or does not lead",
          evidence: [said], fix: [.look("kubectl -n kube-system get pods -l component=kube-controller-manager")],
          verify: ["\(place) rollout status \(name) --timeout=60s"], confidence: .likely)
      )
    }
    return (
      .workload(index),
      Explanation(
        cause: "\(workload.kind.rawValue) \(workload.fullName) wants \(workload.wanted) Pods and has none"
          + (workload.complaint.map { " (\($0.reason): \(Explanation.quoted($0.message)))" } ?? ""),
        evidence: [said],
        fix: [.look("\(place) describe \(workload.kind.rawValue.lowercased()) \(workload.name)", why: "its Events")],
        verify: ["\(place) rollout status \(name) --timeout=60s"], confidence: .likely)
    )
  }

  // MARK: ready Pods

  private func withReadyPods(_ index: Int, _ port: Int, _ ready: [Int32], of count: Int) -> (EndpointCause, Explanation)
  {
    let examples = ready.prefix(Self.examined).map { intent.pods[Int($0)] }
    let service = intent.services[index]
    let wanted = service.ports[port].targetPort
    if !wanted.isEmpty, UInt16(wanted) == nil,
      !ready.contains(where: { intent.pods[Int($0)].ports.contains { $0.name == wanted } })
    {
      return (
        .targetPort(service: index, port: port),
        TargetPortMismatch.explanation(service, service.ports[port], examples, intent)
      )
    }
    if let fault = controlPlane.faults[.controllerManager] {
      var explanation = fault.explanation
      explanation.cause = "kube-controller-manager is down, so nobody writes EndpointSlices ← \(explanation.cause)"
      return (.controlPlane(.controllerManager), explanation)
    }
    if let version = service.clusterIPs.first?.version,
      !ready.contains(where: { intent.pods[Int($0)].addresses.contains { $0.version == version } })
    {
      return (
        .unwritten(index),
        EndpointsNotWritten.otherVersion(service, version, examples, intent)
      )
    }
    return (
      .unwritten(index), EndpointsNotWritten.explanation(service, examples, ready: ready.count, of: count, intent)
    )
  }

  // MARK: unready Pods

  /// So many of them are looked at.
  private static let examined = 200

  private func unready(_ pods: [Int32]) -> (EndpointCause, Explanation) {
    let faults = pods.prefix(Self.examined).map { Int($0) }.map {
      (pod: $0, fault: PodFault.of(intent.pods[$0], objects, intent))
    }
    // What failed and is over tells nothing while there are others.
    let living = faults.filter { $0.fault.kind != .failed }
    let chosen = (living.isEmpty ? faults : living).min { $0.fault.kind.rawValue < $1.fault.kind.rawValue }!
    let pod = intent.pods[chosen.pod]
    var explanation = chosen.fault.explanation(pod, objects, intent)
    let more = faults.filter { $0.pod != chosen.pod }.prefix(4)
    explanation.evidence += more.map { PodFault.evidence(intent.pods[$0.pod], intent) }
    if chosen.fault.kind == .evicted,
      let other = more.first(where: { $0.fault.kind == .unscheduled })
    {
      explanation.cause += " ← its replacement is not placed: \(Explanation.quoted(other.fault.words))"
    }
    switch chosen.fault.kind {
    case .nodeDown: return (.node(pod.node), explanation)
    case .networkPlugin:
      if objects.nodes[pod.node].map({ !intent.nodes[$0].ready }) ?? false { return (.node(pod.node), explanation) }
      return (.networkPlugin(node: pod.node), explanation)
    case .addresses: return (.addresses(node: pod.node), explanation)
    case .notScheduledYet where pod.trouble?.scheduler.isEmpty ?? true:
      if let fault = controlPlane.faults[.scheduler] {
        var told = fault.explanation
        told.cause = "kube-scheduler is down, so Pod \(pod.fullName) is placed on no node ← \(told.cause)"
        told.evidence += explanation.evidence
        return (.controlPlane(.scheduler), told)
      }
    // A table does not tell what a Pod mounts: the one claim that waits beside it is likely its.
    case .unscheduled where chosen.fault.words.isEmpty && intent.hasTexts:
      let waiting = intent.claims.filter { $0.namespace == pod.namespace && $0.phase == "Pending" }
      var mounting = pod
      mounting.trouble = mounting.trouble ?? PodTrouble()
      mounting.trouble!.claims = waiting.map(\.name)
      guard waiting.count == 1, let (name, told) = VolumeNotBound.explanation(mounting, objects, intent) else { break }
      var whole = told
      whole.cause = "\(explanation.cause) ← \(told.cause)"
      whole.evidence = explanation.evidence + told.evidence
      whole.confidence = .likely
      return (.volume(name), whole)
    case .volume:
      if let (name, told) = VolumeNotBound.explanation(pod, objects, intent) {
        var whole = told
        whole.cause = "\(explanation.cause) ← \(told.cause)"
        whole.evidence = explanation.evidence + told.evidence
        return (.volume(name), whole)
      }
    default: break
    }
    if living.isEmpty == false, living.allSatisfy({ $0.fault.kind == .terminating }) {
      explanation.cause =
        "\(pods.count == 1 ? "its only Pod is" : "all \(pods.count) Pods are") being deleted, and nothing takes their place ← a scale-down to zero, a drain, or a rollout whose new Pods do not come up"
      explanation.fix = [
        .look("kubectl -n \(pod.namespace) get deployments,statefulsets,daemonsets", why: "wanted and ready replicas")
      ]
    }
    return (.pod(chosen.pod), explanation)
  }
}

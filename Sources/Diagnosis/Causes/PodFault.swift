import Findings
import Intent

/// What keeps a Pod from serving, as far as its status and its Events tell.
struct PodFault: Sendable {
  /// The gravest first: of several Pods the one with the lowest is told of.
  enum Kind: Int, Sendable, Hashable {
    case nodeDown, evicted, image, configuration, crash, mount, addresses, networkPlugin, sandbox, volume, unscheduled
    case notScheduledYet, notReady, gate, initialising, starting, terminating, failed, unknown
  }

  var kind: Kind
  /// The words in which the cluster tells of it; may be empty.
  var words = ""
  /// The container that it is about.
  var container: ContainerTrouble?
  /// The Event that tells of it.
  var event: ClusterEvent?

  /// It will not go away by waiting.
  var isLasting: Bool {
    switch kind {
    case .initialising, .starting, .terminating, .notScheduledYet, .unknown: false
    default: true
    }
  }

  init(_ kind: Kind, words: String = "", container: ContainerTrouble? = nil, event: ClusterEvent? = nil) {
    self.kind = kind
    self.words = words
    self.container = container
    self.event = event
  }

  /// Of a Pod that is not ready.
  static func of(_ pod: Pod, _ objects: ObjectIndex, _ intent: Cluster) -> PodFault {
    let events = objects.events(of: pod, intent)
    let trouble = pod.trouble ?? PodTrouble()
    let isNodeDown = objects.nodes[pod.node].map { !intent.nodes[$0].ready } ?? false
    if trouble.reason == "Evicted" {
      return PodFault(.evicted, words: trouble.message, event: event(events, "Evicted"))
    }
    // A Pod that is being deleted and does not go waits for a kubelet that does not answer.
    if isNodeDown, !blamesPlugin(events) { return PodFault(.nodeDown) }
    if pod.isTerminating { return PodFault(.terminating) }
    if pod.phase == "Unknown" || trouble.reason == "NodeLost" { return PodFault(.nodeDown, words: trouble.reason) }
    if pod.phase == "Failed" {
      return PodFault(.failed, words: [trouble.reason, trouble.message].filter { !$0.isEmpty }.joined(separator: ": "))
    }
    if pod.node.isEmpty, pod.addresses.isEmpty { return unscheduled(pod, trouble, events, objects, intent) }
    for container in trouble.containers.sorted(by: { $0.isInit && !$1.isInit }) {
      if let fault = of(container, events) { return fault }
    }
    if let fault = creating(pod, trouble, events, isNodeDown) { return fault }
    return running(pod, trouble, events)
  }

  static func event(_ events: [ClusterEvent], _ reasons: String...) -> ClusterEvent? {
    events.first { reasons.contains($0.reason) }
  }

  private static func blamesPlugin(_ events: [ClusterEvent]) -> Bool {
    events.contains { $0.reason == "FailedCreatePodSandBox" || $0.reason == "NetworkNotReady" }
  }

  // MARK: not placed

  private static func unscheduled(
    _ pod: Pod, _ trouble: PodTrouble, _ events: [ClusterEvent], _ objects: ObjectIndex, _ intent: Cluster
  ) -> PodFault {
    let event = event(events, "FailedScheduling")
    if trouble.isGated { return PodFault(.unscheduled, words: trouble.unschedulable ?? "", event: event) }
    let words = trouble.unschedulable.flatMap { $0.isEmpty ? nil : $0 } ?? event?.message
    // A table leaves out what the scheduler says.
    guard let words else { return PodFault(intent.hasTexts ? .unscheduled : .notScheduledYet) }
    let isVolume = [
      "PersistentVolumeClaim", "persistentvolumeclaim", "volume node affinity", "available persistent volumes",
    ]
    .contains { words.contains($0) }
    return PodFault(isVolume ? .volume : .unscheduled, words: words, event: event)
  }

  // MARK: its containers

  private static func of(_ container: ContainerTrouble, _ events: [ClusterEvent]) -> PodFault? {
    switch container.waiting {
    case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
      "RegistryUnavailable", "SignatureValidationFailed":
      // “Back-off pulling image” says nothing; the Event before it does.
      let isSilent = container.waitingMessage.isEmpty || container.waitingMessage.hasPrefix("Back-off")
      let event = event(events, "Failed", "InspectFailed", "ErrImageNeverPull")
      let words = isSilent ? event?.message ?? container.waitingMessage : container.waitingMessage
      return PodFault(.image, words: words, container: container, event: event)
    case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError",
      "PostStartHookError", "PreStartHookError":
      return PodFault(
        .configuration, words: container.waitingMessage, container: container, event: event(events, "Failed"))
    case "CrashLoopBackOff": return crash(container, events)
    case "": break
    default: return nil
    }
    // Between two starts it is ended, not waiting.
    if let end = container.ended, end.exitCode != 0 || container.restarts > 0 { return crash(container, events) }
    // It was started a moment ago, after it had ended badly.
    if !container.ready, let last = container.last, last.exitCode != 0, container.restarts > 0 {
      return crash(container, events)
    }
    return nil
  }

  private static func crash(_ container: ContainerTrouble, _ events: [ClusterEvent]) -> PodFault {
    let probe = events.first {
      $0.message.contains("failed liveness probe") || $0.message.contains("failed startup probe")
    }
    let tells = probe ?? events.first { $0.reason == "Unhealthy" && $0.message.hasPrefix("Liveness probe failed") }
    return PodFault(.crash, words: container.lastEnd?.message ?? "", container: container, event: tells)
  }

  // MARK: not started

  private static let addressComplaints = [
    "no IP addresses available", "failed to assign an IP address", "failed to allocate for range", "no available IP",
    "range is full", "No more IPs available", "no more IPs", "Failed to request address", "all available addresses",
    "out of IP addresses", "unable to allocate IP", "InsufficientFreeAddresses", "no free addresses",
  ]

  static func isAddressComplaint(_ text: String) -> Bool { addressComplaints.contains { text.contains($0) } }

  private static func creating(
    _ pod: Pod, _ trouble: PodTrouble, _ events: [ClusterEvent], _ isNodeDown: Bool
  ) -> PodFault? {
    let waits =
      trouble.containers.isEmpty && pod.phase == "Pending"
      || trouble.containers.contains { ["ContainerCreating", "PodInitializing"].contains($0.waiting) }
    guard waits else { return nil }
    // What a container's status itself says of addresses.
    if let told = trouble.containers.first(where: { isAddressComplaint($0.waitingMessage) }) {
      return PodFault(.addresses, words: told.waitingMessage)
    }
    if let mount = event(events, "FailedMount", "FailedAttachVolume", "FailedMapVolume") {
      return PodFault(.mount, words: mount.message, event: mount)
    }
    if let sandbox = event(events, "FailedCreatePodSandBox", "NetworkNotReady", "FailedPodSandBoxStatus") {
      if isAddressComplaint(sandbox.message) { return PodFault(.addresses, words: sandbox.message, event: sandbox) }
      let isNetwork =
        sandbox.reason == "NetworkNotReady"
        || ["network", "cni", "CNI"].contains { sandbox.message.contains($0) }
      return PodFault(isNetwork ? .networkPlugin : .sandbox, words: sandbox.message, event: sandbox)
    }
    if isNodeDown { return PodFault(.nodeDown) }
    if trouble.containers.contains(where: { $0.isInit && $0.running }) {
      return PodFault(.initialising, container: trouble.containers.first { $0.isInit && $0.running })
    }
    return PodFault(.starting, event: events.first { $0.isWarning })
  }

  // MARK: running

  private static func running(_ pod: Pod, _ trouble: PodTrouble, _ events: [ClusterEvent]) -> PodFault {
    if let gate = trouble.closedGates.first, trouble.containers.isEmpty { return PodFault(.gate, words: gate) }
    let readiness = events.first { $0.reason == "Unhealthy" && $0.message.hasPrefix("Readiness probe") }
    let startup = events.first { $0.reason == "Unhealthy" && $0.message.hasPrefix("Startup probe") }
    let container = trouble.containers.first { !$0.ready && !$0.isInit }
    if pod.phase == "Running" || container != nil {
      let event = readiness ?? startup
      return PodFault(.notReady, words: event?.message ?? "", container: container, event: event)
    }
    return PodFault(.unknown, words: pod.reason)
  }
}

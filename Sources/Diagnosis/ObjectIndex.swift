import Intent
import Wire

/// Who belongs to whom among the cluster's objects. Made in one pass over them; all questions take constant time, apart from
/// the answers' own length.
public struct ObjectIndex: Sendable {
  private struct Label: Hashable {
    var namespace: String
    var key: String
    var value: String
  }

  struct Name: Hashable {
    var namespace: String
    var name: String
  }

  private struct WorkloadName: Hashable {
    var kind: Workload.Kind
    var namespace: String
    var name: String
  }

  /// Services of a namespace that ask for the same labels have the same Pods: what is said of them is kept once.
  private struct Selection: Hashable {
    var namespace: String
    /// In order; of objects without labels also the Service's name.
    var labels: [String]
  }

  /// By the Service's index; nil: it asks for no labels.
  private var selectionOfService: [Int?] = []
  private var servicesOfSelection: [[Int32]] = []
  private var podsOfSelection: [[Int32]] = []
  private var readyPodsOfSelection: [[Int32]] = []
  private var selectionsOfPod: [Int32: [Int32]] = [:]
  private(set) var podsOfNamespace: [String: [Int32]] = [:]
  private(set) var podsOfNode: [String: [Int32]] = [:]
  /// Of the Pods of a namespace that did not end well, one of each set of labels.
  private(set) var labelExamples: [String: [Int32]] = [:]
  private var podsOfLabel: [Label: [Int32]] = [:]
  private(set) var nodes: [String: Int] = [:]
  private(set) var workloadsOfNamespace: [String: [Int]] = [:]
  private var workloads: [WorkloadName: Int] = [:]
  private var events: [ClusterEvent.Subject: [Int]] = [:]
  private(set) var claims: [Name: Int] = [:]
  /// Events FailedCreate of ReplicaSets, by the name that the set is called after: that of its Deployment.
  private(set) var refusals: [Name: Int] = [:]
  /// A Pod of another namespace that fits a Service which matches none of its own; both by index.
  private(set) var strangers: [Int: Int] = [:]

  init(_ intent: Cluster) {
    for (index, node) in intent.nodes.enumerated() { nodes[node.name] = index }
    for (index, workload) in intent.workloads.enumerated() {
      workloadsOfNamespace[workload.namespace, default: []].append(index)
      workloads[WorkloadName(kind: workload.kind, namespace: workload.namespace, name: workload.name)] = index
    }
    for (index, event) in intent.events.enumerated() {
      events[event.subject, default: []].append(index)
      if event.reason == "FailedCreate", let maker = Self.maker(event.subject) {
        refusals[Name(namespace: event.subject.namespace, name: maker)] = index
      }
    }
    for (index, claim) in intent.claims.enumerated() {
      claims[Name(namespace: claim.namespace, name: claim.name)] = index
    }
    matchPods(intent)
    findStrangers(intent)
    if !intent.networkPolicies.isEmpty { indexLabels(intent) }
  }

  /// Selectors are looked for by the one of their labels that the fewest Pods have, which a Pod must have to match.
  private mutating func matchPods(_ intent: Cluster) {
    groupServices(intent)
    var wanted: [Label: [Int]] = [:]
    let common = labelCounts(intent)
    for selection in servicesOfSelection.indices {
      let service = intent.services[Int(servicesOfSelection[selection][0])]
      let labels = service.selector.map { Label(namespace: service.namespace, key: $0.key, value: $0.value) }
      guard let rarest = labels.min(by: { common[$0, default: 0] < common[$1, default: 0] }) else { continue }
      wanted[rarest, default: []].append(selection)
    }
    let named = intent.hasTexts ? selectionsByName(intent) : [:]
    var seen: Set<Selection> = []
    for (index, pod) in intent.pods.enumerated() {
      podsOfNamespace[pod.namespace, default: []].append(Int32(index))
      if !pod.node.isEmpty { podsOfNode[pod.node, default: []].append(Int32(index)) }
      guard pod.phase != "Succeeded", !wanted.isEmpty else { continue }
      if labelExamples[pod.namespace]?.count ?? 0 < Self.maximumExamples {
        let labels = pod.labels.map { "\($0.key)=\($0.value)" } + (pod.isOver ? ["over"] : [])
        if seen.insert(Selection(namespace: pod.namespace, labels: labels)).inserted {
          labelExamples[pod.namespace, default: []].append(Int32(index))
        }
      }
      if intent.hasTexts, pod.labels.isEmpty {
        matchByName(index, pod, named)
        continue
      }
      for label in pod.labels {
        let key = Label(namespace: pod.namespace, key: label.key, value: label.value)
        for selection in wanted[key] ?? []
        where pod.matches(intent.services[Int(servicesOfSelection[selection][0])].selector) {
          add(index, to: selection)
        }
      }
    }
    readyPodsOfSelection = podsOfSelection.map { pods in
      pods.filter { intent.pods[Int($0)].ready && !intent.pods[Int($0)].isTerminating }
    }
  }

  private static let maximumExamples = 512

  private mutating func indexLabels(_ intent: Cluster) {
    for (index, pod) in intent.pods.enumerated() {
      for label in pod.labels {
        podsOfLabel[Label(namespace: pod.namespace, key: label.key, value: label.value), default: []].append(
          Int32(index))
      }
    }
  }

  private mutating func add(_ pod: Int, to selection: Int) {
    podsOfSelection[selection].append(Int32(pod))
    selectionsOfPod[Int32(pod), default: []].append(Int32(selection))
  }

  private mutating func groupServices(_ intent: Cluster) {
    var known: [Selection: Int] = [:]
    for (index, service) in intent.services.enumerated() {
      guard !service.selector.isEmpty else {
        selectionOfService.append(nil)
        continue
      }
      var labels = service.selector.map { "\($0.key)=\($0.value)" }.sorted()
      if intent.hasTexts { labels.append(service.name) }
      let selection = Selection(namespace: service.namespace, labels: labels)
      let number = known[selection] ?? servicesOfSelection.count
      if number == servicesOfSelection.count {
        known[selection] = number
        servicesOfSelection.append([])
        podsOfSelection.append([])
      }
      servicesOfSelection[number].append(Int32(index))
      selectionOfService.append(number)
    }
  }

  /// How many Pods have each label that some selector asks for.
  private func labelCounts(_ intent: Cluster) -> [Label: Int] {
    var counts: [Label: Int] = [:]
    for services in servicesOfSelection {
      let service = intent.services[Int(services[0])]
      for pair in service.selector {
        counts[Label(namespace: service.namespace, key: pair.key, value: pair.value)] = 0
      }
    }
    guard !counts.isEmpty else { return counts }
    for pod in intent.pods {
      for label in pod.labels { counts[Label(namespace: pod.namespace, key: label.key, value: label.value)]? += 1 }
    }
    return counts
  }

  /// Tables of kubectl leave out labels: by name a Pod then belongs to the Services that ask for the name of what made it.
  private func selectionsByName(_ intent: Cluster) -> [Name: [Int]] {
    var named: [Name: [Int]] = [:]
    for (selection, services) in servicesOfSelection.enumerated() {
      let service = intent.services[Int(services[0])]
      for name in Set(service.selector.map(\.value) + [service.name]) {
        named[Name(namespace: service.namespace, name: name), default: []].append(selection)
      }
    }
    return named
  }

  /// `web-6c9f7d5b-x7k2p`, `web-x7k2p`, `web-0`: all that come before a hyphen.
  private mutating func matchByName(_ index: Int, _ pod: Pod, _ named: [Name: [Int]]) {
    var name = pod.name[...]
    while let hyphen = name.lastIndex(of: "-") {
      name = name[..<hyphen]
      guard let selections = named[Name(namespace: pod.namespace, name: String(name))] else { continue }
      for selection in selections { add(index, to: selection) }
      return
    }
  }

  /// The Deployment that a ReplicaSet is named after, which is itself where it is no ReplicaSet: `web` of `web-6c9f7d`. Of
  /// other kinds, the name.
  private static func maker(_ subject: ClusterEvent.Subject) -> String? {
    switch subject.kind {
    case "StatefulSet", "DaemonSet", "Job": return subject.name
    case "ReplicaSet":
      guard let hyphen = subject.name.lastIndex(of: "-") else { return subject.name }
      let hash = subject.name[subject.name.index(after: hyphen)...].utf8
      return (5...10).contains(hash.count) && hash.allSatisfy { hashLetters.contains($0) }
        ? String(subject.name[..<hyphen]) : subject.name
    default: return nil
    }
  }

  /// Those of which Kubernetes makes hashes: no vowels, no digit that looks like one.
  private static let hashLetters = Set("bcdfghjklmnpqrstvwxz2456789".utf8)

  /// So many Services without Pods are looked for elsewhere.
  private static let examined = 200

  private mutating func findStrangers(_ intent: Cluster) {
    var wanted: [Label: [Int]] = [:]
    let lonely = intent.services.indices.filter { pods(ofService: $0).isEmpty }
    for index in lonely.prefix(Self.examined) {
      guard let first = intent.services[index].selector.first else { continue }
      wanted[Label(namespace: "", key: first.key, value: first.value), default: []].append(index)
    }
    guard !wanted.isEmpty else { return }
    for (index, pod) in intent.pods.enumerated() where !pod.isOver {
      for label in pod.labels {
        for service in wanted[Label(namespace: "", key: label.key, value: label.value)] ?? []
        where strangers[service] == nil && pod.matches(intent.services[service].selector) {
          strangers[service] = index
        }
      }
    }
  }

  // MARK: questions

  /// The Pods that a Service's selector matches; those that ended well are none of its.
  func pods(ofService index: Int) -> [Int32] { selectionOfService[index].map { podsOfSelection[$0] } ?? [] }

  /// Those of them that are ready and stay.
  func readyPods(ofService index: Int) -> [Int32] { selectionOfService[index].map { readyPodsOfSelection[$0] } ?? [] }

  /// The Pods of a policy's namespace among which are all that it selects.
  func candidates(for policy: NetworkPolicy) -> [Int32] {
    let required = policy.pods.requirements.filter { $0.comparison == .in }
    guard !required.isEmpty else { return podsOfNamespace[policy.namespace] ?? [] }
    let lists = required.map { requirement in
      requirement.values.flatMap {
        podsOfLabel[Label(namespace: policy.namespace, key: requirement.key, value: $0)] ?? []
      }
    }
    return lists.min { $0.count < $1.count }!.sorted()
  }

  /// Equal for Services that have the same Pods.
  func selection(ofService index: Int) -> Int? { selectionOfService[index] }

  /// Whether some Service selects a Pod.
  func isSelected(_ pod: Int) -> Bool { selectionsOfPod[Int32(pod)] != nil }

  /// The Services that select one of some Pods, in order.
  func services(ofPods pods: some Sequence<Int>) -> [Int] {
    let selections = pods.reduce(into: Set<Int32>()) { $0.formUnion(selectionsOfPod[Int32($1)] ?? []) }
    return selections.flatMap { servicesOfSelection[Int($0)] }.map { Int($0) }.sorted()
  }

  func workload(_ kind: String, _ namespace: String, _ name: String) -> Int? {
    Workload.Kind(rawValue: kind).flatMap {
      workloads[WorkloadName(kind: $0, namespace: namespace, name: name)]
    }
  }

  /// The newest first, warnings before others.
  func events(_ kind: String, _ namespace: String, _ name: String, _ intent: Cluster) -> [ClusterEvent] {
    let list = events[ClusterEvent.Subject(kind: kind, namespace: namespace, name: name)] ?? []
    return list.map { intent.events[$0] }.sorted { a, b in
      a.isWarning != b.isWarning ? a.isWarning : a.time > b.time
    }
  }

  func events(of pod: Pod, _ intent: Cluster) -> [ClusterEvent] {
    events("Pod", pod.namespace, pod.name, intent)
  }

  func events(of workload: Workload, _ intent: Cluster) -> [ClusterEvent] {
    events(workload.kind.rawValue, workload.namespace, workload.name, intent)
  }

  /// What makes a Pod in the end: the Deployment rather than its ReplicaSet. Where that object is not given, its kind and
  /// name as the owner tells them.
  func maker(of pod: Pod, _ intent: Cluster) -> ObjectOwner? {
    guard !pod.ownerKind.isEmpty, pod.ownerName >= 0 else { return nil }
    let direct = ObjectOwner(kind: pod.ownerKind, name: intent.names[Int(pod.ownerName)])
    guard direct.kind == "ReplicaSet" else { return direct }
    if let index = workload(direct.kind, pod.namespace, direct.name), let owner = intent.workloads[index].owner {
      return owner
    }
    // Deployments name their ReplicaSets after themselves and the hash of the template.
    let hash = pod.labels.first { $0.key == "pod-template-hash" }?.value
    if let hash, direct.name.hasSuffix("-" + hash) {
      return ObjectOwner(kind: "Deployment", name: String(direct.name.dropLast(hash.utf8.count + 1)))
    }
    return direct
  }

  /// The workloads that make Pods which a selector matches, those that another one makes left out.
  func workloads(matching selector: [(key: String, value: String)], in namespace: String, _ intent: Cluster) -> [Int] {
    guard !selector.isEmpty else { return [] }
    return (workloadsOfNamespace[namespace] ?? []).filter { index in
      let workload = intent.workloads[index]
      guard workload.owner == nil, workload.kind != .job else { return false }
      // A table that leaves out the selector.
      if workload.labels.isEmpty { return selector.contains { $0.value == workload.name } }
      return selector.allSatisfy { pair in
        workload.labels.contains { $0.key == pair.key && $0.value == pair.value }
      }
    }
  }
}

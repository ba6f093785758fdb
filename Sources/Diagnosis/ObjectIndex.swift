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

  /// The Pods that a Service's selector matches, by the Service's index. Those that ended well are none of its.
  private(set) var podsOfService: [[Int32]] = []
  /// The Services that select a Pod, by the Pod's index.
  private(set) var servicesOfPod: [Int32: [Int32]] = [:]
  private(set) var podsOfNamespace: [String: [Int32]] = [:]
  private(set) var podsOfNode: [String: [Int32]] = [:]
  private(set) var nodes: [String: Int] = [:]
  private(set) var workloadsOfNamespace: [String: [Int]] = [:]
  private var workloads: [WorkloadName: Int] = [:]
  private var events: [ClusterEvent.Subject: [Int]] = [:]
  private(set) var claims: [Name: Int] = [:]

  init(_ intent: Cluster) {
    for (index, node) in intent.nodes.enumerated() { nodes[node.name] = index }
    for (index, workload) in intent.workloads.enumerated() {
      workloadsOfNamespace[workload.namespace, default: []].append(index)
      workloads[WorkloadName(kind: workload.kind, namespace: workload.namespace, name: workload.name)] = index
    }
    for (index, event) in intent.events.enumerated() { events[event.subject, default: []].append(index) }
    for (index, claim) in intent.claims.enumerated() {
      claims[Name(namespace: claim.namespace, name: claim.name)] = index
    }
    matchPods(intent)
  }

  /// A Service is looked for by one label of its selector, which a Pod must have to match.
  private mutating func matchPods(_ intent: Cluster) {
    podsOfService = Array(repeating: [], count: intent.services.count)
    var wanted: [Label: [Int]] = [:]
    for (index, service) in intent.services.enumerated() {
      guard let first = service.selector.first else { continue }
      wanted[Label(namespace: service.namespace, key: first.key, value: first.value), default: []].append(index)
    }
    for (index, pod) in intent.pods.enumerated() {
      podsOfNamespace[pod.namespace, default: []].append(Int32(index))
      if !pod.node.isEmpty { podsOfNode[pod.node, default: []].append(Int32(index)) }
      guard pod.phase != "Succeeded", !wanted.isEmpty else { continue }
      for label in pod.labels {
        let key = Label(namespace: pod.namespace, key: label.key, value: label.value)
        for service in wanted[key] ?? [] where pod.matches(intent.services[service].selector) {
          podsOfService[service].append(Int32(index))
          servicesOfPod[Int32(index), default: []].append(Int32(service))
        }
      }
    }
  }

  // MARK: questions

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
      return selector.allSatisfy { pair in
        workload.labels.contains { $0.key == pair.key && $0.value == pair.value }
      }
    }
  }
}

import Input

extension ObjectReader {
  mutating func workload(_ value: JSONValue, _ meta: Metadata, _ kindName: String) {
    guard let kind = Workload.Kind(rawValue: kindName) else { return }
    var workload = Workload(kind, namespace: meta.namespace, name: meta.name)
    workload.file = file
    workload.owner = meta.owner
    if let spec = value["spec"] {
      for (key, member) in spec.members {
        switch key {
        case "replicas": workload.wanted = member.int ?? 1
        case "parallelism" where kind == .job: workload.wanted = member.int ?? 1
        // Whose Pods an owned one makes, its owner tells.
        case "template" where workload.owner == nil: template(member, &workload)
        default: break
        }
      }
    }
    if let status = value["status"] { workloadStatus(status, value["metadata"]?["generation"]?.int, &workload) }
    // Those that a Deployment has left behind tell nothing.
    if kind == .replicaSet, workload.wanted == 0, workload.owner != nil, workload.complaint == nil { return }
    cluster.workloads.append(workload)
  }

  private func template(_ value: JSONValue, _ workload: inout Workload) {
    if let labels = value["metadata"]?["labels"] { workload.labels = Self.pairs(labels) }
    guard let spec = value["spec"] else { return }
    for (key, member) in spec.members {
      switch key {
      case "nodeSelector": workload.nodeSelector = Self.pairs(member)
      default: break
      }
    }
  }

  private func workloadStatus(_ status: JSONValue, _ generation: Int?, _ workload: inout Workload) {
    var observed: Int?
    for (key, member) in status.members {
      switch key {
      case "replicas", "currentNumberScheduled", "active": workload.current = member.int ?? 0
      case "desiredNumberScheduled": workload.wanted = member.int ?? 0
      case "readyReplicas", "numberReady", "ready": workload.ready = member.int ?? 0
      case "observedGeneration": observed = member.int
      case "conditions":
        for condition in member.elements { complain(condition, &workload) }
      default: break
      }
    }
    workload.isUnobserved =
      workload.kind == .job ? false : observed == nil ? generation != nil : observed! < generation ?? 0
  }

  private func complain(_ condition: JSONValue, _ workload: inout Workload) {
    let holds = condition["status"]?.text.map { $0 == "True" } ?? false
    guard let type = condition["type"]?.text else { return }
    let isComplaint =
      switch type {
      case "ReplicaFailure", "Failed", "FailureTarget": holds
      case "Progressing": !holds
      default: false
      }
    guard isComplaint else { return }
    // That Pods cannot be made says more than that the roll-out does not go on.
    if workload.complaint != nil, type == "Progressing" { return }
    workload.complaint = Workload.Complaint(
      reason: condition["reason"]?.string ?? type.string, message: condition["message"]?.string ?? "")
  }
}

import Input

extension ObjectReader {
  mutating func workload(_ value: JSONValue, _ meta: Metadata, _ kindName: String) {
    guard let kind = Workload.Kind(rawValue: kindName) else { return }
    var workload = Workload(kind, namespace: meta.namespace, name: meta.name)
    workload.file = file
    workload.owner = meta.owner
    let what = "\(kindName) \(meta.fullName)"
    if let spec = value["spec"] {
      for (key, member) in spec.members {
        switch key {
        case "replicas": workload.wanted = member.int ?? 1
        case "parallelism" where kind == .job: workload.wanted = member.int ?? 1
        case "selector":
          if kind == .replicationController {
            for (key, value) in Self.pairs(member) {
              workload.selector.requirements.append(LabelSelector.Requirement(key, .in, [value]))
            }
          } else {
            workload.selector = labelSelector(member, what)
          }
        case "paused": workload.isPaused = member.bool ?? false
        case "template": template(member, &workload, what)
        default: break
        }
      }
    }
    if let status = value["status"] { workloadStatus(status, value["metadata"]?["generation"]?.int, &workload) }
    cluster.workloads.append(workload)
  }

  private mutating func template(_ value: JSONValue, _ workload: inout Workload, _ what: String) {
    if let labels = value["metadata"]?["labels"] { workload.labels = Self.pairs(labels) }
    guard let spec = value["spec"] else { return }
    for (key, member) in spec.members {
      switch key {
      case "nodeSelector": workload.nodeSelector = Self.pairs(member)
      case "containers":
        for container in member.elements {
          for item in container["ports"]?.elements ?? value.elements {
            let port = port(item["containerPort"], what)
            workload.ports.append(ContainerPort(item["name"]?.string ?? "", port, ipProtocol(item["protocol"])))
          }
        }
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

import Input

/// Rows of Pods, of what makes them, of what they mount, and of Events.
extension ObjectTable {
  private typealias Text = ObjectText

  func event(_ object: String, _ namespace: String?, _ cells: [String: String]) -> String? {
    guard let slash = object.firstIndex(of: "/"), let reason = cells["REASON"], !reason.isEmpty else { return nil }
    let resource = String(object[..<slash])
    let age = Text.age(cells["LAST SEEN"] ?? "")
    return Text.event(
      kind: Text.kind(resource) ?? resource.capitalizingFirst, name: String(object[object.index(after: slash)...]),
      namespace: namespace, type: cells["TYPE"] ?? "Normal", reason: reason, message: cells["MESSAGE"] ?? "",
      count: cells["COUNT"].flatMap { Int($0) } ?? age.count, age: age.seconds)
  }

  /// A cell that tells something.
  private func cell(_ cells: [String: String], _ name: String) -> String? {
    cells[name].flatMap { $0.isEmpty || $0.hasPrefix("<") ? nil : $0 }
  }

  func pod(_ name: String, _ namespace: String?, _ cells: [String: String]) -> String? {
    guard let ready = cells["READY"], let status = cells["STATUS"] else { return nil }
    let counts = ready.split(separator: "/").compactMap { Int($0) }
    let isReady = counts.count == 2 && counts[0] == counts[1] && status == "Running"
    let restarts = cells["RESTARTS"].flatMap { $0.split(separator: " ").first.flatMap { Int($0) } } ?? 0
    let address = cell(cells, "IP")
    let node = cell(cells, "NODE")
    let phase =
      switch status {
      case "Running", "Pending", "Unknown": status
      case "Completed": "Succeeded"
      case "Error", "Evicted", "ContainerStatusUnknown", "NodeShutdown", "UnexpectedAdmissionError": "Failed"
      case "ContainerCreating", "ErrImagePull", "ImagePullBackOff", "PodInitializing": "Pending"
      default: status.hasPrefix("Init:") ? "Pending" : "Running"
      }
    var members: [(key: String, json: String?)] = [
      ("phase", Text.quote(phase)), ("podIP", address.map { Text.quote($0) }),
      ("reason", phase == "Failed" && status != "Error" ? Text.quote(status) : nil),
    ]
    if let container = Self.container(status, ready: isReady, restarts: restarts) {
      members.append(
        (status.hasPrefix("Init:") ? "initContainerStatuses" : "containerStatuses", Text.list([container])))
    }
    let condition = Text.object([
      ("type", Text.quote("Ready")), ("status", Text.quote(isReady ? "True" : "False")),
      ("reason", isReady ? nil : Text.quote(status)),
    ])
    members.append(("conditions", Text.list([condition])))
    var metadata = Text.metadata(name, namespace, labels: cell(cells, "LABELS").flatMap { Text.labels($0) })
    if status == "Terminating" {
      metadata.removeLast()
      metadata += ",\"deletionTimestamp\":\"\(Timestamp.text(0))\"}"
    }
    return Text.object(
      "Pod", "v1", metadata,
      [("spec", Text.object([("nodeName", node.map { Text.quote($0) })])), ("status", Text.object(members))])
  }

  /// What STATUS tells of the Pod's container, whose name the table does not have; nil: nothing.
  private static func container(_ status: String, ready: Bool, restarts: Int) -> String? {
    let word = status.hasPrefix("Init:") ? String(status.dropFirst(5)) : status
    var state: String
    var last: String?
    switch word {
    case "Running": state = "{\"running\":{}}"
    case "OOMKilled", "Error", "Completed", "StartError", "ContainerCannotRun":
      let code = ["OOMKilled": 137, "Completed": 0][word] ?? 1
      state = "{\"terminated\":{\"reason\":\(Text.quote(word)),\"exitCode\":\(code)}}"
      last = state
    case "Pending", "Terminating", "Unknown", "Evicted", "NodeShutdown", "UnexpectedAdmissionError": return nil
    default:
      // `Init:0/2`: the first two still run.
      state =
        word.contains("/") ? "{\"running\":{}}" : "{\"waiting\":{\"reason\":\(Text.quote(word)),\"message\":\"\"}}"
    }
    return Text.object([
      ("name", Text.quote("")), ("ready", "\(ready)"), ("restartCount", "\(restarts)"), ("state", state),
      ("lastState", last),
    ])
  }

  /// Deployments, ReplicaSets, StatefulSets, DaemonSets: told by their columns, or by the kind before the name.
  func workload(_ name: String, _ namespace: String?, _ cells: [String: String], _ kind: String?) -> String? {
    let pair = (cells["READY"] ?? "").split(separator: "/").compactMap { Int($0) }
    let columns =
      cells["DESIRED"] != nil
      ? cells["UP-TO-DATE"] != nil ? "DaemonSet" : "ReplicaSet"
      : cells["UP-TO-DATE"] != nil ? "Deployment" : "StatefulSet"
    let own = kind.flatMap { ["ReplicationController", columns].contains($0) ? $0 : nil } ?? columns
    let wanted = cells["DESIRED"].flatMap { Int($0) } ?? pair.last
    guard let wanted else { return nil }
    let ready = cells["DESIRED"] != nil ? pair.first ?? 0 : pair.count == 2 ? pair[0] : 0
    // Of a StatefulSet the table does not tell how many there are.
    let current = (cells["CURRENT"] ?? cells["UP-TO-DATE"]).flatMap { Int($0) } ?? wanted
    let labels = cell(cells, "SELECTOR").flatMap { Text.labels($0) }
    let nodes = cell(cells, "NODE SELECTOR").flatMap { Text.labels($0) }
    return Self.workload(
      own, Text.metadata(name, namespace), owner: own == "ReplicaSet" ? Self.deployment(name, cells["SELECTOR"]) : nil,
      labels: labels, nodeSelector: nodes, wanted: wanted, current: max(current, ready), ready: ready)
  }

  /// What a ReplicaSet's name and selector tell of its Deployment.
  static func deployment(_ name: String, _ selector: String?) -> String? {
    guard
      let hash = selector?.split(separator: ",").first(where: { $0.hasPrefix("pod-template-hash=") })?.dropFirst(18),
      name.hasSuffix("-" + hash)
    else { return nil }
    return String(name.dropLast(hash.count + 1))
  }

  static func workload(
    _ kind: String, _ metadata: String, owner: String?, labels: String?, nodeSelector: String?, wanted: Int,
    current: Int, ready: Int, conditions: [String] = []
  ) -> String {
    var metadata = metadata
    if let owner {
      metadata.removeLast()
      metadata +=
        ",\"ownerReferences\":[{\"kind\":\"Deployment\",\"name\":\(Text.quote(owner)),\"controller\":true}]}"
    }
    let template = Text.object([
      ("metadata", labels.map { "{\"labels\":\($0)}" }),
      ("spec", nodeSelector.map { "{\"nodeSelector\":\($0)}" }),
    ])
    let isDaemonSet = kind == "DaemonSet"
    return Text.object(
      kind, "apps/v1", metadata,
      [
        (
          "spec",
          Text.object([("replicas", isDaemonSet ? nil : "\(wanted)"), ("template", template)])
        ),
        (
          "status",
          Text.object([
            (isDaemonSet ? "currentNumberScheduled" : "replicas", "\(current)"),
            (isDaemonSet ? "numberReady" : "readyReplicas", "\(ready)"),
            ("desiredNumberScheduled", isDaemonSet ? "\(wanted)" : nil), ("conditions", Text.list(conditions)),
          ])
        ),
      ])
  }

  func job(_ name: String, _ namespace: String?, _ cells: [String: String]) -> String? {
    let failed = cells["STATUS"] == "Failed" ? "[{\"type\":\"Failed\",\"status\":\"True\"}]" : "[]"
    return Text.object(
      "Job", "batch/v1", Text.metadata(name, namespace), [("spec", "{}"), ("status", "{\"conditions\":\(failed)}")])
  }

  func claim(_ name: String, _ namespace: String?, _ cells: [String: String]) -> String? {
    guard let status = cells["STATUS"] else { return nil }
    return Text.object(
      "PersistentVolumeClaim", "v1", Text.metadata(name, namespace),
      [
        ("spec", Text.object([("storageClassName", cell(cells, "STORAGECLASS").map { Text.quote($0) })])),
        ("status", Text.object([("phase", Text.quote(status))])),
      ])
  }

  /// `standard (default)`
  func storageClass(_ name: String, _ row: ByteText, _ cells: [String: String]) -> String? {
    let isDefault = row.contains("(default)")
    let bare = name.split(separator: " ").first.map(String.init) ?? name
    var metadata = Text.metadata(bare, nil)
    if isDefault {
      metadata.removeLast()
      metadata += ",\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":\"true\"}}"
    }
    return Text.object(
      "StorageClass", "storage.k8s.io/v1", metadata,
      [
        ("provisioner", Text.quote(cells["PROVISIONER"] ?? "")),
        ("volumeBindingMode", cell(cells, "VOLUMEBINDINGMODE").map { Text.quote($0) }),
      ])
  }

  func ingress(_ name: String, _ namespace: String?, _ cells: [String: String]) -> String? {
    let addresses = (cell(cells, "ADDRESS") ?? "").split(separator: ",").map {
      "{\($0.contains(where: \.isLetter) && !$0.contains(":") ? "\"hostname\"" : "\"ip\""):\(Text.quote($0))}"
    }
    return Text.object(
      "Ingress", "networking.k8s.io/v1", Text.metadata(name, namespace),
      [
        ("spec", Text.object([("ingressClassName", cell(cells, "CLASS").map { Text.quote($0) })])),
        ("status", "{\"loadBalancer\":{\"ingress\":\(Text.list(addresses))}}"),
      ])
  }
}

extension String {
  var capitalizingFirst: String { prefix(1).uppercased() + dropFirst() }
}

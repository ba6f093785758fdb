import Input

/// Descriptions of Pods, Nodes, of what makes Pods and what they mount, and the Events at their ends.
extension ObjectDescription {
  private typealias Text = ObjectText

  /// Nil: it is of another kind.
  func workloadKind(_ keys: Set<String>) -> String? {
    if keys.contains("StrategyType") { return "Deployment" }
    if keys.contains("Desired Number of Nodes Scheduled") { return "DaemonSet" }
    if keys.contains("Volume Claims") || keys.contains("Update Strategy") { return "StatefulSet" }
    if value("Replicas")?.contains("current") ?? false { return "ReplicaSet" }
    return nil
  }

  /// `Replicas: 2 desired | 0 updated | 1 total | …`, `1 current / 2 desired`
  private func replicas(_ word: String) -> Int? {
    let parts = (value("Replicas") ?? "").split(whereSeparator: { $0 == "|" || $0 == "/" })
    return parts.lazy.map { $0.split(separator: " ") }.first { $0.count > 1 && $0[1] == word }.flatMap { Int($0[0]) }
  }

  func workload(_ kind: String, _ name: String) -> String? {
    func number(_ key: String) -> Int? { value(key).flatMap { $0.split(separator: " ").first.flatMap { Int($0) } } }
    // `1 Running / 2 Waiting / 0 Succeeded / 0 Failed`
    let running = number("Pods Status") ?? 0
    let isDaemonSet = kind == "DaemonSet"
    let wanted = isDaemonSet ? number("Desired Number of Nodes Scheduled") : replicas("desired")
    guard let wanted else { return nil }
    let current =
      isDaemonSet ? number("Current Number of Nodes Scheduled") : replicas("total") ?? replicas("current")
    let ready =
      isDaemonSet ? number("Number of Nodes Scheduled with Available Pods") : replicas("available")
    let template = under("Pod Template")
    var labels: [String] = []
    var isLabel = false
    for line in template {
      if let pair = line.pair, line.indent <= 2 {
        isLabel = pair.key == "Labels"
        if isLabel, !pair.value.isEmpty { labels.append(pair.value) }
      } else if isLabel {
        labels.append(line.text)
      }
    }
    let selector = Text.labels((labels.isEmpty ? lines("Selector") : labels).joined(separator: ","))
    let nodes = value("Node-Selector").flatMap { Text.labels($0) }
    let owner = value("Controlled By").flatMap { $0.hasPrefix("Deployment/") ? String($0.dropFirst(11)) : nil }
    return ObjectTable.workload(
      kind, Text.metadata(name, value("Namespace"), labels: self.labels), owner: owner, labels: selector,
      nodeSelector: nodes, wanted: wanted, current: current ?? running, ready: ready ?? running,
      conditions: under("Conditions").compactMap { line in
        let cells = line.text.split(separator: " ").map(String.init)
        guard cells.count > 2, cells[1] == "True" || cells[1] == "False" else { return nil }
        return Text.object([
          ("type", Text.quote(cells[0])), ("status", Text.quote(cells[1])), ("reason", Text.quote(cells[2])),
        ])
      })
  }

  func claim(_ name: String) -> String? {
    Text.object(
      "PersistentVolumeClaim", "v1", Text.metadata(name, value("Namespace")),
      [
        ("spec", Text.object([("storageClassName", value("StorageClass").map { Text.quote($0) })])),
        ("status", Text.object([("phase", Text.quote(value("Status") ?? ""))])),
      ])
  }

  /// Under `Rules`, a host and below it its paths: `/pay   pay:80 (10.244.1.5:8080)`.
  func ingress(_ name: String) -> String? {
    var rules: [(host: String, paths: [String])] = []
    for line in under("Rules") where !line.text.hasPrefix("----") && !line.text.hasPrefix("Host ") {
      let cells = line.cells
      guard cells[0].hasPrefix("/") else {
        rules.append((cells[0] == "*" ? "" : cells[0], []))
        continue
      }
      guard cells.count > 1, !rules.isEmpty else { continue }
      let backend = cells[1].split(separator: " ").first?.split(separator: ":") ?? []
      guard backend.count == 2 else { continue }
      let port = Text.object([
        UInt16(backend[1]) != nil ? ("number", String(backend[1])) : ("name", Text.quote(backend[1]))
      ])
      rules[rules.count - 1].paths.append(
        "{\"path\":\(Text.quote(cells[0])),\"backend\":{\"service\":{\"name\":\(Text.quote(backend[0])),\"port\":\(port)}}}"
      )
    }
    let addresses = (value("Address") ?? "").split(separator: ",").map {
      "{\($0.contains(where: \.isLetter) && !$0.contains(":") ? "\"hostname\"" : "\"ip\""):\(Text.quote($0))}"
    }
    return Text.object(
      "Ingress", "networking.k8s.io/v1", Text.metadata(name, value("Namespace")),
      [
        (
          "spec",
          Text.object([
            ("ingressClassName", value("Ingress Class").map { Text.quote($0) }),
            (
              "rules",
              Text.list(
                rules.map {
                  "{\"host\":\(Text.quote($0.host)),\"http\":{\"paths\":\(Text.list($0.paths))}}"
                })
            ),
          ])
        ), ("status", "{\"loadBalancer\":{\"ingress\":\(Text.list(addresses))}}"),
      ])
  }

  // MARK: Pods

  func pod(_ name: String) -> String? {
    let addresses = lines("IPs").compactMap { line -> String? in
      let text = line.hasPrefix("IP:") ? String(line.dropFirst(3).trimmingBlanks) : line
      return text.isEmpty ? nil : text
    }
    let all = addresses.isEmpty ? value("IP").map { [$0] } ?? [] : addresses
    // `Node:  node-a/192.0.2.10`
    let node = value("Node").map { $0.split(separator: "/").first.map(String.init) ?? $0 }
    let status = (value("Status") ?? "Running").split(separator: " ").first.map(String.init) ?? ""
    let conditions = under("Conditions").compactMap { line -> String? in
      let words = line.text.split(separator: " ")
      guard words.count >= 2, words[1] == "True" || words[1] == "False" else { return nil }
      return "{\"type\":\(Text.quote(words[0])),\"status\":\(Text.quote(words[1]))}"
    }
    let containers = self.containers("Containers")
    let initial = self.containers("Init Containers")
    var metadata = Text.metadata(name, value("Namespace"), labels: labels)
    let owner = (value("Controlled By") ?? "").split(separator: "/").map(String.init)
    var more = ""
    if owner.count == 2 {
      more +=
        ",\"ownerReferences\":[{\"kind\":\(Text.quote(owner[0])),\"name\":\(Text.quote(owner[1])),\"controller\":true}]"
    }
    if value("Status")?.hasPrefix("Terminating") ?? false { more += ",\"deletionTimestamp\":\"\(Timestamp.text(0))\"" }
    metadata.removeLast()
    metadata += more + "}"
    let claims = under("Volumes").compactMap { line -> String? in
      guard let pair = line.pair, pair.key == "ClaimName" else { return nil }
      return
        "{\"name\":\(Text.quote(pair.value)),\"persistentVolumeClaim\":{\"claimName\":\(Text.quote(pair.value))}}"
    }
    return Text.object(
      "Pod", "v1", metadata,
      [
        (
          "spec",
          Text.object([
            ("nodeName", node.map { Text.quote($0) }), ("containers", Text.list(containers.map(\.specification))),
            ("initContainers", Text.list(initial.map(\.specification))), ("volumes", Text.list(claims)),
          ])
        ),
        (
          "status",
          Text.object([
            ("phase", Text.quote(status == "Terminating" ? "Running" : status)),
            ("reason", value("Reason").map { Text.quote($0) }), ("message", value("Message").map { Text.quote($0) }),
            ("podIPs", Text.list(all.map { "{\"ip\":\(Text.quote($0))}" })), ("conditions", Text.list(conditions)),
            ("containerStatuses", Text.list(containers.map(\.status))),
            ("initContainerStatuses", Text.list(initial.map(\.status))),
          ])
        ),
      ])
  }

  /// A container, as specification and status tell of it.
  private struct Container {
    var name: String
    /// By key; those of a state by `State/Reason`.
    var values: [String: String] = [:]
    var limits: [String: String] = [:]

    var specification: String {
      let ports = (values["Ports"] ?? values["Port"] ?? "").split(separator: ",").compactMap { item -> String? in
        let parts = item.trimmingBlanks.split(separator: "/")
        guard let number = parts.first.flatMap({ UInt16($0) }) else { return nil }
        let ipProtocol = (parts.last?.split(separator: " ").first).map(String.init) ?? "TCP"
        return "{\"containerPort\":\(number),\"protocol\":\(Text.quote(ipProtocol))}"
      }
      return Text.object([
        ("name", Text.quote(name)), ("image", values["Image"].map { Text.quote($0) }), ("ports", Text.list(ports)),
        ("resources", limits["memory"].map { "{\"limits\":{\"memory\":\(Text.quote($0))}}" }),
        ("readinessProbe", values["Readiness"].flatMap { Self.probe($0) }),
        ("livenessProbe", values["Liveness"].flatMap { Self.probe($0) }),
        ("startupProbe", values["Startup"].flatMap { Self.probe($0) }),
      ])
    }

    var status: String {
      Text.object([
        ("name", Text.quote(name)), ("ready", values["Ready"] == "True" ? "true" : "false"),
        ("restartCount", "\(values["Restart Count"].flatMap { Int($0) } ?? 0)"), ("state", state("State")),
        ("lastState", state("Last State")),
      ])
    }

    private func state(_ key: String) -> String? {
      guard let word = values[key] else { return nil }
      let details = Text.object([
        ("reason", values[key + "/Reason"].map { Text.quote($0) }),
        ("message", values[key + "/Message"].map { Text.quote($0) }),
        ("exitCode", values[key + "/Exit Code"].flatMap { Int($0) }.map { "\($0)" }),
      ])
      return "{\(Text.quote(word.lowercased())):\(details)}"
    }

    /// `http-get http://:8080/healthz delay=0s …`, `tcp-socket :8080 …`, `exec [cat /x] …`, `grpc <pod>:9000 …`
    private static func probe(_ text: String) -> String? {
      let words = text.split(separator: " ")
      guard words.count > 1 else { return nil }
      let target = words[1].split(separator: ":").last ?? ""
      let port = target.prefix { $0 != "/" }
      let number = UInt16(port) != nil ? String(port) : Text.quote(port)
      switch words[0] {
      case "http-get":
        return
          "{\"httpGet\":{\"port\":\(number),\"path\":\(Text.quote(target.dropFirst(port.count)))}}"
      case "tcp-socket": return "{\"tcpSocket\":{\"port\":\(number)}}"
      case "grpc": return "{\"grpc\":{\"port\":\(number)}}"
      case "exec": return "{\"exec\":{}}"
      default: return nil
      }
    }
  }

  private func containers(_ key: String) -> [Container] {
    var list: [Container] = []
    let details = under(key)
    guard let own = details.map(\.indent).min() else { return [] }
    var parent = ""
    var inner = Int.max
    for line in details {
      guard let pair = line.pair else { continue }
      if line.indent == own {
        list.append(Container(name: pair.key))
        (parent, inner) = ("", Int.max)
        continue
      }
      guard !list.isEmpty else { continue }
      if line.indent <= inner || parent.isEmpty {
        (parent, inner) = (pair.key, line.indent)
        list[list.count - 1].values[pair.key] = pair.value
      } else if parent == "Limits" {
        list[list.count - 1].limits[pair.key] = pair.value
      } else {
        list[list.count - 1].values["\(parent)/\(pair.key)"] = pair.value
      }
    }
    return list
  }

  // MARK: Nodes

  func node(_ name: String) -> String? {
    let addresses = lines("Addresses").compactMap { line -> String? in
      guard line.hasPrefix("InternalIP:") else { return nil }
      return "{\"type\":\"InternalIP\",\"address\":\(Text.quote(line.dropFirst(11).trimmingBlanks))}"
    }
    // `Ready  False  DATE  DATE  KubeletNotReady  container runtime is down`
    var conditions = under("Conditions").compactMap { line -> String? in
      let cells = line.cells
      guard cells.count > 1 else {
        let words = line.text.split(separator: " ")
        return words.count > 1 && words[0] == "Ready"
          ? "{\"type\":\"Ready\",\"status\":\(Text.quote(words[1]))}" : nil
      }
      guard ["True", "False", "Unknown"].contains(cells[1]) else { return nil }
      return Text.object([
        ("type", Text.quote(cells[0])), ("status", Text.quote(cells[1])),
        ("reason", cells.count > 4 ? Text.quote(cells[4]) : nil),
        ("message", cells.count > 5 ? Text.quote(cells[5...].joined(separator: " ")) : nil),
      ])
    }
    if !conditions.contains(where: { $0.contains("\"type\":\"Ready\"") }) {
      conditions.append("{\"type\":\"Ready\",\"status\":\"True\"}")
    }
    let ranges = (value("PodCIDRs") ?? value("PodCIDR") ?? "").split(separator: ",").map {
      Text.quote($0.trimmingBlanks)
    }
    // `node.kubernetes.io/unreachable:NoExecute`, `dedicated=gpu:NoSchedule`
    let taints = lines("Taints").compactMap { line -> String? in
      guard let colon = line.lastIndex(of: ":") else { return nil }
      let pair = line[..<colon].split(separator: "=", maxSplits: 1)
      guard let key = pair.first else { return nil }
      return Text.object([
        ("key", Text.quote(key)), ("value", pair.count > 1 ? Text.quote(pair[1]) : nil),
        ("effect", Text.quote(line[line.index(after: colon)...])),
      ])
    }
    return Text.object(
      "Node", "v1", Text.metadata(name, nil, labels: labels),
      [
        (
          "spec",
          Text.object([
            ("podCIDRs", Text.list(ranges)), ("taints", Text.list(taints)),
            ("unschedulable", value("Unschedulable") == "true" ? "true" : nil),
          ])
        ),
        (
          "status",
          Text.object([("addresses", Text.list(addresses)), ("conditions", Text.list(conditions))])
        ),
      ])
  }

  // MARK: Events

  /// `Warning  Failed  2m (x5 over 10m)  kubelet  Failed to pull image …`
  var events: [String] {
    guard let name = value("Name"), let kind = describedKind else { return [] }
    return under("Events").compactMap { line in
      let cells = line.cells
      guard cells.count >= 5, cells[0] == "Warning" || cells[0] == "Normal" else { return nil }
      let age = ObjectText.age(cells[2])
      return ObjectText.event(
        kind: kind, name: name, namespace: value("Namespace"), type: cells[0], reason: cells[1],
        message: cells[4...].joined(separator: " "), count: age.count, age: age.seconds)
    }
  }

  private var describedKind: String? {
    guard let json else { return stated }
    // A Service's description makes two objects, the Service first.
    guard let found = json.firstRange(of: "\"kind\":\""), !json.hasPrefix("{\"apiVersion\":\"v1\",\"kind\":\"List\"")
    else {
      return "Service"
    }
    return String(json[found.upperBound...].prefix { $0 != "\"" })
  }
}

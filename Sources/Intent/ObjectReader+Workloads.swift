import Input
import Wire

extension ObjectReader {
  mutating func pod(_ value: JSONValue, _ meta: Metadata) {
    var pod = Pod(namespace: meta.namespace, name: meta.name)
    pod.labels = meta.labels
    pod.isTerminating = meta.isTerminating
    pod.file = file
    let what = "Pod \(meta.fullName)"
    if let spec = value["spec"] {
      for (key, member) in spec.members {
        switch key {
        case "nodeName": pod.node = member.string ?? ""
        case "hostNetwork": pod.hostNetwork = member.bool ?? false
        case "containers", "initContainers":
          for container in member.elements {
            for item in container["ports"]?.elements ?? container.elements {
              pod.ports.append((item["name"]?.string ?? "", port(item["containerPort"], what)))
            }
          }
        default: break
        }
      }
      podResolver(spec, what)
    }
    if let status = value["status"] {
      pod.phase = status["phase"]?.string ?? ""
      if let list = status["podIPs"] {
        for item in list.elements {
          if let ip = item["ip"], let found = address(ip, what) { pod.addresses.append(found) }
        }
      } else if let ip = status["podIP"], ip.isString, ip.text?.isEmpty == false, let found = address(ip, what) {
        pod.addresses.append(found)
      }
      var conditionReason = ""
      for condition in status["conditions"]?.elements ?? status.elements {
        guard let type = condition["type"]?.text else { continue }
        let isTrue = condition["status"]?.text.map { $0 == "True" } ?? false
        if type == "Ready" { pod.ready = isTrue }
        if !isTrue, type == "PodScheduled" || type == "Ready" && conditionReason.isEmpty {
          conditionReason = [condition["reason"]?.string, condition["message"]?.string].compactMap { $0 }.joined(
            separator: ": ")
        }
      }
      if !pod.ready { pod.reason = containerReason(status) ?? conditionReason }
    }
    cluster.pods.append(pod)
  }

  /// `ImagePullBackOff: …`, `OOMKilled (exit 137)`: the first container that tells.
  private func containerReason(_ status: JSONValue) -> String? {
    for (key, list) in status.members where key == "containerStatuses" || key == "initContainerStatuses" {
      for container in list.elements {
        if let last = container["lastState"]?["terminated"], last["reason"]?.text.map({ $0 == "OOMKilled" }) ?? false {
          return "OOMKilled (exit \(last["exitCode"]?.int ?? 137))"
        }
        if let waiting = container["state"]?["waiting"], let reason = waiting["reason"]?.string {
          return [reason, waiting["message"]?.string].compactMap { $0 }.joined(separator: ": ")
        }
        if let ended = container["state"]?["terminated"], let reason = ended["reason"]?.string {
          return "\(reason) (exit \(ended["exitCode"]?.int ?? 0))"
        }
      }
    }
    return nil
  }

  mutating func node(_ value: JSONValue, _ meta: Metadata) {
    var node = Node(name: meta.name)
    node.file = file
    let what = "Node \(meta.name)"
    node.zone = meta.label("topology.kubernetes.io/zone") ?? meta.label("failure-domain.beta.kubernetes.io/zone") ?? ""
    if !node.zone.isEmpty { _ = cluster.intern(node.zone) }
    _ = cluster.intern(node.name)
    if let spec = value["spec"] {
      let list = spec["podCIDRs"]
      for item in list?.elements ?? spec.elements { if let range = item.text?.prefix { node.podCIDRs.append(range) } }
      if list == nil, let range = spec["podCIDR"]?.text?.prefix { node.podCIDRs.append(range) }
    }
    if let status = value["status"] {
      for item in status["addresses"]?.elements ?? status.elements
      where item["type"]?.text.map({ $0 == "InternalIP" }) ?? false {
        if let ip = item["address"], let found = address(ip, what) { node.internalIPs.append(found) }
      }
      for condition in status["conditions"]?.elements ?? status.elements
      where condition["type"]?.text.map({ $0 == "Ready" }) ?? false {
        node.ready = condition["status"]?.text.map { $0 == "True" } ?? true
        if !node.ready { node.reason = condition["message"]?.string ?? condition["reason"]?.string ?? "" }
      }
    }
    cluster.nodes.append(node)
  }
}

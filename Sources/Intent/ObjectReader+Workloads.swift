import Input
import Wire

extension ObjectReader {
  mutating func node(_ value: JSONValue, _ meta: Metadata) {
    var node = Node(name: meta.name)
    node.file = file
    let what = ObjectName("Node", meta.name)
    node.zone = meta.label("topology.kubernetes.io/zone") ?? meta.label("failure-domain.beta.kubernetes.io/zone") ?? ""
    if !node.zone.isEmpty { _ = cluster.intern(node.zone) }
    _ = cluster.intern(node.name)
    node.labels = meta.labels
    if let spec = value["spec"] {
      node.isCordoned = spec["unschedulable"]?.bool ?? false
      for item in spec["taints"]?.elements ?? value.elements {
        var taint = Node.Taint(key: item["key"]?.string ?? "")
        taint.value = item["value"]?.string ?? ""
        taint.effect = item["effect"]?.string ?? ""
        node.taints.append(taint)
      }
      let list = spec["podCIDRs"]
      for item in list?.elements ?? spec.elements { if let range = item.text?.prefix { node.podCIDRs.append(range) } }
      if list == nil, let range = spec["podCIDR"]?.text?.prefix { node.podCIDRs.append(range) }
    }
    if let status = value["status"] {
      for item in status["addresses"]?.elements ?? status.elements
      where item["type"]?.text.map({ $0 == "InternalIP" }) ?? false {
        if let ip = item["address"], let found = address(ip, what) { node.internalIPs.append(found) }
      }
      for item in status["conditions"]?.elements ?? status.elements { condition(item, &node) }
      node.release = status["nodeInfo"]?["kubeletVersion"]?.string.flatMap(Self.release)
    }
    cluster.nodes.append(node)
  }

  /// `v1.36.3`
  private static func release(_ text: String) -> (major: Int, minor: Int)? {
    let parts = text.drop { $0 == "v" }.split(separator: ".")
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
    return (major, minor)
  }

  private func condition(_ value: JSONValue, _ node: inout Node) {
    guard let type = value["type"]?.string, let status = value["status"]?.string else { return }
    let isReady = type == "Ready"
    // Every other one tells of a trouble while it is true.
    if status == (isReady ? "True" : "False") { return }
    var condition = Node.Condition(type: type, status: status)
    condition.reason = value["reason"]?.string ?? ""
    condition.message = value["message"]?.string ?? ""
    if isReady {
      node.ready = false
      node.reason = condition.message.isEmpty ? condition.reason : condition.message
    }
    node.conditions.append(condition)
  }
}

import Input
import Wire

extension ObjectReader {
  mutating func networkPolicy(_ value: JSONValue, _ meta: Metadata) {
    var policy = NetworkPolicy(namespace: meta.namespace, name: meta.name)
    policy.file = file
    let what = ObjectName("NetworkPolicy", meta)
    let spec = value["spec"]
    if let selector = spec?["podSelector"] { policy.pods = labelSelector(selector, what) }
    let ingress = spec?["ingress"]?.elements.map { policyRule($0, peers: $0["from"], what) } ?? []
    let egress = spec?["egress"]?.elements.map { policyRule($0, peers: $0["to"], what) } ?? []
    // Without policyTypes: Ingress always, Egress where it has rules.
    let types = spec?["policyTypes"]?.elements.compactMap(\.string)
    if types?.contains("Ingress") ?? true { policy.rules[.ingress] = ingress }
    if types?.contains("Egress") ?? !egress.isEmpty { policy.rules[.egress] = egress }
    cluster.networkPolicies.append(policy)
  }

  private mutating func policyRule(_ value: JSONValue, peers: JSONValue?, _ what: ObjectName) -> NetworkPolicy.Rule {
    var rule = NetworkPolicy.Rule()
    for item in peers?.elements.map({ $0 }) ?? [] {
      if let peer = policyPeer(item, what) { rule.peers.append(peer) }
    }
    for item in value["ports"]?.elements.map({ $0 }) ?? [] {
      var port = NetworkPolicy.Port()
      port.ipProtocol = ipProtocol(item["protocol"])
      if let number = item["port"], !number.isNull {
        if let name = number.string {
          port.name = name
        } else {
          let first = self.port(number, what)
          port.ports = first...max(first, self.port(item["endPort"], what))
        }
      }
      rule.ports.append(port)
    }
    return rule
  }

  private mutating func policyPeer(_ value: JSONValue, _ what: ObjectName) -> NetworkPolicy.Peer? {
    if let block = value["ipBlock"] {
      guard let range = block["cidr"]?.text?.trimmed.prefix else {
        cluster.warn(file, "\(what): “\(block["cidr"]?.text?.printable ?? "?")” is no address range")
        return nil
      }
      return .addresses(range, except: block["except"]?.elements.compactMap { $0.text?.trimmed.prefix } ?? [])
    }
    let namespaces = value["namespaceSelector"].map { labelSelector($0, what) }
    return .pods(value["podSelector"].map { labelSelector($0, what) } ?? LabelSelector(), namespaces: namespaces)
  }

  mutating func labelSelector(_ value: JSONValue, _ what: ObjectName) -> LabelSelector {
    var selector = LabelSelector()
    for (key, wanted) in value["matchLabels"].map({ Self.pairs($0) }) ?? [] {
      selector.requirements.append(LabelSelector.Requirement(key, .in, [wanted]))
    }
    for item in value["matchExpressions"]?.elements.map({ $0 }) ?? [] {
      guard let key = item["key"]?.string,
        let comparison = item["operator"]?.string.flatMap({ LabelSelector.Requirement.Operator(rawValue: $0) })
      else {
        cluster.warn(file, "\(what): a matchExpression without key or known operator; left out")
        continue
      }
      let values = item["values"]?.elements.compactMap(\.string) ?? []
      selector.requirements.append(LabelSelector.Requirement(key, comparison, values))
    }
    return selector
  }

  mutating func namespace(_ value: JSONValue, _ meta: Metadata) {
    cluster.namespaces[meta.name] = meta.labels
  }
}

import Wire

/// What the NetworkPolicies say of one connection in one direction.
public enum PolicyVerdict: Sendable {
  case allowed
  /// The Pod is isolated and no rule allows it; the policies that isolate it, by index.
  case denied([Int])
  /// A rule may allow it: labels of a namespace, or who the peer is, are not among the objects.
  case unknown([Int])
}

/// The other end of a connection.
public enum PolicyPeer: Sendable {
  case pod(Pod)
  /// No Pod's.
  case address(IPAddress)
  /// Some address outside the cluster: denied means that none gets through.
  case outsider
  /// Whoever: denied means that nobody gets through.
  case anybody
}

extension Cluster {
  /// Whether the policies let a Pod take part in a connection to `port` at its destination: its own for ingress, the
  /// peer's for egress.
  public func policyVerdict(
    _ direction: NetworkPolicy.Direction, of pod: Pod, with peer: PolicyPeer, port: UInt16, _ ipProtocol: IPProtocol
  ) -> PolicyVerdict {
    var isolating: [Int] = []
    var isUnknown = false
    for index in policiesOfNamespace[pod.namespace] ?? [] {
      let policy = networkPolicies[index]
      guard let rules = policy.rules[direction], policy.selects(pod) else { continue }
      isolating.append(index)
      var server: Pod? = pod
      if direction == .egress { if case .pod(let other) = peer { server = other } else { server = nil } }
      for rule in rules {
        guard let portFits = fits(rule, port, ipProtocol, server), let peerFits = fits(rule, peer, policy) else {
          isUnknown = true
          continue
        }
        if portFits, peerFits { return .allowed }
      }
    }
    if isolating.isEmpty { return .allowed }
    return isUnknown ? .unknown(isolating) : .denied(isolating)
  }

  /// Who a packet's address belongs to, as policies see it.
  public func policyPeer(at address: IPAddress) -> PolicyPeer {
    podOfAddress[address].map { .pod(pods[$0]) } ?? .address(address)
  }

  /// What stops a connection of a client with one endpoint: “NetworkPolicy shop/deny isolates Pod shop/web-0 for egress
  /// …”; nil: as far as the objects tell, nothing does. Nodes reach their own Pods whatever policies say.
  public func policyDenial(from client: IPAddress, to endpoint: EndpointAddress, _ ipProtocol: IPProtocol) -> String? {
    // No policy keeps a Pod from itself.
    guard !networkPolicies.isEmpty, client != endpoint.address else { return nil }
    let (source, target) = (policyPeer(at: client), policyPeer(at: endpoint.address))
    if case .pod(let pod) = source,
      case .denied(let policies) = policyVerdict(.egress, of: pod, with: target, port: endpoint.port, ipProtocol)
    {
      return denial(policies, pod, .egress, "to \(owner(of: endpoint.address) ?? endpoint.description)")
    }
    if nodes.contains(where: { $0.internalIPs.contains(client) }) { return nil }
    if case .pod(let pod) = target,
      case .denied(let policies) = policyVerdict(.ingress, of: pod, with: source, port: endpoint.port, ipProtocol)
    {
      return denial(policies, pod, .ingress, "from \(owner(of: client) ?? client.description)")
    }
    return nil
  }

  private func denial(_ policies: [Int], _ pod: Pod, _ direction: NetworkPolicy.Direction, _ what: String) -> String {
    "\(policyNames(policies)) isolate\(policies.count == 1 ? "s" : "") Pod \(pod.namespace)/\(pod.name) for \(direction.rawValue), and no rule allows connections \(what)"
  }

  /// `NetworkPolicy shop/deny`, or several; three at most.
  public func policyNames(_ policies: [Int]) -> String {
    let list = policies.prefix(3).map { networkPolicies[$0].fullName }.joined(separator: ", ")
    let more = policies.count > 3 ? " and \(policies.count - 3) more" : ""
    return "\(policies.count == 1 ? "NetworkPolicy" : "NetworkPolicies") \(list)\(more)"
  }

  /// Nil: a port's name, and nobody's container ports to find it in.
  private func fits(_ rule: NetworkPolicy.Rule, _ port: UInt16, _ ipProtocol: IPProtocol, _ server: Pod?) -> Bool? {
    if rule.ports.isEmpty { return true }
    var isUnknown = false
    for entry in rule.ports where entry.ipProtocol == ipProtocol {
      if let range = entry.ports {
        if range.contains(port) { return true }
      } else if entry.name.isEmpty {
        return true
      } else if let server {
        if server.ports.contains(where: { $0.name == entry.name && $0.port == port }) { return true }
      } else {
        isUnknown = true
      }
    }
    return isUnknown ? nil : false
  }

  private func fits(_ rule: NetworkPolicy.Rule, _ peer: PolicyPeer, _ policy: NetworkPolicy) -> Bool? {
    if rule.peers.isEmpty { return true }
    var isUnknown = false
    for wanted in rule.peers {
      switch fits(wanted, peer, policy) {
      case true?: return true
      case nil: isUnknown = true
      case false?: break
      }
    }
    return isUnknown ? nil : false
  }

  private func fits(_ wanted: NetworkPolicy.Peer, _ peer: PolicyPeer, _ policy: NetworkPolicy) -> Bool? {
    switch (wanted, peer) {
    case (_, .anybody), (.addresses, .outsider): return true
    case (.addresses(let range, let except), .address(let address)):
      return range.contains(address) && !except.contains { $0.contains(address) }
    case (.addresses(let range, let except), .pod(let pod)):
      return pod.addresses.contains { address in range.contains(address) && !except.contains { $0.contains(address) } }
    case (.pods, .address), (.pods, .outsider): return false
    case (.pods(let labels, let namespaces), .pod(let pod)):
      // Packets of hostNetwork Pods are the node's.
      guard !pod.hostNetwork, labels.matches(pod.labels) else { return false }
      guard let namespaces else { return pod.namespace == policy.namespace }
      return namespace(pod.namespace, matches: namespaces)
    }
  }

  /// Nil: the namespace is not among the objects. The API server gives each a label with its name.
  private func namespace(_ name: String, matches selector: LabelSelector) -> Bool? {
    let own = "kubernetes.io/metadata.name"
    if let labels = namespaces[name] {
      return selector.matches(labels.contains { $0.key == own } ? labels : labels + [(own, name)])
    }
    guard selector.requirements.allSatisfy({ $0.key == own }) else { return nil }
    return selector.matches([(own, name)])
  }
}

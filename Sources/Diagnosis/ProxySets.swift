import Intent
import ServiceMap
import Snapshot
import Wire

/// The ipsets of kube-proxy's IPVS mode, and what the cluster's objects ask for in each (pkg/proxy/ipvs of Kubernetes).
struct ProxySets {
  /// An element; parts that a set does not have are nil.
  struct Member: Hashable, Sendable, CustomStringConvertible {
    var address: IPAddress?
    /// Of bitmap:port sets none.
    var ipProtocol: IPProtocol?
    var port: UInt16?
    /// The third part of KUBE-LOOP-BACK.
    var source: IPAddress?

    /// As ipset prints it.
    var description: String {
      var parts: [String] = []
      if let address { parts.append("\(address)") }
      if let port { parts.append(ipProtocol.map { "\($0):\(port)" } ?? "\(port)") }
      if let source { parts.append("\(source)") }
      return parts.joined(separator: ",")
    }
  }

  struct Contents {
    var required: Set<Member> = []
    /// May be there too: releases differ, or no object tells.
    var allowed: Set<Member> = []
  }

  /// By full name, e.g. `KUBE-6-CLUSTER-IP`.
  private(set) var sets: [String: Contents] = [:]

  init(_ intent: Cluster, _ node: NodeContext) {
    for version in [IPVersion.v4, .v6] {
      for name in [
        "CLUSTER-IP", "EXTERNAL-IP", "EXTERNAL-IP-LOCAL", "LOAD-BALANCER", "LOAD-BALANCER-LOCAL", "LOOP-BACK",
      ]
        + ["NODE-PORT-TCP", "NODE-PORT-UDP", "NODE-PORT-LOCAL-TCP", "NODE-PORT-LOCAL-UDP", "HEALTH-CHECK-NODE-PORT"]
      {
        sets[Self.name(name, version)] = Contents()
      }
      let ips = (node.snapshot.addresses ?? []).filter {
        $0.interface == "kube-ipvs0" && $0.address.version == version && !$0.address.isLinkLocal
      }
      // Addresses of Services that the interface lacks are another finding's.
      let wanted = intent.services.lazy.filter(\.isProxied).flatMap { service in
        service.clusterIPs + service.externalIPs + service.loadBalancerIPs
      }
      sets[Self.name("IPVS-IPS", version)] = Contents(
        required: Set(ips.map { Member(address: $0.address) }),
        allowed: Set(wanted.filter { $0.version == version }.map { Member(address: $0) }))
      for service in intent.services where service.isProxied {
        guard service.clusterIPs.contains(where: { $0.version == version }) else { continue }
        for port in service.ports { add(service, port, version, intent, node) }
      }
    }
  }

  /// ipset names have 31 characters at most.
  static func name(_ base: String, _ version: IPVersion) -> String {
    String(("KUBE-" + (version == .v6 ? "6-" : "") + base).prefix(31))
  }

  private mutating func require(_ member: Member, _ base: String, _ version: IPVersion) {
    sets[Self.name(base, version)]?.required.insert(member)
  }

  private mutating func add(
    _ service: Service, _ port: Service.Port, _ version: IPVersion, _ intent: Cluster, _ node: NodeContext
  ) {
    let suffix = service.externalPolicyLocal ? "-LOCAL" : ""
    func member(_ address: IPAddress) -> Member {
      Member(address: address, ipProtocol: port.ipProtocol, port: port.port)
    }
    for address in service.clusterIPs where address.version == version {
      require(member(address), "CLUSTER-IP", version)
    }
    for address in service.externalIPs where address.version == version {
      require(member(address), "EXTERNAL-IP" + suffix, version)
    }
    for address in service.loadBalancerIPs where address.version == version {
      require(member(address), "LOAD-BALANCER", version)
      if service.externalPolicyLocal { require(member(address), "LOAD-BALANCER-LOCAL", version) }
    }
    for address in service.proxiedLoadBalancerIPs where address.version == version {
      for base in ["LOAD-BALANCER", "LOAD-BALANCER-LOCAL"] {
        sets[Self.name(base, version)]?.allowed.insert(member(address))
      }
    }
    if port.nodePort != 0, let kind = [IPProtocol.tcp: "TCP", .udp: "UDP"][port.ipProtocol] {
      require(Member(port: port.nodePort), "NODE-PORT-" + kind, version)
      if service.externalPolicyLocal { require(Member(port: port.nodePort), "NODE-PORT-LOCAL-" + kind, version) }
    }
    if service.healthCheckNodePort != 0 {
      require(Member(port: service.healthCheckNodePort), "HEALTH-CHECK-NODE-PORT", version)
    }
    let selection = EndpointSelection(intent, service, port, version, node: node.node)
    for endpoint in selection.known {
      let member = Member(
        address: endpoint.address, ipProtocol: port.ipProtocol, port: endpoint.port, source: endpoint.address)
      let isRequired = selection.localReadyOnly.contains(endpoint) && !selection.ambiguous.contains(endpoint)
      if isRequired { require(member, "LOOP-BACK", version) }
      sets[Self.name("LOOP-BACK", version)]?.allowed.insert(member)
    }
  }

  /// Nil: an element of another shape than kube-proxy's.
  static func member(_ element: IPSet.Element, _ version: IPVersion) -> Member? {
    var member = Member()
    for part in element.parts {
      switch part {
      case .address(let range) where range.low == range.high:
        let address = IPAddress(bits: range.low, version: version)
        if member.address == nil { member.address = address } else { member.source = address }
      case .port(let proto, let ports) where ports.lowerBound == ports.upperBound:
        member.ipProtocol = proto.map { IPProtocol(rawValue: $0) }
        member.port = ports.lowerBound
      default: return nil
      }
    }
    return member
  }
}

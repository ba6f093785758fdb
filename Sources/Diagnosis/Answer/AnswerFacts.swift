import Intent
import Journey
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// What is known of a node beyond its rules: sockets, the cluster's objects, the range of Service addresses. Built once
/// for a node, then only read.
public struct AnswerFacts: Sendable {
  let snapshot: Snapshot
  let names: NameResolver?
  let cluster: Cluster?
  /// Of the node, what kube-proxy binds for IPVS left out.
  let ownAddresses: Set<IPAddress>
  /// Addresses of kube-ipvs0 and the like: nobody listens there for the node's own sake.
  let boundForServices: Set<IPAddress>
  private let sockets: SocketTable
  /// Addresses that did not answer when they were asked for last.
  let silentNeighbours: Set<IPAddress>
  let serviceRanges: [IPPrefix]
  /// Behind a sentence that says that a connection gets through; empty: nothing was left out.
  let policyRemark: String
  /// Endpoints of slices; nil: no objects.
  private let endpoints: Set<EndpointAddress>
  /// The objects are those of the whole cluster: what is not among them does not exist.
  let isWhole: Bool
  /// Something other than rules may translate Services here.
  let mayHaveEBPF: Bool
  /// The cluster's network plugin is known not to enforce NetworkPolicies.
  let ignoresPolicies: Bool

  /// `names`: of the bundle's objects; nil: it has none.
  public init(_ snapshot: Snapshot, names: NameResolver?) {
    self.snapshot = snapshot
    self.names = names
    let cluster = names?.cluster
    self.cluster = cluster
    let addresses = snapshot.addresses ?? []
    boundForServices = Set(addresses.filter(\.isOfServiceDevice).map(\.address))
    ownAddresses = Set(addresses.filter { !$0.isOfServiceDevice }.map(\.address))
    sockets = SocketTable(snapshot)
    silentNeighbours = Set((snapshot.neighbours ?? []).filter { $0.state.contains("FAILED") }.map(\.address))
    isWhole = cluster.map { !$0.isPartial } ?? false
    var endpoints: Set<EndpointAddress> = []
    for slice in cluster?.slices ?? [] {
      for endpoint in slice.endpoints {
        for port in slice.ports { endpoints.insert(EndpointAddress(endpoint.address, port.port)) }
      }
    }
    self.endpoints = endpoints
    serviceRanges = Self.ranges(cluster, snapshot.ruleset)
    let policies = cluster?.clusterPolicies ?? []
    policyRemark =
      policies.first.map {
        "; \(printable($0.fullName))\(policies.count > 1 ? " and \(policies.count - 1) more" : "") not considered"
      } ?? ""
    let ruleset = snapshot.ruleset
    let hasProxy =
      snapshot.virtualServers != nil || ruleset.names.find("KUBE-SERVICES") != nil
      || ruleset.tables.contains { $0.name == "kube-proxy" }
    let links = snapshot.links ?? []
    mayHaveEBPF = !hasProxy && links.contains { Self.eBPFDevices.contains($0.name) }
    ignoresPolicies = cluster.map(Self.ignoresPolicies) ?? false
  }

  /// Of Cilium and of Calico's eBPF data plane.
  private static let eBPFDevices: Set<String> = ["cilium_host", "cilium_net", "bpfin.cali", "bpfout.cali"]

  /// flannel alone enforces none; every other plugin that is seen may.
  private static func ignoresPolicies(_ cluster: Cluster) -> Bool {
    var hasFlannel = false
    for pod in cluster.pods where pod.hostNetwork || pod.namespace.hasPrefix("kube-") {
      if pod.name.hasPrefix("kube-flannel") { hasFlannel = true }
      for enforcer in ["calico", "canal", "cilium", "kube-router", "antrea", "weave", "kube-network-policies", "ovn"]
      where pod.name.contains(enforcer) { return false }
    }
    return hasFlannel
  }

  /// What the ServiceCIDR objects say, or kubeadm's configuration; else the common prefix of all ClusterIPs of a version, as
  /// the objects or kube-proxy's rules have them. Shorter than a /8 it says nothing.
  private static func ranges(_ cluster: Cluster?, _ ruleset: Ruleset) -> [IPPrefix] {
    let addresses = cluster.map { $0.services.flatMap(\.clusterIPs) } ?? []
    let all = addresses.isEmpty ? ProgrammedClusterIPs.all(ruleset) : addresses
    let told =
      cluster.map { $0.serviceRanges.isEmpty ? $0.clusterConfiguration?.serviceRanges ?? [] : $0.serviceRanges } ?? []
    return told
      + [IPVersion.v4, .v6].compactMap { version in
        if told.contains(where: { $0.address.version == version }) { return nil }
        let own = all.filter { $0.version == version }
        guard let first = own.first else { return nil }
        var length = version.width
        for address in own { length = min(length, first.commonPrefixLength(with: address)) }
        return length < version.width && length >= (version == .v4 ? 8 : 32) ? IPPrefix(first, length: length) : nil
      }
  }

  // MARK: - Questions

  /// Whether a socket of the node accepts at an address and port.
  func listener(at address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) -> SocketTable.Listener {
    sockets.listener(at: address, port, ipProtocol)
  }

  func isEndpoint(_ address: IPAddress, _ port: UInt16) -> Bool { endpoints.contains(EndpointAddress(address, port)) }

  /// Whether nobody has an address that rules send Service traffic to.
  func isGone(_ endpoint: EndpointAddress) -> Bool {
    guard let cluster, isWhole, !cluster.pods.isEmpty, !cluster.slices.isEmpty else { return false }
    return cluster.owner(of: endpoint.address) == nil && !endpoints.contains(endpoint)
      && !ownAddresses.contains(endpoint.address)
      && cluster.nodes.contains { node in node.podCIDRs.contains { $0.contains(endpoint.address) } }
  }

  /// The Service that ought to take packets to an address and port; nil: nothing tells that one should.
  func service(at address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) -> Fate.ServiceAddress? {
    if let cluster, let names {
      if let owner = cluster.owner(of: address), owner.hasPrefix("svc/") {
        if let label = names.service(at: address, port, ipProtocol) { return .port(label) }
        let full = String(owner.dropFirst("svc/".count))
        guard let service = cluster.service(full) else { return nil }
        if let own = service.ports.first(where: { $0.port == port && $0.ipProtocol == ipProtocol }) {
          return .port(service.portName(own))
        }
        return .noSuchPort(full)
      }
      if ownAddresses.contains(address), let label = names.nodePort(port, ipProtocol) { return .nodePort(label) }
      if cluster.owner(of: address) != nil { return nil }
    }
    guard !ownAddresses.contains(address), let range = serviceRanges.first(where: { $0.contains(address) }) else {
      return nil
    }
    return .unused(range)
  }
}

extension AnswerFacts {
  /// Why nothing certain can be said of the Services of the node, in one sentence; nil: its rules were read.
  public var gap: String? {
    let ruleset = snapshot.ruleset
    if !snapshot.rulesKnown, snapshot.virtualServers == nil, snapshot.ebpfFrontends == nil {
      return "no dump of the node's rules was read: give the output of iptables-save or nft list ruleset"
    }
    if let part = snapshot.unread.first(where: { $0.content == .rules }) {
      return
        "rules in \(printable(part.file)) were not, or not wholly, read: give the whole output of iptables-save or nft list ruleset"
    }
    if let (version, tables) = snapshot.tablesNotGiven.min(by: { $0.key == .v4 && $1.key != .v4 }) {
      return
        "table \(tables.joined(separator: " and ")) of \(version == .v4 ? "IPv4" : "IPv6") was not handed over: give the output of \(version == .v4 ? "iptables-save" : "ip6tables-save")"
    }
    if let cut = ruleset.tables.first(where: \.isCut) {
      let file = ruleset.files.indices.contains(Int(cut.file)) ? ruleset.files[Int(cut.file)].name : "a dump"
      return
        "the rules of table \(printable(cut.name)) were read in part only (\(printable(file))): take the dump again"
    }
    if ruleset.hidesXtables, ruleset.tables.contains(where: { $0.name == "nat" }),
      !ruleset.tables.contains(where: { $0.name == "kube-proxy" })
    {
      return
        "nft prints iptables' tables without some of their matches and targets: endpoints are hidden, give the output of iptables-save"
    }
    return nil
  }

  /// Whether some dump speaks of packets of a version, or something else than rules translates them.
  func hasRules(_ version: IPVersion) -> Bool {
    let ruleset = snapshot.ruleset
    // A listing of all of nftables speaks of both versions; iptables-save and ip6tables-save of one each.
    return !ruleset.tables(of: version).isEmpty || ruleset.tables.contains { $0.backend == .nft }
      || ruleset.tables.isEmpty && snapshot.rulesRead || snapshot.virtualServers != nil || snapshot.ebpfFrontends != nil
  }
}

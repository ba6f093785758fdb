import Input
import Wire

/// What the cluster wants: every object that kubepath reads. Built by `ObjectReader`, then only read.
public struct Cluster: Sendable {
  public var files: [SourceFile] = []
  public var services: [Service] = []
  public var slices: [EndpointSlice] = []
  public var pods: [Pod] = []
  public var nodes: [Node] = []
  public var networkPolicies: [NetworkPolicy] = []
  /// Policies that are read by name only.
  public var clusterPolicies: [ClusterPolicy] = []
  /// Of ServiceCIDR objects: where ClusterIPs come from.
  public var serviceRanges: [IPPrefix] = []
  /// Labels of namespaces, as far as the objects hold them.
  public var namespaces: [String: [(key: String, value: String)]] = [:]
  public var ingressPaths: [IngressPath] = []
  public var ingresses: [Ingress] = []
  public var ingressClasses: [IngressClass] = []
  public var resolvers: [ResolverSetting] = []
  public var workloads: [Workload] = []
  public var events: [ClusterEvent] = []
  public var claims: [PersistentVolumeClaim] = []
  public var storageClasses: [StorageClass] = []
  public var leases: [Lease] = []
  public var addressPools: [AddressPool] = []
  public var advertisements: [PoolAdvertisement] = []
  public var peerAuthentications: [PeerAuthentication] = []
  public var proxyConfiguration: ProxyConfiguration?
  public var corefile: Corefile?
  /// What the kubelet's configuration calls the cluster's zone; nil: it was not read, or does not say.
  public var clusterDomain: String?
  public var clusterConfiguration: ClusterConfiguration?
  public var overlays: [OverlayConfiguration] = []
  public var dialledServers: [DialledServer] = []
  /// Kinds of which objects were read, be it an empty list.
  public var kinds: Set<String> = []
  public var diagnostics = Diagnostics()
  let lines = ObjectLines()
  /// Some objects come from what kubectl prints for people, which leaves out names of ports, policies and more.
  public var hasTexts = false
  /// There are Services, and default/kubernetes, which every cluster has, is not among them: they are a part of the cluster's.
  /// That a Service, an endpoint or a Pod is not among the objects proves nothing then.
  public var isPartial: Bool {
    hasTexts || !services.isEmpty && serviceIndex["default/kubernetes"] == nil
  }
  /// Node and zone names, once each.
  public private(set) var names: [String] = []
  private var nameIndex: [String: Int32] = [:]
  private var eventIndex: [EventKey: Int] = [:]
  public private(set) var serviceIndex: [String: Int] = [:]
  /// Policies by namespace: indexes into `networkPolicies`.
  public private(set) var policiesOfNamespace: [String: [Int]] = [:]
  public private(set) var podOfAddress: [IPAddress: Int] = [:]
  /// Of everything that has an address.
  private var ownerOfAddress: [IPAddress: Owner] = [:]

  /// By index.
  private enum Owner {
    case service(Int)
    case pod(Int)
    case node(Int)
  }

  private struct FullName: Hashable {
    var namespace: String
    var name: String
  }

  public init() {}

  public var isEmpty: Bool {
    services.isEmpty && slices.isEmpty && pods.isEmpty && nodes.isEmpty && workloads.isEmpty && events.isEmpty
  }

  public mutating func intern(_ name: String) -> Int32 {
    if let known = nameIndex[name] { return known }
    let index = Int32(names.count)
    names.append(name)
    nameIndex[name] = index
    return index
  }

  private struct EventKey: Hashable {
    var subject: ClusterEvent.Subject
    var reason: String
  }

  /// Of one object and reason the newest is kept.
  mutating func add(_ event: ClusterEvent) {
    let key = EventKey(subject: event.subject, reason: event.reason)
    guard let known = eventIndex[key] else {
      eventIndex[key] = events.count
      events.append(event)
      return
    }
    if events[known].time <= event.time { events[known] = event }
  }

  public func nameID(_ name: String) -> Int32? { nameIndex[name] }

  /// Resolves references once all files are read, and says what does not fit together.
  public mutating func finish() {
    services = lastOfEach(services, "Service", file: \.file, name: { $0.fullName }, spelt: { $0 })
    for (index, service) in services.enumerated() {
      serviceIndex[service.fullName] = index
      for address in service.clusterIPs + service.externalIPs + service.loadBalancerIPs + service.proxiedLoadBalancerIPs
      {
        ownerOfAddress[address] = .service(index)
      }
    }
    // A slice may appear in several files; the last one counts, as with a later `kubectl get`.
    var lastOfSlice: [String: Int] = [:]
    for (index, slice) in slices.enumerated() where !slice.name.isEmpty {
      lastOfSlice["\(slice.namespace)/\(slice.name)"] = index
    }
    for (index, slice) in slices.enumerated() {
      let own = "\(slice.namespace)/\(slice.name)"
      if let last = lastOfSlice[own], last != index {
        warn(slice.file, "EndpointSlice \(own) is given more than once; the last one counts")
        continue
      }
      let key = "\(slice.namespace)/\(slice.service)"
      if slice.service.isEmpty {
        warn(slice.file, "EndpointSlice \(own) has no label kubernetes.io/service-name; it belongs to no Service")
        continue
      }
      if let service = serviceIndex[key] {
        services[service].slices.append(index)
      } else if !services.isEmpty {
        warn(slice.file, "EndpointSlice \(own) belongs to Service \(key), which is not among the objects")
      }
    }
    networkPolicies = lastOfEach(networkPolicies, "NetworkPolicy", file: \.file, name: { $0.fullName }, spelt: { $0 })
    for (index, policy) in networkPolicies.enumerated() {
      policiesOfNamespace[policy.namespace, default: []].append(index)
    }
    nodes = lastOfEach(nodes, "Node", file: \.file, name: { $0.name }, spelt: { $0 })
    pods = lastOfEach(
      pods, "Pod", file: \.file, name: { FullName(namespace: $0.namespace, name: $0.name) },
      spelt: { "\($0.namespace)/\($0.name)" })
    workloads = lastOfEach(
      workloads, "object", file: \.file, name: { "\($0.kind.rawValue) \($0.fullName)" }, spelt: { $0 })
    for (index, pod) in pods.enumerated() {
      if pod.phase == "Succeeded" || pod.phase == "Failed" { continue }
      if !pod.hostNetwork {
        for address in pod.addresses {
          podOfAddress[address] = index
          ownerOfAddress[address] = .pod(index)
        }
      }
    }
    for (index, node) in nodes.enumerated() {
      for address in node.internalIPs { ownerOfAddress[address] = .node(index) }
    }
  }

  /// `svc/ns/name`, `pod/ns/name`, `node/name`; nil: nobody's.
  public func owner(of address: IPAddress) -> String? {
    switch ownerOfAddress[address] {
    case nil: nil
    case .service(let index): "svc/\(services[index].fullName)"
    case .pod(let index): "pod/\(pods[index].fullName)"
    case .node(let index): "node/\(nodes[index].name)"
    }
  }

  public func service(_ fullName: String) -> Service? { serviceIndex[fullName].map { services[$0] } }

  /// The Node whose InternalIP is one of the given addresses; else the one of that name.
  public func node(addresses: some Sequence<IPAddress>, name: String) -> Node? {
    let own = Set(addresses)
    return nodes.first { $0.internalIPs.contains(where: own.contains) } ?? nodes.first { $0.name == name }
  }

  /// Objects that several files hold, or one file twice: the last one counts, as with a later `kubectl get`.
  private mutating func lastOfEach<Object, Name: Hashable>(
    _ objects: [Object], _ kind: String, file: KeyPath<Object, Int>, name: (Object) -> Name, spelt: (Name) -> String
  ) -> [Object] {
    var last: [Name: Int] = [:]
    last.reserveCapacity(objects.count)
    for (index, object) in objects.enumerated() {
      if last.updateValue(index, forKey: name(object)) != nil {
        warn(object[keyPath: file], "\(kind) \(spelt(name(object))) is given more than once; the last one counts")
      }
    }
    guard last.count < objects.count else { return objects }
    return objects.indices.filter { last[name(objects[$0])] == $0 }.map { objects[$0] }
  }

  mutating func warn(_ file: Int, _ message: String) {
    diagnostics.add(
      Diagnostic(.warning, file: files.indices.contains(file) ? files[file].name : "objects", .whole, escaped(message)))
  }
}

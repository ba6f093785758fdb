import Dispatch
import Findings
import Input
import Intent
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Synchronization
import Wire

/// One frontend traced from one origin, beside what it should do.
public struct Observation: Sendable {
  public var service: Int
  public var port: Int
  public var frontend: Frontend
  public var origin: Origin
  public var source: IPAddress
  public var reach: Reach
  public var expected: Expectation
  /// Index of its selection in `NodeContext.selections`.
  public var selection: Int
  /// What is wrong; empty: it is as it should be.
  public var faults: Faults = []
  /// With `notRefused`: the rule that refuses is there, and another program's rule accepts before it comes to that.
  public var isRefusedBehind = false
  /// With `onlyFirstDatagram`: the rule or policy that drops the others.
  public var dropOfSecond: Step?
  /// With `notMasqueraded`: the rule that leads to an endpoint whose answers bypass the node.
  public var bypassedRule: RuleID?

  public struct Faults: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// Nothing translates, though endpoints exist.
    public static let ignored = Faults(rawValue: 1)
    /// A share of connections is not translated.
    public static let partlyIgnored = Faults(rawValue: 2)
    /// Translated to other endpoints than the cluster wants.
    public static let wrongEndpoints = Faults(rawValue: 4)
    /// Refused or dropped before translation, though endpoints exist.
    public static let refused = Faults(rawValue: 8)
    /// Lost on the way to the endpoint.
    public static let lostBehind = Faults(rawValue: 16)
    /// Served, though the cluster has no endpoint to offer.
    public static let served = Faults(rawValue: 32)
    /// Goes on untranslated where it should be refused.
    public static let notRefused = Faults(rawValue: 64)
    /// An endpoint of another node sees the client's own address, and its answers do not come back to this node.
    public static let notMasqueraded = Faults(rawValue: 128)
    public static let sourceLost = Faults(rawValue: 256)
    public static let uneven = Faults(rawValue: 512)
    public static let rangesIgnored = Faults(rawValue: 1024)
    public static let hairpin = Faults(rawValue: 2048)
    /// Policy Local is applied to a client inside the cluster, whom the proxy should send to all endpoints.
    public static let noShortCircuit = Faults(rawValue: 4096)
    /// Datagrams behind the first one of a flow are dropped.
    public static let onlyFirstDatagram = Faults(rawValue: 8192)
    /// loadBalancerSourceRanges name the client, and the rules refuse it.
    public static let rangeRefused = Faults(rawValue: 16384)
  }
}

/// One node: its snapshot, who it is, and the observations worth keeping.
public struct NodeContext: Sendable {
  public var snapshot: Snapshot
  public var name: String
  public var node: Node?
  public var isIPVS: Bool
  /// The Pod whose network namespace the snapshot shows; nil: it is a node's. An index into `Cluster.pods`.
  public var pod: Int?
  /// It runs in IPVS mode, and the snapshot does not have the table: nothing was traced.
  public var lacksVirtualServers = false
  /// Versions that Services have addresses of and the snapshot no rules: nothing of them was traced.
  public var withoutRules: [IPVersion] = []
  public var isNftables = false
  /// Only those with faults, or with topology hints in use.
  public var observations: [Observation] = []
  public var selections: [EndpointSelection] = []
  public var frontends = 0
  public var traced = 0
  /// How many traced frontends with endpoints are translated at all, by origin.
  public var translatedFrom: [Origin: Int] = [:]
  public var expectedFrom: [Origin: Int] = [:]
  /// Served external frontends whose source had to be rewritten, and was.
  public var masqueradeWanted = 0
  public var masqueradeDone = 0
  public var leftMarked = 0
  /// Of ClusterIPs alone: none rewritten at all means that kube-proxy detects no local traffic (detectLocalMode none).
  public var clusterMasqueradeDone = 0
  public var usesHints: [Int] = []
  /// Services whose health-check port the node's rules close to load balancers, and the rule or policy that does.
  public var closedHealthChecks: [(service: Int, step: Step?)] = []
  /// Frontends of kind NodePort that some rule answers for, seen from outside.
  public var nodePortsAnswered = 0
  /// Frontends that kube-proxy's rules still serve and no Service has; the Service they name.
  public var leftovers: [(frontend: Frontend, service: String, rule: RuleID?)] = []
  var planes: [ProxyPlane] = []
  var missingRules: [MissingRule] = []
  var serviceChains = ServiceChains()
  /// IPVS mode: where kube-proxy's ipsets differ from the objects.
  var setMismatches: [ProxySets.Mismatch] = []
}

extension NodeContext {
  /// Rules were read, and none that were handed over is missing: what is not among them is not there.
  var hasWholeRules: Bool { snapshot.rulesKnown && !snapshot.hasUnreadRules && snapshot.tablesNotGiven.isEmpty }

  /// Of findings about the node itself.
  var subject: Finding.Subject { Finding.Subject(kind: "Node", name: name, node: name) }

  /// By which others know it.
  func address(_ version: IPVersion) -> IPAddress? {
    node?.internalIPs.first { $0.version == version }
      ?? snapshot.addresses?.first { $0.address.version == version && $0.scope == "global" }?.address
  }
}

/// All that checks look at. Built once; checks only read.
public struct CheckContext: Sendable {
  public var intent: Cluster
  public var nodes: [NodeContext] = []
  /// Service ports that have no usable endpoint of a version at all: service, port, version.
  public var withoutEndpoints: [(service: Int, port: Int, version: IPVersion)] = []
  /// Services without a ClusterIP that select Pods and have none ready: their names resolve to nothing.
  public var headlessWithoutEndpoints: [Int] = []
  let objects: ObjectIndex
  let controlPlane: ControlPlane
  let plugin: NetworkPlugin
  let places: IngressPlaces
  private(set) var endpointCauses: EndpointCauses
  /// Addresses and ports that several Services claim.
  let contested: [Frontend: Set<Int>]

  /// `only`: the Services whose frontends are traced, by their index; nil: all.
  public init(_ bundle: Bundle, intent: Cluster, only: Set<Int>? = nil) {
    self.intent = intent
    objects = ObjectIndex(intent)
    controlPlane = ControlPlane(intent, objects)
    plugin = NetworkPlugin(intent, objects)
    places = IngressPlaces(intent)
    let finder = CauseFinder(intent: intent, objects: objects, controlPlane: controlPlane, plugin: plugin)
    endpointCauses = EndpointCauses([], intent, finder)
    contested = HostPortShadowing.contested(intent)
    let sticky = ServiceOfChain(intent) { $0.affinity != nil }
    let owners = Mutex<ServiceOfChain?>(nil)
    let done = Mutex<[NodeContext?]>(Array(repeating: nil, count: bundle.snapshots.count))
    WorkMeter.expect(bundle.snapshots.count)
    // Nodes have nothing to do with each other here.
    DispatchQueue.concurrentPerform(iterations: bundle.snapshots.count) { [contested] number in
      defer { WorkMeter.advance(1) }
      let snapshot = bundle.snapshots[number]
      var observer = Observer(snapshot, intent, contested: contested, only: only)
      var node = observer.run()
      node.planes = ProxyPlane.all(snapshot)
      node.missingRules = MissingRule.all(
        node.planes, hasTunnel: (snapshot.links ?? []).contains { $0.vxlan != nil })
      node.serviceChains = ServiceChains(node.planes, wanted: sticky) {
        owners.withLock { known in
          let all = known ?? ServiceOfChain(intent)
          known = all
          return all
        }
      }
      node.setMismatches = ProxySets.mismatches(intent, node)
      done.withLock { $0[number] = node }
    }
    nodes = done.withLock { $0.compactMap { $0 } }
    FarPods.settle(&nodes, intent)
    // Two snapshots that the objects take for one node are told apart by what they are called.
    let names = Dictionary(grouping: nodes.indices, by: { nodes[$0].name })
    for index in names.values.filter({ $0.count > 1 }).joined() { nodes[index].name = nodes[index].snapshot.name }
    for (index, service) in intent.services.enumerated() where service.isProxied && only?.contains(index) != false {
      for (number, port) in service.ports.enumerated() {
        let version = service.clusterIPs[0].version
        if EndpointSelection.isEmpty(intent, service, port, version) {
          withoutEndpoints.append((index, number, version))
        }
      }
    }
    headlessWithoutEndpoints = intent.services.indices.filter { [objects] index in
      let service = intent.services[index]
      // Of what is only a part of the objects, Pods that are there and down are proof enough.
      let pods = objects.pods(ofService: index)
      let isDown = !pods.isEmpty && pods.allSatisfy { !intent.pods[Int($0)].ready }
      return service.headless && !service.selector.isEmpty && !service.publishesNotReady && !service.ports.isEmpty
        && only?.contains(index) != false
        && (!intent.isPartial || isDown)
        && !service.slices.contains { intent.slices[$0].endpoints.contains { $0.ready } }
    }
    endpointCauses = EndpointCauses(
      withoutEndpoints + headlessWithoutEndpoints.map { ($0, 0, .v4) }, intent, finder)
  }

  public var summary: (services: Int, frontends: Int, traced: Int) {
    (intent.services.count { $0.isProxied }, nodes.reduce(0) { $0 + $1.frontends }, nodes.reduce(0) { $0 + $1.traced })
  }

  /// Kinds of objects that would tell more of Services without endpoints, and are not among those given; nil: none.
  public var missingKinds: String? {
    guard !withoutEndpoints.isEmpty, !intent.pods.isEmpty else { return nil }
    let missing = [("Event", "Events"), ("Deployment", "Deployments"), ("ReplicaSet", "ReplicaSets")].filter {
      !intent.kinds.contains($0.0)
    }
    return missing.isEmpty ? nil : missing.map(\.1).joined(separator: ", ")
  }

  public func subject(_ observation: Observation, _ node: NodeContext) -> Finding.Subject {
    let service = intent.services[observation.service]
    return subject(service, service.ports[observation.port], node: node.name)
  }

  public func subject(_ service: Service, _ port: Service.Port? = nil, node: String? = nil) -> Finding.Subject {
    Finding.Subject(
      kind: "Service", namespace: service.namespace, name: service.name,
      port: port.map { $0.name.isEmpty ? "\($0.port)" : $0.name }, node: node)
  }

  /// The line of the rule or policy that ended a loss.
  public func evidence(_ step: Step?, _ node: NodeContext) -> [Finding.Evidence] {
    step.map { node.snapshot.evidence(of: $0) } ?? []
  }

  public func evidence(_ id: RuleID, _ node: NodeContext) -> [Finding.Evidence] { node.snapshot.evidence(of: id) }

  public func chainName(_ step: Step?, _ node: NodeContext) -> String {
    step.map { node.snapshot.ruleset.name(of: $0.chain) } ?? ""
  }
}

extension String {
  var trimmingBlanks: String {
    var text = Substring(self)
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    return String(text)
  }
}

import Findings
import Intent
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// A request from outside to a host and path of an Ingress, stage by stage: client → load balancer's address → node →
/// controller's Pod → the backend's Service → its Pod. It ends at the first stage that fails.
public struct ExternalJourney: Sendable {
  public struct Stage: Sendable {
    public enum Place: String, Sendable {
      case ingress, address, node, controller, backend
    }
    public var place: Place
    /// Who or what it is: `Ingress shop/web, class nginx`.
    public var name: String
    /// The packet there: `203.0.113.9:40000 → 203.0.113.41:80`; empty: no packet yet.
    public var packet = ""
    public var evidence: [Finding.Evidence] = []
    /// What goes wrong here; nil: nothing.
    public var problem: String?
  }

  public private(set) var url: String
  public private(set) var stages: [Stage] = []
  public private(set) var answer = Answer.served
  /// The backend: `shop/frontend:http`.
  public private(set) var service = ""
  public private(set) var fix: [Fix] = []
  /// Hosts and paths that fail with it.
  public private(set) var takesDown: [String] = []

  /// One sentence.
  public var why: String {
    if let failed = stages.last(where: { $0.problem != nil }) { return "\(failed.name): \(failed.problem!)" }
    return stages.map(\.name).joined(separator: " → ")
  }

  private let intent: Cluster
  private let snapshots: [Snapshot]

  /// `scheme`: `http` or `https`. `source` nil: an address outside.
  public init(
    _ path: IngressPath, scheme: String, source: IPAddress?, _ snapshots: [Snapshot], _ intent: Cluster
  ) {
    self.intent = intent
    self.snapshots = snapshots.filter { !PodNamespace.isPods($0) }
    url = "\(scheme)://\(path.host.isEmpty ? "*" : path.host)\(path.path)"
    run(path, port: scheme == "https" ? 443 : 80, source)
  }

  private mutating func run(_ path: IngressPath, port: UInt16, _ source: IPAddress?) {
    guard let ingress = intent.ingresses.first(where: { $0.namespace == path.namespace && $0.name == path.ingress }),
      taken(ingress, path), let controller = controller(of: ingress, path),
      let pods = entered(controller, port, source, path)
    else { return }
    served(path, from: pods, of: controller)
  }

  /// The answer, where nothing worse is known, and what else the fault takes down.
  private mutating func fail(_ answer: Answer, _ stage: Stage, _ problem: String, fix: [Fix], _ takesDown: [String]) {
    var stage = stage
    stage.problem = problem
    stages.append(stage)
    self.answer = answer
    self.fix = fix
    self.takesDown = takesDown
  }

  private func places(of ingress: Ingress) -> [String] {
    intent.ingressPaths.filter { $0.namespace == ingress.namespace && $0.ingress == ingress.name }.map(\.place)
  }

  // MARK: Ingress

  private mutating func taken(_ ingress: Ingress, _ path: IngressPath) -> Bool {
    let stage = Stage(
      place: .ingress, name: "Ingress \(ingress.fullName)\(ingress.className.map { ", class \(printable($0))" } ?? "")",
      evidence: [
        intent.evidence(ingress, ": \(path.place) → \(path.service):\(path.port)")
      ])
    let finding = IngressPathCheck.unclaimed(ingress, intent)
    if let finding {
      fail(.unserved, stage, finding.cause, fix: finding.fix, places(of: ingress))
      return false
    }
    stages.append(stage)
    return true
  }

  /// The Service at which the controller of an Ingress is dialled: the one that has the address which the Ingress was given,
  /// else one in whose name the controller's stands.
  private mutating func controller(of ingress: Ingress, _ path: IngressPath) -> Service? {
    let outside = intent.services.filter { $0.kind == .loadBalancer || $0.kind == .nodePort }
    if let own = outside.first(where: { $0.loadBalancerIPs.contains(where: ingress.addresses.contains) }) { return own }
    let name = intent.ingressClasses.first { $0.name == ingress.className }?.controller ?? ingress.className ?? ""
    let words = name.split(whereSeparator: { "/.-".contains($0) }).map(String.init).filter {
      $0.count > 3 && $0 != "ingress" && $0 != "controller"
    }
    if let own = outside.first(where: { service in
      words.contains { service.name.contains($0) || service.namespace.contains($0) }
    }) {
      return own
    }
    fail(
      .unsure, Stage(place: .address, name: "the controller's Service"),
      "no Service of type LoadBalancer or NodePort is known to be the controller's of class \(printable(ingress.className ?? "?"))",
      fix: [.look("kubectl get services -A", why: "add the controller's Service, endpoints and Pods to the objects")],
      [])
    return nil
  }

  // MARK: address and node

  private mutating func entered(
    _ service: Service, _ wanted: UInt16, _ source: IPAddress?, _ path: IngressPath
  ) -> [EndpointAddress]? {
    let port =
      service.ports.first { $0.port == wanted && $0.ipProtocol == .tcp }
      ?? service.ports.first { $0.ipProtocol == .tcp }
    guard let port else { return nil }
    let places = IngressPlaces(intent).list(service) ?? [path.place]
    var stage = Stage(
      place: .address, name: "LoadBalancer address of \(service.portName(port))",
      evidence: [
        intent.evidence(service, ": \(service.kind.rawValue), port \(port.port)")
      ])
    let node = snapshots.first(where: \.rulesKnown) ?? snapshots.first
    let frontend: Frontend
    if let address = service.loadBalancerIPs.first {
      frontend = Frontend(.loadBalancer, address, port.port, .tcp)
    } else if service.kind == .nodePort, let node,
      let own = intent.node(addresses: (node.addresses ?? []).map(\.address), name: node.name)?.internalIPs.first
    {
      frontend = Frontend(.nodePort, own, port.nodePort, .tcp)
      stage.name = "NodePort of \(service.portName(port))"
    } else {
      fail(
        .unserved, stage, "it has no address yet: nobody outside can dial it",
        fix: [.look(service.describeCommand, why: "what its load-balancer controller says")], places)
      return nil
    }
    let client =
      source ?? node.map { ServiceMap.outsideAddress(frontend.address.version, $0) } ?? IPAddress("203.0.113.1")!
    stage.packet = "\(EndpointAddress(client, 40000)) → \(EndpointAddress(frontend.address, frontend.port))"
    if let silent = LoadBalancerAddress.unannounced(service, intent, ObjectIndex(intent)) {
      stage.evidence += silent.evidence
      fail(.dropped, stage, "nobody announces it: \(silent.cause)", fix: silent.fix, places)
      return nil
    }
    stages.append(stage)
    return node.flatMap { passed($0, frontend, client, service, port, places) }
      ?? untraced(service, port)
  }

  /// Without a node's rules the objects alone tell where it goes.
  private mutating func untraced(_ service: Service, _ port: Service.Port) -> [EndpointAddress]? {
    guard stages.last?.problem == nil, snapshots.isEmpty else { return nil }
    answer = .unsure
    let version = service.clusterIPs.first?.version ?? .v4
    return Array(EndpointSelection(intent, service, port, version, node: nil).cluster)
  }

  private mutating func passed(
    _ snapshot: Snapshot, _ frontend: Frontend, _ client: IPAddress, _ service: Service, _ port: Service.Port,
    _ places: [String]
  ) -> [EndpointAddress]? {
    let probe = Probe(NodeModel(snapshot, indexed: false))
    let reach = probe.reach(frontend, source: client, from: nil)
    let name =
      intent.node(addresses: (snapshot.addresses ?? []).map(\.address), name: snapshot.name)?.name ?? snapshot.name
    var stage = Stage(place: .node, name: "node \(name)")
    if let rule = reach.firstTranslatingRule { stage.evidence = snapshot.evidence(of: rule) }
    if let (answer, problem) = Self.loss(reach, snapshot) {
      let finder = CauseFinder(intent)
      var fix: [Fix] = [.advice("trace it: \(frontend.traceCommand(from: client, on: name))")]
      var words = problem
      if EndpointSelection.isEmpty(intent, service, port, frontend.address.version),
        let index = intent.serviceIndex[service.fullName], let at = service.ports.firstIndex(of: port)
      {
        let (_, explanation) = finder.cause(service: index, port: at)
        words = "\(service.portName(port)), the Ingress controller, has no endpoint ← \(explanation.cause)"
        fix = explanation.fix
        stage.evidence += explanation.evidence
      }
      fail(answer, stage, words, fix: fix, places)
      return nil
    }
    let list = reach.endpoints
    stage.packet = "→ \(self.list(list, of: service))"
    if reach.lostBehindTranslation > 0.001 {
      answer = .partly
      stage.problem = "a share of \(Int((reach.lostBehindTranslation * 100).rounded())) % is lost behind translation"
    }
    stages.append(stage)
    return Array(list)
  }

  /// Why nothing arrives at an endpoint; nil: something does.
  private static func loss(_ reach: Reach, _ snapshot: Snapshot) -> (Answer, String)? {
    guard reach.endpoints.isEmpty else { return nil }
    let place = reach.losses.first?.step.map { " (\(snapshot.ruleset.name(of: $0.chain)))" } ?? ""
    if let reason = reach.losses.first?.reason { return (.dropped, "\(reason)") }
    if reach.rejected > 0.5 { return (.refused, "a rule rejects it\(printable(place))") }
    if !reach.losses.isEmpty { return (.dropped, "a rule drops it\(printable(place))") }
    return (.unserved, "no rule of the node takes the address")
  }

  /// Of several that claim an address the one that the Service selects.
  private func pod(at address: IPAddress, of service: Service? = nil) -> Pod? {
    if let service, !service.selector.isEmpty,
      let own = intent.pods.first(where: {
        $0.namespace == service.namespace && $0.addresses.contains(address) && !$0.isOver
          && $0.matches(service.selector)
      })
    {
      return own
    }
    return intent.podOfAddress[address].map { intent.pods[$0] }
  }

  private func list(_ endpoints: EndpointSet, of service: Service) -> String {
    endpoints.prefix(3).map { endpoint in
      "\(endpoint)\(pod(at: endpoint.address, of: service).map { " (Pod \($0.fullName) on \($0.node))" } ?? "")"
    }.joined(separator: " or ") + (endpoints.count > 3 ? " and \(endpoints.count - 3) more" : "")
  }

  // MARK: backend

  private mutating func served(_ path: IngressPath, from controllers: [EndpointAddress], of controller: Service) {
    let full = "\(path.namespace)/\(path.service)"
    guard let index = intent.serviceIndex[full],
      let at = intent.services[index].ports.firstIndex(where: { $0.name == path.port || "\($0.port)" == path.port })
    else {
      service = full
      fail(
        .unserved, Stage(place: .controller, name: "Service \(full)"),
        "the Ingress names a Service or port that does not exist: its controller answers 503",
        fix: [.look("kubectl -n \(path.namespace) edit ingress \(path.ingress)", why: "correct the backend")],
        [path.place])
      return
    }
    let backend = intent.services[index]
    let port = backend.ports[at]
    service = backend.portName(port)
    guard let address = backend.clusterIPs.first else { return }
    // The controller that a snapshot has the node of; else any.
    let homes = controllers.compactMap { endpoint in
      pod(at: endpoint.address, of: controller).map { (endpoint, $0) }
    }
    func snapshot(_ node: String) -> Snapshot? {
      snapshots.first {
        $0.name == node || intent.node(addresses: ($0.addresses ?? []).map(\.address), name: $0.name)?.name == node
      }
    }
    let home = homes.first { snapshot($0.1.node) != nil } ?? homes.first
    var stage = Stage(
      place: .controller,
      name: home.map { "controller Pod \($0.1.fullName) on \($0.1.node)" } ?? "the controller",
      packet: "\(home.map { "\($0.0.address)" } ?? "?") → \(EndpointAddress(address, port.port))  (\(service))")
    let last = Stage(place: .backend, name: "Service \(service)")
    if EndpointSelection.isEmpty(intent, backend, port, address.version) {
      stages.append(stage)
      let (_, explanation) = CauseFinder(intent).cause(service: index, port: at)
      var failing = last
      failing.evidence = explanation.evidence
      fail(
        .refused, failing, "it has no endpoint, and the controller answers 503 ← \(explanation.cause)",
        fix: explanation.fix,
        IngressPlaces(intent).list(backend) ?? [path.place])
      return
    }
    guard let home, let node = snapshot(home.1.node) else {
      stages.append(stage)
      var end = last
      end.packet =
        "→ \(list(EndpointSelection(intent, backend, port, address.version, node: nil).cluster, of: backend))"
      stages.append(end)
      return
    }
    let probe = Probe(NodeModel(node, indexed: false))
    let reach = probe.reach(
      Frontend(.clusterIP, address, port.port, port.ipProtocol), source: home.0.address, from: nil)
    if let rule = reach.firstTranslatingRule { stage.evidence = node.evidence(of: rule) }
    stages.append(stage)
    if let (answer, problem) = Self.loss(reach, node) {
      fail(
        answer, last, problem,
        fix: [
          .advice(
            "trace it: \(Frontend(.clusterIP, address, port.port, port.ipProtocol).traceCommand(from: home.0.address, on: home.1.node))"
          )
        ],
        IngressPlaces(intent).list(backend) ?? [path.place])
      return
    }
    var end = last
    end.packet = "→ \(list(reach.endpoints, of: backend))"
    stages.append(end)
  }
}

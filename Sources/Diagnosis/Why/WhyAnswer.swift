import Findings
import Intent
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// Whether a Service, or an address, works: asked on every node by everybody who may ask, with the causes of what does
/// not.
public struct WhyAnswer: Sendable {
  /// One question and its answer.
  public struct Cell: Sendable {
    public var node: String
    public var frontend: Frontend
    public var origin: Origin
    public var source: IPAddress
    public var judgement: Judgement
  }

  /// `namespace/name:port`, or the address and port that was asked for.
  public internal(set) var subject: String
  public internal(set) var cells: [Cell] = []
  /// Each cause once, the worst first.
  public internal(set) var findings: [Finding] = []
  /// Entries of the nodes' connection tables that go to the frontends: how many, and how many have no reply.
  public internal(set) var connections: (all: Int, unreplied: Int)?

  /// The worst answer.
  public var answer: Answer {
    let order: [Answer] = [.dropped, .refused, .lost, .unserved, .partly, .unsure, .passes, .served]
    return order.first { answer in cells.contains { $0.judgement.answer == answer } } ?? .unsure
  }

  /// What is asked.
  public enum Target: Sendable {
    /// A Service port, by their indexes.
    case service(Int, port: Int)
    case socket(IPAddress, UInt16, IPProtocol)
  }

  public init(_ target: Target, _ nodes: [Snapshot], _ names: NameResolver?) {
    var frontends: [Frontend] = []
    switch target {
    case .socket(let address, let port, let ipProtocol):
      let frontend = Frontend(.address, address, port, ipProtocol)
      subject = "\(frontend)"
      frontends = [frontend]
    case .service(let index, let number):
      let service = names!.cluster.services[index]
      subject = service.portName(service.ports[number])
      frontends = Self.frontends(of: service, service.ports[number])
    }
    for snapshot in nodes { ask(snapshot, frontends, target, names) }
  }

  /// Without NodePorts: these are at each node's own addresses.
  private static func frontends(of service: Service, _ port: Service.Port) -> [Frontend] {
    service.clusterIPs.map { Frontend(.clusterIP, $0, port.port, port.ipProtocol) }
      + service.loadBalancerIPs.map { Frontend(.loadBalancer, $0, port.port, port.ipProtocol) }
      + service.externalIPs.map { Frontend(.externalIP, $0, port.port, port.ipProtocol) }
  }

  private mutating func ask(
    _ snapshot: Snapshot, _ shared: [Frontend], _ target: Target, _ names: NameResolver?
  ) {
    let judge = Judge(PathTracer(snapshot), AnswerFacts(snapshot, names: names))
    let pods = LocalPods.examples(snapshot, names?.cluster)
    let own = Set((snapshot.addresses ?? []).map(\.address))
    let node = names?.cluster.node(addresses: own, name: snapshot.name)
    var frontends = shared
    if case .service(let index, let number) = target, let node {
      let port = names!.cluster.services[index].ports[number]
      let versions = Set(names!.cluster.services[index].clusterIPs.map(\.version))
      if port.nodePort != 0 {
        for address in node.internalIPs where versions.contains(address.version) {
          frontends.append(Frontend(.nodePort, address, port.nodePort, port.ipProtocol))
        }
      }
    }
    for frontend in frontends {
      let version = frontend.address.version
      var origins: [(Origin, IPAddress, String?)] = []
      if let pod = pods[version] { origins.append((.pod, pod, nil)) }
      if let address = judge.tracer.sourceAddress(to: frontend.address) { origins.append((.node, address, Flow.local)) }
      // Nobody outside dials a ClusterIP; the address of another node's Pod neither.
      if frontend.kind != .clusterIP {
        origins.append((.outside, ServiceMap.outsideAddress(version, snapshot), nil))
      }
      for (origin, source, from) in origins {
        let entry = from ?? judge.tracer.inputInterface(from: source, to: frontend.address)
        guard let entry else { continue }
        var flow = Flow(
          ipProtocol: frontend.ipProtocol, source: source, sourcePort: 41234, destination: frontend.address,
          destinationPort: frontend.port, from: entry)
        flow.isFrame = from == nil && !flow.isLocal
        let (trace, judgement) = judge.judge(flow)
        let name = node?.name ?? snapshot.name
        cells.append(
          Cell(node: name, frontend: frontend, origin: origin, source: source, judgement: judgement))
        guard !judgement.answer.isGood else { continue }
        for finding in AnswerCauses.findings(judgement, trace, snapshot, names)
        where !findings.contains(where: { $0.id == finding.id && $0.cause == finding.cause }) {
          findings.append(finding)
        }
      }
      count(snapshot, frontend)
    }
  }

  private mutating func count(_ snapshot: Snapshot, _ frontend: Frontend) {
    guard let entries = snapshot.connections else { return }
    var (all, unreplied) = connections ?? (0, 0)
    for entry in entries
    where entry.original.destination == frontend.address && entry.original.destinationPort == frontend.port
      && entry.ipProtocol == frontend.ipProtocol.rawValue
    {
      all += 1
      if entry.unreplied { unreplied += 1 }
    }
    connections = (all, unreplied)
  }
}

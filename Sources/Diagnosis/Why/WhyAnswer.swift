import Findings
import Intent
import Journey
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
    public var answer: Answer
    /// One sentence, escaped for output.
    public var why: String
    /// Commands whose output would settle it.
    public var wanted: [String]
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
    return order.first { answer in cells.contains { $0.answer == answer } } ?? .unsure
  }

  /// What is asked.
  public enum Target: Sendable {
    /// A Service port, by their indexes.
    case service(Int, port: Int)
    case socket(IPAddress, UInt16, IPProtocol)
  }

  /// `node`: it is asked there alone, and what goes on from there is followed through all of them; nil: on every node.
  public init(_ target: Target, _ nodes: [Snapshot], _ names: NameResolver?, on node: String? = nil) {
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
    let asked = nodes.indices.filter { node == nil || nodes[$0].name == node }
    let journeys = JourneyQuestions.matter(nodes) ? JourneyQuestions(nodes, names?.cluster) : nil
    let judge = journeys.map { JourneyJudge($0.map, names) }
    for number in asked {
      let own = frontends + Self.nodePorts(target, nodes[number], names)
      if let journeys, let judge {
        ask(own, on: number, journeys, judge)
      } else {
        ask(nodes[number], own, names)
      }
      for frontend in own { count(nodes[number], frontend) }
    }
  }

  /// Without NodePorts: these are at each node's own addresses.
  private static func frontends(of service: Service, _ port: Service.Port) -> [Frontend] {
    service.clusterIPs.map { Frontend(.clusterIP, $0, port.port, port.ipProtocol) }
      + service.loadBalancerIPs.map { Frontend(.loadBalancer, $0, port.port, port.ipProtocol) }
      + service.externalIPs.map { Frontend(.externalIP, $0, port.port, port.ipProtocol) }
  }

  private static func nodePorts(_ target: Target, _ snapshot: Snapshot, _ names: NameResolver?) -> [Frontend] {
    guard case .service(let index, let number) = target, let cluster = names?.cluster,
      let node = cluster.node(addresses: Set((snapshot.addresses ?? []).map(\.address)), name: snapshot.name)
    else { return [] }
    let port = cluster.services[index].ports[number]
    let versions = Set(cluster.services[index].clusterIPs.map(\.version))
    guard port.nodePort != 0 else { return [] }
    return node.internalIPs.filter { versions.contains($0.version) }.map {
      Frontend(.nodePort, $0, port.nodePort, port.ipProtocol)
    }
  }

  /// From each who may ask, through all nodes and back: what `trace` says of the same flow.
  private mutating func ask(
    _ frontends: [Frontend], on number: Int, _ journeys: JourneyQuestions, _ judge: JourneyJudge
  ) {
    for question in frontends.flatMap({ journeys.ask($0, on: number, judge) }) {
      let answer = judge.judge(question.flow)
      cells.append(
        Cell(
          node: question.node, frontend: question.frontend, origin: question.origin, source: question.flow.source,
          answer: answer.answer, why: answer.why, wanted: answer.wanted))
      if !answer.answer.isGood { add(judge.findings(answer)) }
    }
  }

  private mutating func add(_ causes: [Finding]) {
    for finding in causes where !findings.contains(where: { $0.id == finding.id && $0.cause == finding.cause }) {
      findings.append(finding)
    }
  }

  /// Of one node's dumps alone.
  private mutating func ask(_ snapshot: Snapshot, _ frontends: [Frontend], _ names: NameResolver?) {
    let judge = Judge(PathTracer(snapshot), AnswerFacts(snapshot, names: names))
    let pods = LocalPods.examples(snapshot, names?.cluster)
    let node = names?.cluster.node(addresses: Set((snapshot.addresses ?? []).map(\.address)), name: snapshot.name)
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
          ipProtocol: frontend.ipProtocol, source: source, sourcePort: JourneyQuestions.sourcePort,
          destination: frontend.address,
          destinationPort: frontend.port, from: entry)
        flow.isFrame = from == nil && !flow.isLocal
        let (trace, judgement) = judge.judge(flow)
        let name = node?.name ?? snapshot.name
        cells.append(
          Cell(
            node: name, frontend: frontend, origin: origin, source: source, answer: judgement.answer,
            why: judgement.why, wanted: judgement.wanted))
        if !judgement.answer.isGood { add(AnswerCauses.findings(judgement, trace, snapshot, names)) }
      }
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

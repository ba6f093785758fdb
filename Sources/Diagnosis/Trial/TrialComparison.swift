import Intent
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// What changes along with what was tried: every frontend of every Service, asked by a Pod of the node, by the node
/// itself and from outside, before and after.
public struct TrialComparison: Sendable {
  public struct Change: Sendable {
    public var frontend: Frontend
    public var origin: Origin
    public var source: IPAddress
    public var before: Fare
    public var after: Fare

    public var isGain: Bool { after.isGood }
  }

  /// Those that fare otherwise than before.
  public private(set) var changes: [Change] = []
  public private(set) var compared = 0
  /// More frontends there are than were asked.
  public private(set) var left = 0

  public var gained: Int { changes.count { $0.after.isGood && !$0.before.isGood } }
  public var lost: Int { changes.count { $0.before.isGood && !$0.after.isGood } }

  /// Frontends that are asked at most.
  static let limit = 5000

  /// `names`: of the cluster's objects; nil: there are none.
  public init(before: Snapshot, after: Snapshot, names: NameResolver?) {
    let cluster = names?.cluster
    let models = (NodeModel(before, indexed: true), NodeModel(after, indexed: true))
    var frontends = Self.intended(cluster, before)
    var known = Set(frontends)
    for frontend in ServiceMap.candidates(models.0) + ServiceMap.candidates(models.1) {
      let plain = Frontend(.address, frontend.address, frontend.port, frontend.ipProtocol)
      if !known.contains(plain), known.insert(frontend).inserted { frontends.append(frontend) }
    }
    left = max(0, frontends.count - Self.limit)
    let probes = (FlowProbe(models.0, names), FlowProbe(models.1, names))
    for frontend in frontends.prefix(Self.limit) {
      for (origin, source) in probes.0.origins(of: frontend) {
        compared += 1
        let (old, new) = (probes.0.fare(frontend, origin, source), probes.1.fare(frontend, origin, source))
        if old.kind != new.kind || !old.isGood && old.why != new.why {
          changes.append(Change(frontend: frontend, origin: origin, source: source, before: old, after: new))
        }
      }
    }
  }

  /// Of the objects; NodePorts at the node's own address.
  private static func intended(_ cluster: Cluster?, _ snapshot: Snapshot) -> [Frontend] {
    let services = (cluster?.services ?? []).filter(\.isProxied)
    let node = cluster?.node(addresses: (snapshot.addresses ?? []).map(\.address), name: snapshot.name)
    return services.flatMap { service in
      service.claims
        + service.ports.filter { $0.nodePort != 0 }.flatMap { port in
          (node?.internalIPs ?? []).map { Frontend(.nodePort, $0, port.nodePort, port.ipProtocol) }
        }
    }
  }
}

/// Asks frontends of one node, from those who may ask. One serves one thread.
final class FlowProbe {
  let judge: Judge
  var tracer: PathTracer { judge.tracer }
  private let pods: [IPVersion: IPAddress]

  init(_ model: NodeModel, _ names: NameResolver?) {
    judge = Judge(PathTracer(model), AnswerFacts(model.snapshot, names: names))
    pods = LocalPods.examples(model.snapshot, names?.cluster)
  }

  func origins(of frontend: Frontend) -> [(Origin, IPAddress)] {
    let version = frontend.address.version
    var list: [(Origin, IPAddress)] = []
    if let pod = pods[version] { list.append((.pod, pod)) }
    if let own = tracer.sourceAddress(to: frontend.address) { list.append((.node, own)) }
    list.append((.outside, ServiceMap.outsideAddress(version, tracer.model.snapshot)))
    return list
  }

  func fare(_ frontend: Frontend, _ origin: Origin, _ source: IPAddress) -> Fare {
    fare(flow(frontend, source, isLocal: origin == .node))
  }

  func fare(_ flow: Flow) -> Fare { Fare(judge.judge(flow).judgement) }

  func flow(_ frontend: Frontend, _ source: IPAddress, isLocal: Bool) -> Flow {
    let entry = isLocal ? Flow.local : tracer.inputInterface(from: source, to: frontend.address) ?? "eth0"
    var flow = Flow(
      ipProtocol: frontend.ipProtocol, source: source, sourcePort: 41234, destination: frontend.address,
      destinationPort: frontend.port, from: entry)
    flow.isFrame = !flow.isLocal
    return flow
  }
}

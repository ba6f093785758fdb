import Intent
import Journey
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// Who asks for a frontend on a node, as flows of a bundle: what `why` and `check` both ask.
struct JourneyQuestions {
  let map: BundleMap
  let cluster: Cluster?
  private let pods: [[IPVersion: IPAddress]]
  private let snapshots: [Snapshot]
  /// Versions of which some node has a default route: clients may be anywhere.
  private let routedOutside: Set<IPVersion>

  struct Question {
    var node: String
    var frontend: Frontend
    var origin: Origin
    var flow: Flow
  }

  /// Any that no Service has.
  static let sourcePort: UInt16 = 41234

  /// Behind routers: of the ranges for documentation (RFC 5737, RFC 3849).
  private static func farClient(_ version: IPVersion) -> IPAddress {
    version == .v4 ? IPAddress("192.0.2.77")! : IPAddress("2001:db8:ffff::77")!
  }

  init(_ snapshots: [Snapshot], _ cluster: Cluster?) {
    map = BundleMap(snapshots, cluster)
    self.snapshots = snapshots
    self.cluster = cluster
    routedOutside = Set(
      snapshots.flatMap { $0.routes ?? [] }.filter { $0.type == .unicast && $0.destination.length == 0 }.map {
        $0.destination.address.version
      })
    pods = snapshots.map { LocalPods.examples($0, cluster) }
  }

  /// Whether walks of one node alone would miss something: other nodes, or Pods' own namespaces.
  static func matter(_ snapshots: [Snapshot]) -> Bool {
    snapshots.count > 1 || snapshots.contains { !$0.pods.isEmpty }
  }

  /// On the node at an index: by a Pod, by the node itself, and from outside what is for clients there.
  func ask(_ frontend: Frontend, on number: Int, _ judge: JourneyJudge) -> [Question] {
    let (snapshot, node) = (snapshots[number], map.nodes[number])
    let version = frontend.address.version
    var questions: [Question] = []
    func add(_ origin: Origin, _ source: IPAddress, _ place: FlowOrigin?) {
      var flow = Flow(
        ipProtocol: frontend.ipProtocol, source: source, sourcePort: Self.sourcePort, destination: frontend.address,
        destinationPort: frontend.port, from: origin == .node ? Flow.local : "")
      flow.origin = place
      questions.append(Question(node: node, frontend: frontend, origin: origin, flow: flow))
    }
    if let pod = pods[number][version] { add(.pod, pod, nil) }
    if let own = judge.walk.sourceAddress(on: number, to: frontend.address) { add(.node, own, FlowOrigin(node: node)) }
    // Nobody outside dials a ClusterIP; the address of another node's Pod neither.
    if frontend.kind != .clusterIP {
      let client =
        routedOutside.contains(version) ? Self.farClient(version) : ServiceMap.outsideAddress(version, snapshot)
      add(.outside, client, FlowOrigin(enters: node))
    }
    return questions
  }
}

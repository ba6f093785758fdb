import Intent
import PacketPath
import Ruleset
import Snapshot
import Wire

/// Follows flows through the namespaces of a bundle: from the client's socket to the endpoint's, and back. One walk serves
/// one thread; walks share a `BundleMap`.
public final class JourneyWalk {
  public let map: BundleMap
  private var tracers: [Int: PathTracer] = [:]

  /// More namespaces than this on one way, and it leads round in a circle.
  static let maximumLegs = 24

  public init(_ map: BundleMap) { self.map = map }

  /// What happens to the flow. `origin` and `from` of the flow, and else its source, say where it begins.
  public func follow(_ flow: Flow) -> Way {
    var passage = Passage(flow)
    switch start(of: flow) {
    case .namespace(let namespace, let from):
      var first = flow
      first.from = from.interface
      first.isFrame = from.isFrame
      if flow.ipProtocol == .tcp, first.tcpFlags == nil { first.tcpFlags = TCPFlags.syn }
      if flow.origin != nil, first.isLocal, let own = kernelsSource(of: flow, on: namespace) {
        first.source = own
      }
      passage.flow = first
      passage.entrance = namespace
      passage.client = from.interface == Flow.local ? .socket(namespace) : .outside
      if let pod = from.pod { passage.client = .pod(pod, node: namespace) }
      if passage.client == .outside {
        passage.limit(map.namespaces[namespace].link(from.interface)?.mtu, .silent, in: namespace, first)
      } else if from.pod != nil {
        if isSilenced(flow.source, from.interface, namespace) {
          return .end(passage.ending(.nobodyAt(Self.calicoGateway), namespace: namespace))
        }
        if isBeside(flow.destination, on: from.interface, namespace),
          !finds(flow.destination, askedBy: flow.source, on: from.interface, namespace)
        {
          return .end(passage.ending(.unknown(.linkAddress(flow.destination)), namespace: namespace))
        }
        passage.limit(map.namespaces[namespace].link(from.interface)?.mtu, .own, in: namespace, first)
      }
      return leg(first, namespace, &passage)
    case .unknown(let what): return .end(passage.ending(.unknown(what), namespace: nil))
    case .missing(let node): return .end(passage.ending(.left(.node(node)), namespace: nil))
    }
  }

  /// A process is bound to no address: the kernel takes the one that suits the route. Nil: the flow's own.
  private func kernelsSource(of flow: Flow, on namespace: Int) -> IPAddress? {
    guard map.namespaces[namespace].owns(flow.source) else { return nil }
    return tracer(namespace).sourceAddress(to: flow.destination)
  }

  enum TCPFlags {
    static let syn: UInt8 = 0x02
    static let reset: UInt8 = 0x04
    static let synAck: UInt8 = 0x12
    static let ack: UInt8 = 0x10
    static let push: UInt8 = 0x18
  }

  /// The address that a process of a namespace bears which is bound to none.
  public func sourceAddress(on namespace: Int, to destination: IPAddress) -> IPAddress? {
    tracer(namespace).sourceAddress(to: destination)
  }

  func tracer(_ namespace: Int) -> PathTracer {
    if let known = tracers[namespace] { return known }
    let made = PathTracer(map.namespaces[namespace].model)
    tracers[namespace] = made
    return made
  }

  // MARK: - One namespace

  /// Walks a packet through a namespace, and on from each outcome.
  /// `connection`: what it belongs to here, if that is no entry of the passage.
  func leg(_ flow: Flow, _ namespace: Int, _ passage: inout Passage, of connection: Connection? = nil) -> Way {
    passage.legs += 1
    guard passage.legs <= Self.maximumLegs else { return .end(passage.ending(.circle, namespace: namespace)) }
    let tracer = tracer(namespace)
    let entry = passage.entry(of: flow, in: namespace) ?? remembered(flow, namespace, &passage)
    let trace = (connection ?? entry?.connection).map { tracer.trace(flow, of: $0) } ?? tracer.trace(flow)
    var fork = LegFork(namespace: namespace, phase: passage.phase, flow: flow, trace: trace, branches: [])
    for outcome in trace.outcomes {
      var next = passage
      next.note(flow, outcome, in: namespace, entry, startsEntry: startsEntry(flow, namespace))
      fork.branches.append(go(on: outcome, trace, flow, namespace, &next))
    }
    return .leg(fork)
  }

  /// The entry of the table that was dumped which a first packet falls into.
  private func remembered(_ flow: Flow, _ namespace: Int, _ passage: inout Passage) -> Passage.Found? {
    guard passage.phase == .request, let entry = map.namespaces[namespace].conntrack.entry(of: flow) else { return nil }
    passage.followed = (namespace, entry)
    return passage.add(Connection(entry), answered: !entry.unreplied, in: namespace)
  }

  /// Whether a packet that belongs to no entry makes one.
  private func startsEntry(_ flow: Flow, _ namespace: Int) -> Bool {
    guard flow.ipProtocol == .tcp else { return true }
    let flags = (flow.tcpFlags ?? TCPFlags.syn) & 0x17
    if flags == TCPFlags.syn { return true }
    return flags == TCPFlags.ack
      && map.namespaces[namespace].snapshot.sysctlInt("net.netfilter.nf_conntrack_tcp_loose") != 0
  }

  private func go(
    on outcome: Outcome, _ trace: Trace, _ flow: Flow, _ namespace: Int, _ passage: inout Passage
  ) -> Way {
    switch outcome.verdict {
    case .reject:
      let silence = silence(ofRule: outcome, flow, namespace, passage)
      return .end(passage.ending(silence.map { .speechless($0) } ?? .stopped, namespace: namespace))
    case .drop, .noroute: return .end(passage.ending(.stopped, namespace: namespace))
    case .deliver:
      return arrive(outcome, flow, namespace, isProxied: trace.proxyPort(of: outcome) != nil, &passage)
    case .forward: return leave(outcome, trace, flow, namespace, &passage)
    }
  }

  /// Whether a namespace knows a way back to the sender of a packet, and who is next on it: else it says no, and nobody
  /// hears.
  func canAnswer(_ flow: Flow, _ namespace: Int) -> Bool {
    guard map.namespaces[namespace].snapshot.routes != nil else { return true }
    guard let hop = tracer(namespace).nextHop(to: flow.source) else { return false }
    return hop.interface.map { neighbourFault(of: hop.address, in: namespace, by: $0) == nil } ?? true
  }

  /// The packet as an outcome lets it go.
  static func packet(_ flow: Flow, after outcome: Outcome, from: String = "") -> Flow {
    var next = flow
    next.source = outcome.source
    next.destination = outcome.destination
    if flow.ipProtocol.hasPorts {
      next.sourcePort = outcome.sourcePort ?? flow.sourcePort
      next.destinationPort = outcome.destinationPort
    }
    next.from = from
    next.isFrame = false
    next.mark = nil
    next.uid = nil
    next.gid = nil
    next.origin = nil
    return next
  }
}

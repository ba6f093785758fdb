import Findings
import Intent
import PacketPath
import Ruleset
import Snapshot
import Wire

/// Which frontends a node serves and where their packets go, read back from its rules by sending packets to each.
public struct ServiceMap: Sendable {
  public struct Entry: Sendable {
    public var frontend: Frontend
    /// `namespace/name:port`, from the objects or from what the rules say; nil: not told.
    public var service: String?
    /// From outside the node.
    public var outside: Reach
    /// From the node itself.
    public var node: Reach
    public var scheduler: String?
    public var policy = ProgrammedPolicy()
    /// Whose rule translates its packets; nil: none does.
    public var owner: RuleOwner?
    public var answers = Answers()

    /// The endpoints with their shares, of clients not seen before, from whichever source reaches more.
    public var endpoints: [(backend: EndpointAddress, share: Double)] {
      let chosen = outside.programmed.isEmpty ? node : outside
      return chosen.programmed.map { ($0, policy.freshShares[$0] ?? chosen.share(of: $0)) }
    }
    public var state: State {
      if !outside.endpoints.isEmpty { return .serves }
      if outside.lostBehindTranslation > 0 { return .blocked }
      if outside.rejected > 0 { return .rejects }
      if outside.dropped > 0 { return node.endpoints.isEmpty ? .drops : .dropsOutside }
      return node.endpoints.isEmpty ? .ignored : .nodeOnly
    }
  }

  /// The answer to each who may ask; nil: nobody judged, or no such client is known.
  public struct Answers: Sendable, Hashable {
    public var pod: Answer?
    public var node: Answer?
    public var outside: Answer?
  }

  /// Turns traces of a tracer into answers; one serves one thread.
  public typealias Judging = (PathTracer) -> (Trace) -> Answer

  public enum State: String, Sendable {
    case serves, rejects, drops, blocked
    case dropsOutside = "drops outside clients"
    case nodeOnly = "serves the node only"
    /// A rule names it, but packets go on untranslated.
    case ignored
  }

  public var entries: [Entry] = []

  /// What the rules treat apart: candidates for frontends, as the ruleset alone tells.
  public static func candidates(_ model: NodeModel) -> [Frontend] {
    var finder = FrontendFinder(model)
    finder.run()
    return finder.found
  }

  /// `judging` nil: the entries have no answers.
  public init(_ model: NodeModel, intent: Cluster? = nil, judging: Judging? = nil) {
    var finder = FrontendFinder(model)
    finder.run()
    let probe = Probe(model)
    let judge = judging.map { $0(probe.tracer) }
    let pods = judge == nil ? [:] : LocalPods.examples(model.snapshot, intent)
    let names = intent.map { Self.names($0) } ?? [:]
    var owners: ServiceOfChain?
    // What the objects ask for and no rule speaks of has an answer too.
    let wanted = judge == nil ? [] : intent.map { Self.wanted($0, finder) } ?? []
    let isWanted = Set(wanted)
    var balancings = Balancing.Cache()
    for frontend in finder.found + wanted {
      let client = Self.outsideAddress(frontend.address.version, model.snapshot)
      let outsideTrace = probe.trace(frontend, source: client, from: nil)
      var outside = probe.reach(outsideTrace, labelled: true)
      let own = probe.tracer.sourceAddress(to: frontend.address) ?? frontend.address
      let nodeTrace = probe.trace(frontend, source: own, from: Flow.local)
      let node = probe.reach(nodeTrace, labelled: true)
      var policy = ProgrammedPolicy(
        frontend, outside.chains + node.chains, outside, model.snapshot.ruleset, &balancings)
      // Where not everybody is let in, a client that is tells what the frontend serves.
      if let range = policy.sourceRanges.first(where: { $0.address.version == client.version }),
        !policy.sourceRanges.contains(where: { $0.contains(client) })
      {
        outside = probe.reach(frontend, source: Self.member(of: range), from: nil, labelled: true)
        policy = ProgrammedPolicy(frontend, outside.chains + node.chains, outside, model.snapshot.ruleset, &balancings)
      }
      var entry = Entry(frontend: frontend, service: outside.label ?? node.label, outside: outside, node: node)
      // Neither translated nor refused: no frontend, a rule about something else.
      guard entry.state != .ignored || isWanted.contains(frontend) else { continue }
      entry.policy = policy
      if let judge {
        entry.answers = Answers(
          pod: pods[frontend.address.version].map { judge(probe.trace(frontend, source: $0, from: nil)) },
          node: judge(nodeTrace), outside: judge(outsideTrace))
      }
      entry.owner = (outside.firstTranslatingRule ?? node.firstTranslatingRule).map {
        RuleOwner($0, model.snapshot.ruleset)
      }
      if entry.service == nil, let intent {
        if owners == nil { owners = ServiceOfChain(intent) }
        entry.service = owners?.label(outside.chains + node.chains, model.snapshot.ruleset)
      }
      switch outside.balancer ?? node.balancer {
      case .virtualServer(let index, _):
        let server = model.snapshot.virtualServers![index]
        entry.policy.affinity = server.persistence
        entry.scheduler = server.scheduler
      case .ebpf(let index, _):
        let frontend = model.snapshot.ebpfFrontends![index]
        if !frontend.name.isEmpty { entry.service = "\(frontend.namespace)/\(frontend.name)" }
      case nil: break
      }
      name(&entry, names)
      // A host firewall's rule for a port of the node, nobody's Service.
      if entry.service == nil, finder.refused.contains(frontend) { continue }
      entries.append(entry)
    }
    entries.sort {
      ($0.service ?? "~", $0.frontend.kind.rawValue, $0.frontend.port) < (
        $1.service ?? "~", $1.frontend.kind.rawValue, $1.frontend.port
      )
    }
  }

  /// Frontends of Services that are not among those found in the rules.
  private static func wanted(_ intent: Cluster, _ finder: FrontendFinder) -> [Frontend] {
    var known = Set(finder.found.map { Frontend(.address, $0.address, $0.port, $0.ipProtocol) })
    var list: [Frontend] = []
    func add(_ kind: Frontend.Kind, _ address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) {
      guard known.insert(Frontend(.address, address, port, ipProtocol)).inserted else { return }
      list.append(Frontend(kind, address, port, ipProtocol))
    }
    for service in intent.services where service.isProxied {
      for port in service.ports {
        for address in service.clusterIPs { add(.clusterIP, address, port.port, port.ipProtocol) }
        for address in service.loadBalancerIPs { add(.loadBalancer, address, port.port, port.ipProtocol) }
        for address in service.externalIPs { add(.externalIP, address, port.port, port.ipProtocol) }
        guard port.nodePort != 0 else { continue }
        for address in finder.nodeAddresses where service.clusterIPs.contains(where: { $0.version == address.version })
        {
          add(.nodePort, address, port.nodePort, port.ipProtocol)
        }
      }
    }
    return list
  }

  private func name(_ entry: inout Entry, _ names: [Frontend: (String, Frontend.Kind)]) {
    if let found = names[Frontend(.address, entry.frontend.address, entry.frontend.port, entry.frontend.ipProtocol)] {
      entry.service = found.0
      entry.frontend.kind = found.1
    } else if entry.frontend.kind == .nodePort,
      let found = names[Self.anyNode(entry.frontend.address.version, entry.frontend.port, entry.frontend.ipProtocol)]
    {
      entry.service = found.0
    }
  }

  /// Stands for a NodePort at whatever address of whatever node.
  private static func anyNode(_ version: IPVersion, _ port: UInt16, _ ipProtocol: IPProtocol) -> Frontend {
    Frontend(.nodePort, IPAddress(bits: .zero, version: version), port, ipProtocol)
  }

  /// An address in a range that is not the range's own.
  private static func member(of range: IPPrefix) -> IPAddress {
    let version = range.address.version
    guard range.length < version.width else { return range.address }
    let bits = range.address.bits
    return IPAddress(bits: Bits128(high: bits.high, low: bits.low | 1), version: version)
  }

  /// An address beyond the default gateway: the gateway's own, else one of the documentation ranges.
  public static func outsideAddress(_ version: IPVersion, _ snapshot: Snapshot) -> IPAddress {
    let gateway = (snapshot.routes ?? []).lazy.filter {
      $0.destination.length == 0 && $0.destination.address.version == version
    }
    .compactMap { $0.nextHops.first?.gateway }.first { $0.version == version && !$0.isLinkLocal }
    return gateway ?? (version == .v4 ? IPAddress("192.0.2.77")! : IPAddress("2001:db8::77")!)
  }

  private static func names(_ intent: Cluster) -> [Frontend: (String, Frontend.Kind)] {
    var names: [Frontend: (String, Frontend.Kind)] = [:]
    for service in intent.services where service.isProxied {
      for port in service.ports {
        let label = service.portName(port)
        for (list, kind) in [
          (service.loadBalancerIPs, Frontend.Kind.loadBalancer), (service.externalIPs, .externalIP),
          (service.clusterIPs, .clusterIP),
        ] {
          for address in list { names[Frontend(.address, address, port.port, port.ipProtocol)] = (label, kind) }
        }
        if port.nodePort != 0 {
          for version in [IPVersion.v4, .v6] {
            names[anyNode(version, port.nodePort, port.ipProtocol)] = (label, .nodePort)
          }
          for node in intent.nodes {
            for address in node.internalIPs {
              names[Frontend(.address, address, port.nodePort, port.ipProtocol)] = (label, .nodePort)
            }
          }
        }
      }
    }
    return names
  }
}

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

  public init(_ model: NodeModel, intent: Cluster? = nil) {
    var finder = FrontendFinder(model)
    finder.run()
    let probe = Probe(model)
    let names = intent.map { Self.names($0) } ?? [:]
    var owners: ServiceOfChain?
    for frontend in finder.found {
      let client = Self.outsideAddress(frontend.address.version, model.snapshot)
      var outside = probe.reach(frontend, source: client, from: nil, labelled: true)
      let own = probe.tracer.sourceAddress(to: frontend.address) ?? frontend.address
      let node = probe.reach(frontend, source: own, from: Flow.local, labelled: true)
      var policy = ProgrammedPolicy(frontend, outside.chains + node.chains, outside, model.snapshot.ruleset)
      // Where not everybody is let in, a client that is tells what the frontend serves.
      if let range = policy.sourceRanges.first(where: { $0.address.version == client.version }),
        !policy.sourceRanges.contains(where: { $0.contains(client) })
      {
        outside = probe.reach(frontend, source: Self.member(of: range), from: nil, labelled: true)
        policy = ProgrammedPolicy(frontend, outside.chains + node.chains, outside, model.snapshot.ruleset)
      }
      var entry = Entry(frontend: frontend, service: outside.label ?? node.label, outside: outside, node: node)
      // Neither translated nor refused: no frontend, a rule about something else.
      guard entry.state != .ignored else { continue }
      entry.policy = policy
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

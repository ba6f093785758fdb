import PacketPath
import Ruleset
import Snapshot
import Wire

/// Addresses and ports that some rule, map or virtual server treats apart: candidates, to be told by a trace what they
/// are. Names of tables and chains play no part, except that `nat` is where translations stand.
struct FrontendFinder {
  let snapshot: Snapshot
  let ebpf: EBPFTable?
  let ruleset: Ruleset
  private(set) var found: [Frontend] = []
  /// Ports of the node that a filter rule refuses: of a Service, or of a host firewall.
  private(set) var refused: Set<Frontend> = []
  private var seen: Set<Frontend> = []
  let nodeAddresses: [IPAddress]

  init(_ model: NodeModel) {
    let snapshot = model.snapshot
    self.snapshot = snapshot
    ebpf = model.ebpf
    ruleset = snapshot.ruleset
    let usable = (snapshot.addresses ?? []).filter {
      $0.scope == "global" && !$0.address.isLoopback && $0.prefixLength < $0.address.version.width
        && !$0.isOfServiceDevice
    }
    // The address of the interface that leads outside speaks for the node.
    let outside = (snapshot.routes ?? []).first { $0.destination.length == 0 }?.nextHops.first?.interface
    let sorted = usable.filter { $0.interface == outside } + usable.filter { $0.interface != outside }
    nodeAddresses = [IPVersion.v4, .v6].compactMap { version in sorted.first { $0.address.version == version }?.address
    }
  }

  mutating func run() {
    for rule in ruleset.rules { look(at: rule) }
    for set in ruleset.sets { look(at: set) }
    // kube-router binds the ClusterIPs, which are of a private range, with those of load balancers.
    let bound = Set(
      (snapshot.addresses ?? []).filter { $0.interface == "kube-dummy-if" && $0.address.isPrivate }.map(\.address))
    let own = Set((snapshot.addresses ?? []).filter { !$0.isOfServiceDevice }.map(\.address))
    for server in snapshot.virtualServers ?? [] where server.firewallMark == nil {
      add(
        own.contains(server.address) ? .nodePort : bound.contains(server.address) ? .clusterIP : .address,
        server.address, server.port,
        IPProtocol(rawValue: server.ipProtocol))
    }
    for position in ebpf?.positions ?? [] { look(at: snapshot.ebpfFrontends![position]) }
  }

  /// Cilium tells the kind; one of any address answers at the node's.
  private mutating func look(at frontend: EBPFFrontend) {
    let kind: Frontend.Kind =
      switch frontend.kind {
      case "ClusterIP": .clusterIP
      case "NodePort": .nodePort
      case "LoadBalancer": .loadBalancer
      case "ExternalIPs": .externalIP
      default: .address
      }
    let addresses =
      frontend.address.isUnspecified
      ? nodeAddresses.filter { $0.version == frontend.address.version } : [frontend.address]
    for address in addresses { add(kind, address, frontend.port, frontend.ipProtocol ?? .tcp) }
  }

  private mutating func add(_ kind: Frontend.Kind, _ address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) {
    let frontend = Frontend(kind, address, port, ipProtocol)
    if seen.insert(frontend).inserted { found.append(frontend) }
  }

  private mutating func look(at rule: Rule) {
    var address: IPAddress?
    var ipProtocol: IPProtocol?
    var port: UInt16?
    var acts = false
    var refuses = false
    var restrictsDestination = false
    var isLocal = false
    for clause in ruleset.clauses(of: rule) {
      switch clause {
      case .match(let match) where !match.negated:
        switch match.test {
        case .equal(.destination, let value, .max), .equal(.destination4, let value, .max):
          address = IPAddress(v4: value)
        case .equalWide(.destination, let id), .equalWide(.destination6, let id):
          let pair = ruleset.wide[Int(id.index)]
          if pair.b == .ones { address = IPAddress(v6: pair.a) } else { restrictsDestination = true }
        case .equal(.destination, _, _), .equal(.destination4, _, _): restrictsDestination = true
        case .addressType(let id):
          let types = ruleset.addressTypeTests[Int(id.index)]
          isLocal = types.destinationTypes == AddressType.local.bit && !types.invertDestination
        case .equal(.protocol, let value, _): ipProtocol = IPProtocol(rawValue: UInt8(truncatingIfNeeded: value))
        case .equal(.destinationPort, let value, _): port = UInt16(truncatingIfNeeded: value)
        case .range(.destinationPort, let low, let high) where low == high: port = UInt16(truncatingIfNeeded: low)
        default: break
        }
      case .match: break
      case .statement(let statement):
        switch statement {
        case .jump, .goto, .destinationNAT4, .translate: acts = true
        case .drop, .reject: refuses = true
        default: break
        }
      }
    }
    guard let ipProtocol, ipProtocol.hasPorts, let port, port != 0, acts || refuses else { return }
    if let address { return add(.address, address, port, ipProtocol) }
    let chain = ruleset[rule.chain]
    let table = ruleset[chain.table]
    // A NodePort is translated in nat, and refused for the node's own addresses in filter.
    let translates = acts && (table.name == "nat" || ruleset.base(of: rule.chain)?.type == .nat)
    guard !restrictsDestination, translates || refuses && isLocal else { return }
    for address in nodeAddresses where table.family == .inet || (table.family == .ip6) == (address.version == .v6) {
      if !translates { refused.insert(Frontend(.nodePort, address, port, ipProtocol)) }
      add(.nodePort, address, port, ipProtocol)
    }
  }

  private mutating func look(at set: NamedSet) {
    guard case .verdicts = set.data, set.components >= 2, set.keyTypes.count == set.components else { return }
    guard set.keyTypes[set.components - 2] == "inet_proto", set.keyTypes[set.components - 1] == "inet_service" else {
      return
    }
    let version: IPVersion? =
      set.components == 3 ? (set.keyTypes[0] == "ipv4_addr" ? .v4 : set.keyTypes[0] == "ipv6_addr" ? .v6 : nil) : nil
    if set.components == 3, version == nil { return }
    guard set.components <= 3 else { return }
    let family = ruleset[set.table].family
    for element in 0..<set.count {
      let at = element * set.components
      let ipProtocol = IPProtocol(rawValue: UInt8(truncatingIfNeeded: set.lows[at + set.components - 2].low))
      let port = UInt16(truncatingIfNeeded: set.lows[at + set.components - 1].low)
      guard port != 0 else { continue }
      if let version {
        add(.address, IPAddress(bits: set.lows[at], version: version), port, ipProtocol)
      } else {
        for address in nodeAddresses where family == .inet || (family == .ip6) == (address.version == .v6) {
          add(.nodePort, address, port, ipProtocol)
        }
      }
    }
  }
}

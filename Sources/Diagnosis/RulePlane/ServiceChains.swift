import Intent
import PacketPath
import Ruleset
import ServiceMap

/// What a node's Service chains look like that tracing alone does not show. Read once; only what differs from
/// kube-proxy's program is kept, and what session affinity needs.
struct ServiceChains: Sendable {
  /// A chain that remembers its clients.
  struct Affinity: Sendable {
    /// `namespace/name:port` as comments and names tell; nil: they do not.
    var label: String?
    /// The Service by the hash in the chain's name.
    var owner: ServiceOfChain.Owner?
    /// Endpoints whose clients do not come back to them, and those that get no new clients.
    var forgotten: [EndpointAddress] = []
    var starved: [EndpointAddress] = []
    /// Shares of new clients, by endpoint.
    var shares: [(endpoint: EndpointAddress?, probability: Double)] = []
    var seconds: Set<Int> = []
    /// A rule of the chain, to show.
    var rule: RuleID

    var isUneven: Bool {
      let even = 1 / Double(max(shares.count, 1))
      return shares.contains { abs($0.probability - even) > 1e-4 }
    }
  }

  var affinity: [Affinity] = []
  /// Service ports whose own chain balances without remembering anybody.
  var forgetful: Set<ServiceOfChain.Owner> = []
  /// The translating rules of endpoint chains that do not mark the endpoint's own packets.
  var withoutHairpin: [(endpoint: EndpointAddress, rule: RuleID)] = []

  init() {}

  /// `wanted`: the Service ports that ask for affinity, by chain name; `owners`: all of them, asked for where a chain
  /// remembers clients that none of those does.
  init(_ planes: [ProxyPlane], wanted: ServiceOfChain, _ owners: () -> ServiceOfChain) {
    for plane in planes where plane.mode != .ipvs {
      let ruleset = plane.ruleset
      let chains = ruleset.chains.indices.filter {
        ruleset.chains[$0].table == plane.tables[plane.mode == .nftables ? "kube-proxy" : "nat"]
      }
      for index in chains {
        guard let chain = EndpointChain(ChainID(index), ruleset), !chain.marksItself, let endpoint = chain.endpoint,
          let rule = chain.rule
        else { continue }
        withoutHairpin.append((endpoint, rule))
      }
      let remembersAnybody = Self.remembersAnybody(ruleset)
      guard !wanted.isEmpty || remembersAnybody else { continue }
      for index in chains where Self.balances(ruleset.chains[index].name, ruleset.names) {
        let id = ChainID(index)
        let name = ruleset.name(of: id)
        if remembersAnybody, Balancing.remembersClients(id, ruleset), let balancing = Balancing(id, ruleset),
          let rule = balancing.sticky.values.min(by: { $0.index < $1.index })
        {
          let owner = wanted[name] ?? owners()[name]
          affinity.append(Self.affinity(balancing, owner, Self.label(name, id, ruleset), rule, ruleset))
        } else if let owner = wanted[name], Balancing(id, ruleset) != nil {
          forgetful.insert(owner)
        }
      }
    }
  }

  /// Whether any rule may ask for a client seen before: most clusters have no Service with affinity.
  private static func remembersAnybody(_ ruleset: Ruleset) -> Bool {
    ruleset.sets.contains { $0.flags.contains(.dynamic) } || ruleset.texts.contains { $0.hasPrefix("-m recent") }
  }

  private static func balances(_ name: NameID, _ names: NameTable) -> Bool {
    names.name(name, hasPrefix: "KUBE-SVC-") || names.name(name, hasPrefix: "KUBE-SVL-")
      || names.name(name, hasPrefix: "KUBE-XLB-") || names.name(name, hasPrefix: "service-")
      || names.name(name, hasPrefix: "local-")
  }

  private static func label(_ name: String, _ chain: ChainID, _ ruleset: Ruleset) -> String? {
    if let label = ServiceLabel.ofChain(name) { return label }
    for rule in ruleset.rules(of: chain) {
      if let label = ServiceLabel.comment(ruleset.sourceText(of: ruleset[rule])) { return label }
    }
    return nil
  }

  private static func affinity(
    _ balancing: Balancing, _ owner: ServiceOfChain.Owner?, _ label: String?, _ rule: RuleID, _ ruleset: Ruleset
  ) -> Affinity {
    let fresh = Set(balancing.shares.map(\.target))
    var endpoints: [ChainID: EndpointChain] = [:]
    for chain in fresh.union(balancing.sticky.keys) { endpoints[chain] = EndpointChain(chain, ruleset) }
    func addresses(_ chains: some Sequence<ChainID>) -> [EndpointAddress] {
      chains.compactMap { endpoints[$0]?.endpoint }.sorted()
    }
    var affinity = Affinity(label: label, owner: owner, rule: rule)
    affinity.forgotten = addresses(fresh.filter { balancing.sticky[$0] == nil || endpoints[$0]?.remembers == false })
    affinity.starved = addresses(balancing.sticky.keys.filter { !fresh.contains($0) })
    affinity.shares = balancing.shares.map { (endpoints[$0.target]?.endpoint, $0.probability) }
    affinity.seconds = balancing.stickySeconds
    return affinity
  }
}

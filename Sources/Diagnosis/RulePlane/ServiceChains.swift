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

  /// `owners`: Service ports by chain name, asked for where some chain needs it; `wanted`: those that ask for affinity.
  init(_ planes: [ProxyPlane], _ owners: () -> ServiceOfChain, wanted: Set<ServiceOfChain.Owner>) {
    var known: ServiceOfChain?
    for plane in planes where plane.mode != .ipvs {
      let ruleset = plane.ruleset
      let table = plane.tables[plane.mode == .nftables ? "kube-proxy" : "nat"]
      var endpoints: [ChainID: EndpointChain] = [:]
      for index in ruleset.chains.indices where ruleset.chains[index].table == table {
        guard ruleset.chains[index].ruleCount > 0 else { continue }
        let id = ChainID(index)
        let name = ruleset.names[ruleset.chains[index].name]
        if name.hasPrefix("KUBE-SEP-") || name.hasPrefix("endpoint-") {
          let chain = EndpointChain(id, ruleset)
          if let endpoint = chain.endpoint, let rule = chain.rule, !chain.marksItself {
            withoutHairpin.append((endpoint, rule))
          }
          endpoints[id] = chain
        }
      }
      guard !wanted.isEmpty || Self.remembersAnybody(ruleset) else { continue }
      for index in ruleset.chains.indices where ruleset.chains[index].table == table {
        let name = ruleset.names[ruleset.chains[index].name]
        guard Self.balances(name), let balancing = Balancing(ChainID(index), ruleset) else { continue }
        if known == nil { known = owners() }
        let owner = known?[name]
        guard let rule = balancing.sticky.values.min(by: { $0.index < $1.index }) else {
          if let owner, wanted.contains(owner) { forgetful.insert(owner) }
          continue
        }
        affinity.append(Self.affinity(balancing, endpoints, owner, Self.label(name, balancing.chain, ruleset), rule))
      }
    }
  }

  /// Whether any rule may ask for a client seen before: most clusters have no Service with affinity.
  private static func remembersAnybody(_ ruleset: Ruleset) -> Bool {
    ruleset.sets.contains { $0.flags.contains(.dynamic) } || ruleset.texts.contains { $0.hasPrefix("-m recent") }
  }

  private static func balances(_ name: String) -> Bool {
    ["KUBE-SVC-", "KUBE-SVL-", "KUBE-XLB-", "service-", "local-"].contains { name.hasPrefix($0) }
  }

  private static func label(_ name: String, _ chain: ChainID, _ ruleset: Ruleset) -> String? {
    if let label = ServiceLabel.ofChain(name) { return label }
    for rule in ruleset.rules(of: chain) {
      if let label = ServiceLabel.comment(ruleset.sourceText(of: ruleset[rule])) { return label }
    }
    return nil
  }

  private static func affinity(
    _ balancing: Balancing, _ endpoints: [ChainID: EndpointChain], _ owner: ServiceOfChain.Owner?, _ label: String?,
    _ rule: RuleID
  ) -> Affinity {
    let fresh = Set(balancing.shares.map(\.target))
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

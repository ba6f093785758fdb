import Ruleset
import ServiceMap
import Snapshot

/// The tables of one address family that kube-proxy has written to, and in which of its modes. Names only select what
/// is held against the proxy's own program; what a rule does is read from its clauses.
struct ProxyPlane {
  enum Mode: String { case iptables, ipvs, nftables }

  let ruleset: Ruleset
  var mode: Mode
  var family: Family
  /// `nat` and `filter`, or `kube-proxy`.
  var tables: [String: TableID]

  /// Planes of a snapshot: at most one for each family and backend.
  static func all(_ snapshot: Snapshot) -> [ProxyPlane] {
    let ruleset = snapshot.ruleset
    var planes: [ProxyPlane] = []
    for (index, table) in ruleset.tables.enumerated() {
      let id = TableID(index)
      if table.backend == .nft {
        guard table.name == "kube-proxy", ruleset.declaredChain("services", id) != nil else { continue }
        planes.append(ProxyPlane(ruleset: ruleset, mode: .nftables, family: table.family, tables: [table.name: id]))
        continue
      }
      guard table.name == "nat", ruleset.declaredChain("KUBE-SERVICES", id) != nil else { continue }
      var tables = ["nat": id]
      let filter = ruleset.tables.indices.first {
        let other = ruleset.tables[$0]
        return other.name == "filter" && other.family == table.family && other.backend == table.backend
      }
      tables["filter"] = filter.map { TableID($0) }
      // In IPVS mode NodePorts have a chain of another name.
      let isIPVS =
        ["KUBE-NODE-PORT", "KUBE-LOAD-BALANCER"].contains { ruleset.declaredChain($0, id) != nil }
        || !(snapshot.virtualServers ?? []).isEmpty && ruleset.declaredChain("KUBE-NODEPORTS", id) == nil
      planes.append(
        ProxyPlane(ruleset: ruleset, mode: isIPVS ? .ipvs : .iptables, family: table.family, tables: tables))
    }
    return planes
  }

  /// A chain that is declared, not only jumped to.
  func chain(_ name: String, _ table: String) -> ChainID? {
    tables[table].flatMap { ruleset.declaredChain(name, $0) }
  }

  /// The dump that holds its Service rules.
  var fileName: String? {
    guard let table = tables[mode == .nftables ? "kube-proxy" : "nat"] else { return nil }
    let file = Int(ruleset[table].file)
    return ruleset.files.indices.contains(file) ? ruleset.files[file].name : nil
  }

  func facts(of chain: ChainID) -> [RuleFacts] { ruleset.rules(of: chain).map { RuleFacts($0, in: ruleset) } }

  /// Command that prints a table, for evidence and advice.
  func dumpCommand(_ table: String) -> String {
    mode == .nftables
      ? "nft list table \(family.rawValue) kube-proxy" : "\(family == .ip6 ? "ip6tables" : "iptables")-save -t \(table)"
  }
}

extension Ruleset {
  /// Whether a chain is of those that kube-proxy (or kubelet) writes, by its name or its table's.
  func isKubeProxys(_ chain: ChainID) -> Bool {
    names.name(self[chain].name, hasPrefix: "KUBE-") || self[self[chain].table].name == "kube-proxy"
  }

  /// Whether a chain is one of those in which kube-proxy drops clients outside loadBalancerSourceRanges.
  func guardsRanges(_ chain: ChainID) -> Bool {
    let name = self[chain].name
    return names.name(name, hasPrefix: "KUBE-FW-") || names.name(name, hasPrefix: "firewall-")
      || ["KUBE-PROXY-FIREWALL", "KUBE-SOURCE-RANGES-FIREWALL"].contains(self.name(of: chain))
  }

  /// Whether nft printed the chain's iptables rules without some of their matches or targets.
  func hidesParts(_ chain: ChainID) -> Bool {
    rules(of: chain).contains { rule in
      clauses(of: self[rule]).contains { clause in
        switch clause {
        case .statement(.unknown(let text)): isHiddenXtables(text)
        case .match(let match): if case .unknown(let text) = match.test { isHiddenXtables(text) } else { false }
        default: false
        }
      }
    }
  }

  func declaredChain(_ name: String, _ table: TableID) -> ChainID? {
    chain(named: name, in: table).flatMap { self[$0].isDefined ? $0 : nil }
  }
}

import Ruleset
import Wire

/// The ClusterIPs that kube-proxy's own rules name, where no objects tell: the set of nftables mode, the comments of
/// iptables mode.
enum ProgrammedClusterIPs {
  static func all(_ ruleset: Ruleset) -> [IPAddress] {
    var found: [IPAddress] = []
    for set in ruleset.sets where set.name == "cluster-ips" && ruleset[set.table].name == "kube-proxy" {
      let version: IPVersion = ruleset[set.table].family == .ip6 ? .v6 : .v4
      found += set.lows.map { IPAddress(bits: $0, version: version) }
    }
    guard let services = ruleset.names.find("KUBE-SERVICES") else { return found }
    for chain in ruleset.chains where chain.name == services {
      for position in 0..<Int(chain.ruleCount) {
        let rule = ruleset.rule(at: position, of: chain)
        guard ruleset.text(of: ruleset[rule]).contains(" cluster IP\"") else { continue }
        for case .match(let match) in ruleset.clauses(of: ruleset[rule]) where !match.negated {
          switch match.test {
          case .equal(.destination, let value, .max), .equal(.destination4, let value, .max):
            found.append(IPAddress(v4: value))
          case .equalWide(.destination, let id), .equalWide(.destination6, let id):
            let pair = ruleset.wide[Int(id.index)]
            if pair.b == .ones { found.append(IPAddress(v6: pair.a)) }
          default: break
          }
        }
      }
    }
    return found
  }
}

import Intent
import Ruleset
import Wire

/// Addresses and ports that rules reject or drop one by one, as kube-proxy does for Services without endpoints and for
/// what loadBalancerSourceRanges leave out: by a rule of iptables, or by an element of nftables mode's verdict map. One pass over the rules.
struct RefusedAddresses {
  private var found: Set<EndpointAddress> = []

  init(_ ruleset: Ruleset) {
    for rule in ruleset.rules {
      let parts = ruleset.clauses(of: rule)
      guard parts.contains(where: Self.rejects) || parts.contains(.statement(.drop)) else { continue }
      let address = parts.lazy.compactMap { Self.address($0, ruleset) }.first
      let port = parts.lazy.compactMap(Self.port).first
      if let address, let port { found.insert(EndpointAddress(address, port)) }
    }
    for set in ruleset.sets { add(set, ruleset) }
  }

  func contains(_ address: IPAddress, _ port: UInt16) -> Bool { found.contains(EndpointAddress(address, port)) }

  private static func rejects(_ clause: Clause) -> Bool { if case .statement(.reject) = clause { true } else { false } }

  private static func address(_ clause: Clause, _ ruleset: Ruleset) -> IPAddress? {
    guard case .match(let match) = clause, !match.negated else { return nil }
    switch match.test {
    case .equal(.destination, let value, .max): return IPAddress(v4: value)
    case .equalWide(.destination, let id):
      let pair = ruleset.wide[Int(id.index)]
      return pair.b == .ones ? IPAddress(bits: pair.a, version: .v6) : nil
    default: return nil
    }
  }

  private static func port(_ clause: Clause) -> UInt16? {
    guard case .match(let match) = clause, !match.negated else { return nil }
    switch match.test {
    case .equal(.destinationPort, let value, _): return UInt16(truncatingIfNeeded: value)
    case .range(.destinationPort, let low, let high) where low == high: return UInt16(truncatingIfNeeded: low)
    default: return nil
    }
  }

  /// `ADDRESS . PROTOCOL . PORT : goto reject-chain`
  private mutating func add(_ set: NamedSet, _ ruleset: Ruleset) {
    guard case .verdicts(let verdicts) = set.data, set.components == 3, let type = set.keyTypes.first,
      type == "ipv4_addr" || type == "ipv6_addr"
    else { return }
    var rejecting: [UInt32: Bool] = [:]
    for (element, verdict) in verdicts.enumerated() where set.lows.count >= 3 * element + 3 {
      guard case .goto(let chain) = verdict else { continue }
      if rejecting[chain.index] == nil {
        rejecting[chain.index] = ruleset.rules(of: chain).contains {
          ruleset.clauses(of: ruleset[$0]).contains(where: Self.rejects)
        }
      }
      guard rejecting[chain.index] == true else { continue }
      let address = IPAddress(bits: set.lows[3 * element], version: type == "ipv4_addr" ? .v4 : .v6)
      found.insert(EndpointAddress(address, UInt16(truncatingIfNeeded: set.lows[3 * element + 2].low)))
    }
  }
}

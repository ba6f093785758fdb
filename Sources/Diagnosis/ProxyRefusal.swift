import Intent
import PacketPath
import Ruleset
import ServiceMap
import Wire

/// Why kube-proxy's own rules refuse a packet: what they are made for.
struct ProxyRefusal {
  enum Kind { case noEndpoints, noLocalEndpoints, sourceRanges, portNotServed }

  var kind: Kind
  /// `namespace/name:port`, as far as the rules name it.
  var service: String?

  static func of(_ outcome: Outcome, _ ruleset: Ruleset) -> ProxyRefusal? {
    guard outcome.verdict == .drop || outcome.verdict == .reject, let last = outcome.steps.last, let rule = last.rule
    else {
      return nil
    }
    guard ruleset[ruleset[last.chain].table].backend == .nft else {
      return iptables(outcome, ruleset.sourceText(of: ruleset[rule]), ruleset)
    }
    guard ruleset[ruleset[last.chain].table].name == "kube-proxy" else { return nil }
    let chain = ruleset.name(of: last.chain)
    let service = ServiceLabel.of(outcome.steps, in: ruleset)
    if chain.hasPrefix("firewall-") {
      return ProxyRefusal(kind: .sourceRanges, service: ServiceLabel.ofChain(chain) ?? service)
    }
    if chain == "cluster-ips-check" { return ProxyRefusal(kind: .portNotServed, service: service) }
    guard let set = emptyServices(outcome, ruleset) else { return nil }
    return ProxyRefusal(
      kind: outcome.verdict == .reject ? .noEndpoints : .noLocalEndpoints,
      service: comment(of: outcome, in: set) ?? service)
  }

  private static func iptables(_ outcome: Outcome, _ text: String, _ ruleset: Ruleset) -> ProxyRefusal? {
    let service = ServiceLabel.comment(text) ?? ServiceLabel.of(outcome.steps, in: ruleset)
    if text.contains("has no endpoints") { return ProxyRefusal(kind: .noEndpoints, service: service) }
    if text.contains("has no local endpoints") { return ProxyRefusal(kind: .noLocalEndpoints, service: service) }
    guard outcome.steps.contains(where: { ruleset.guardsRanges($0.chain) }) else { return nil }
    return ProxyRefusal(kind: .sourceRanges, service: service)
  }

  /// The map by which kube-proxy refuses Services that have no endpoint, if the packet met it last.
  private static func emptyServices(_ outcome: Outcome, _ ruleset: Ruleset) -> NamedSet? {
    for step in Array(outcome.steps).suffix(2).reversed() {
      guard let id = step.rule else { continue }
      for case .statement(.verdictMap(let lookup)) in ruleset.clauses(of: ruleset[id]) {
        let set = ruleset.sets[Int(ruleset.lookups[Int(lookup.index)].set.index)]
        if ["no-endpoint-services", "no-endpoint-nodeports"].contains(set.name) { return set }
      }
    }
    return nil
  }

  /// What stands beside the element that the packet matched: ADDRESS . PROTOCOL . PORT, or without the address.
  private static func comment(of outcome: Outcome, in set: NamedSet) -> String? {
    let found = (0..<set.count).first { index in
      let key = set.key(index).prefix(set.components)
      let hasAddress = set.components == 3
      return key.last == Bits128(UInt64(outcome.destinationPort))
        && (!hasAddress || key.first == outcome.destination.bits)
    }
    return found.flatMap { set.comments[$0] }
  }
}

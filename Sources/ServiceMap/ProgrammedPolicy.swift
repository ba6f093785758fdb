import Intent
import PacketPath
import Ruleset
import Wire

/// What the rules on the way of a frontend's packets do besides choosing an endpoint.
public struct ProgrammedPolicy: Sendable {
  public enum Traffic: String, Sendable {
    case cluster = "Cluster"
    case local = "Local"
  }

  /// internalTrafficPolicy of a ClusterIP, externalTrafficPolicy of other addresses; nil: the rules do not tell.
  public var traffic: Traffic?
  /// Seconds for which a client keeps its endpoint; 0: for ever; nil: it does not.
  public var affinity: Int?
  /// With affinity: the shares of clients that were not seen before, by endpoint.
  public var freshShares: [EndpointAddress: Double] = [:]
  /// Sources that are let in; empty: all.
  public var sourceRanges: [IPPrefix] = []

  init() {}

  /// From the chains that packets to the frontend went through.
  init(
    _ frontend: Frontend, _ chains: [ChainID], _ reach: borrowing Reach, _ ruleset: borrowing Ruleset,
    _ balancings: inout Balancing.Cache
  ) {
    var passesLocal = false
    for chain in chains {
      let known = balancings.chain(chain, ruleset)
      if known.isLocal { passesLocal = true }
      if known.isFirewall, sourceRanges.isEmpty { sourceRanges = Self.sources(chain, ruleset) }
      if affinity == nil, let balancing = known.sticky {
        affinity = balancing.stickySeconds.max() ?? 0
        for share in balancing.shares {
          guard let endpoint = Self.endpoint(share.target, ruleset) else { continue }
          freshShares[endpoint, default: 0] += share.probability
        }
      }
    }
    guard reach.translated > 0 else { return }
    if passesLocal {
      traffic = .local
    } else if frontend.kind == .clusterIP {
      traffic = .cluster
    } else if reach.masqueraded > 0 {
      traffic = .cluster
    }
  }

  /// What a chain translates to.
  private static func endpoint(_ chain: ChainID, _ ruleset: borrowing Ruleset) -> EndpointAddress? {
    for id in ruleset.rules(of: chain) {
      if let endpoint = RuleFacts(id, in: ruleset).endpoint { return endpoint }
    }
    return nil
  }

  /// iptables: one rule a range that goes on to the Service; nft: a drop for whoever is in none.
  private static func sources(_ chain: ChainID, _ ruleset: Ruleset) -> [IPPrefix] {
    var ranges: [IPPrefix] = []
    for id in ruleset.rules(of: chain) {
      let rule = RuleFacts(id, in: ruleset)
      if let source = rule.source, rule.target != nil { ranges.append(source) }
      guard rule.drops else { continue }
      if let excluded = rule.excludedSource { ranges.append(excluded) }
      if let set = rule.excludedSourceSet {
        ranges += prefixes(ruleset.sets[Int(set.index)], ruleset[ruleset[chain].table].family.version ?? .v4)
      }
    }
    return ranges
  }

  /// A set's elements as prefixes; a range that is none is shown by its first address.
  private static func prefixes(_ set: NamedSet, _ version: IPVersion) -> [IPPrefix] {
    guard set.components == 1 else { return [] }
    return set.lows.indices.map { index in
      let low = set.lows[index]
      let high = index < set.highs.count ? set.highs[index] : low
      let differing = (low.high ^ high.high).nonzeroBitCount + (low.low ^ high.low).nonzeroBitCount
      return IPPrefix(IPAddress(bits: low, version: version), length: version.width - differing)
    }
  }
}

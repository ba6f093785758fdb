import Ruleset

/// How one chain spreads new connections over the chains of endpoints, and for which of them it remembers clients.
package struct Balancing {
  package struct Share {
    package var target: ChainID
    package var probability: Double
    package var rule: RuleID
  }
  package private(set) var chain: ChainID
  /// In the order of the rules.
  package private(set) var shares: [Share] = []
  /// Probability that no rule takes a connection.
  package private(set) var rest = 1.0
  /// Chains that a client seen before goes to, with the rule that asks.
  package private(set) var sticky: [ChainID: RuleID] = [:]
  /// Seconds after which a client is forgotten, as the rules say; 0: never.
  package private(set) var stickySeconds: Set<Int> = []

  /// Nil: the chain balances nothing.
  package init?(_ chain: ChainID, _ ruleset: borrowing Ruleset) {
    self.chain = chain
    var balances = false
    for id in ruleset.rules(of: chain) {
      let rule = RuleFacts(id, in: ruleset)
      if let map = rule.map, let modulus = rule.modulus, modulus > 0 {
        balances = true
        spread(ruleset.sets[Int(map.index)], modulus, id)
        continue
      }
      guard let target = rule.target else { continue }
      if rule.recalls != nil {
        sticky[target] = id
        stickySeconds.insert(Self.seconds(rule, ruleset) ?? 0)
      } else if let chance = rule.chance {
        balances = true
        shares.append(Share(target: target, probability: rest * chance, rule: id))
        rest *= 1 - chance
      } else if !rule.isConditional, balances || !sticky.isEmpty {
        shares.append(Share(target: target, probability: rest, rule: id))
        rest = 0
      }
    }
    guard balances || !sticky.isEmpty else { return nil }
  }

  /// What the chains of one ruleset are, each read once: a chain that all Services share is met by each of them.
  struct Cache {
    struct Chain {
      /// By its name one of kube-proxy's for endpoints of the node alone, or for source ranges.
      var isLocal: Bool
      var isFirewall: Bool
      /// What it balances, where it remembers clients.
      var sticky: Balancing?
    }

    private static let localPrefixes: [StaticString] = ["KUBE-SVL-", "KUBE-XLB-", "local-"]
    private static let firewallPrefixes: [StaticString] = ["KUBE-FW-", "firewall-"]

    /// By the chain's index.
    private var known: [Chain?] = []

    mutating func chain(_ id: ChainID, _ ruleset: borrowing Ruleset) -> Chain {
      if known.isEmpty { known = Array(repeating: nil, count: ruleset.chains.count) }
      if let found = known[Int(id.index)] { return found }
      let name = ruleset[id].name
      var chain = Chain(isLocal: false, isFirewall: false)
      for prefix in Self.localPrefixes where ruleset.names.name(name, hasPrefix: prefix) { chain.isLocal = true }
      for prefix in Self.firewallPrefixes where ruleset.names.name(name, hasPrefix: prefix) { chain.isFirewall = true }
      if Balancing.remembersClients(id, ruleset), let balancing = Balancing(id, ruleset), !balancing.sticky.isEmpty {
        chain.sticky = balancing
      }
      known[Int(id.index)] = chain
      return chain
    }
  }

  /// Whether some rule of a chain asks for clients seen before.
  package static func remembersClients(_ chain: ChainID, _ ruleset: borrowing Ruleset) -> Bool {
    ruleset.rules(of: chain).contains { id in
      ruleset.clauses(of: ruleset[id]).contains {
        if case .match(let match) = $0 { RuleFacts.recall(match, ruleset) != nil } else { false }
      }
    }
  }

  /// nft: `numgen random mod N vmap { 0 : goto …, … }`.
  private mutating func spread(_ set: NamedSet, _ modulus: UInt32, _ rule: RuleID) {
    guard case .verdicts(let verdicts) = set.data, set.components == 1 else { return }
    let unit = rest / Double(modulus)
    for (element, verdict) in verdicts.enumerated() where set.lows[element].low < UInt64(modulus) {
      guard case .goto(let target) = verdict else {
        if case .jump(let target) = verdict { shares.append(Share(target: target, probability: unit, rule: rule)) }
        continue
      }
      shares.append(Share(target: target, probability: unit, rule: rule))
    }
    rest -= unit * Double(verdicts.count)
  }

  /// From `--seconds N`, or the `timeout` of the set that is asked.
  private static func seconds(_ rule: RuleFacts, _ ruleset: Ruleset) -> Int? {
    if let set = rule.recallSet {
      for property in ruleset.sets[Int(set.index)].properties where property.hasPrefix("timeout ") {
        return nftSeconds(property.dropFirst(8))
      }
      return nil
    }
    let words = (rule.recalls ?? "").split(separator: " ")
    guard let at = words.firstIndex(of: "--seconds"), at + 1 < words.count else { return nil }
    return Int(words[at + 1])
  }

  /// `3h`, `1d2h3m4s`.
  package static func nftSeconds(_ text: Substring) -> Int? {
    var total = 0
    var number = 0
    for character in text.utf8 {
      switch character {
      case 48...57:
        guard number < 1_000_000_000 else { return nil }
        number = number * 10 + Int(character - 48)
      case UInt8(ascii: "d"): (total, number) = (total + number * 86400, 0)
      case UInt8(ascii: "h"): (total, number) = (total + number * 3600, 0)
      case UInt8(ascii: "m"): (total, number) = (total + number * 60, 0)
      case UInt8(ascii: "s"): (total, number) = (total + number, 0)
      default: return nil
      }
    }
    return total
  }
}

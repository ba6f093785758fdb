import Intent
import Ruleset
import Wire

/// What one rule asks and does, in the few terms that a Service proxy's rules are made of. Read from its clauses, so
/// that iptables' and nft's spellings of a rule come to the same facts.
package struct RuleFacts {
  /// Of a jump or goto.
  package private(set) var target: ChainID?
  package private(set) var accepts = false
  package private(set) var drops = false
  package private(set) var rejects = false
  package private(set) var returns = false
  package private(set) var masquerades = false
  /// With ports drawn at random (`--random-fully`, `fully-random`).
  package private(set) var drawsPorts = false
  /// Bits of the mark that the rule turns on, and those that it clears or flips.
  package private(set) var setsMark: UInt32 = 0
  package private(set) var clearsMark: UInt32 = 0
  /// Bits of the mark that the rule asks for.
  package private(set) var asksMark: UInt32 = 0
  /// Bits of `ConnectionState`, where it asks for them plainly.
  package private(set) var states: UInt32 = 0
  /// A single address, or a prefix, that the source must be in.
  package private(set) var source: IPPrefix?
  package private(set) var destination: IPPrefix?
  /// Single ports; ranges are left out.
  package private(set) var destinationPorts: [UInt16] = []
  package private(set) var ipProtocol: UInt32?
  /// A prefix that the source must not be in.
  package private(set) var excludedSource: IPPrefix?
  /// A set that the source must not be in.
  package private(set) var excludedSourceSet: SetID?
  /// Asks for something, whatever it is; the protocol does not count.
  package private(set) var isConditional = false
  /// Asks whether addresses or ports are in an ipset.
  package private(set) var asksIPSet = false
  /// Probability of `statistic`.
  package private(set) var chance: Double?
  /// Asks whether this client was seen before: the options of xt_recent, or the name of a set that rules fill.
  package private(set) var recalls: String?
  package private(set) var recallSet: SetID?
  /// Notes the client, for `recalls`.
  package private(set) var remembers = false
  /// The address that it translates the destination to.
  package private(set) var endpoint: EndpointAddress?
  /// A verdict map: its set, and the modulus where its key is a random number.
  package private(set) var map: SetID?
  package private(set) var modulus: UInt32?

  // Borrowing: an initializer would take a copy of the ruleset's many arrays at every rule.
  package init(_ id: RuleID, in ruleset: borrowing Ruleset) {
    for clause in ruleset.clauses(of: ruleset[id]) {
      switch clause {
      case .match(let match): read(match, ruleset)
      case .statement(let statement): read(statement, ruleset, id)
      }
    }
  }

  private mutating func read(_ match: Match, _ ruleset: Ruleset) {
    switch match.test {
    case .note(let text):
      if !match.negated, ruleset[text].hasPrefix("-m recent --set") { remembers = true }
      return
    case .equal(.protocol, let value, _):
      if !match.negated { ipProtocol = value }
      return
    case .equal(.networkProtocol, _, _), .equal(.etherType, _, _): return
    case .equal(.mark, _, let mask): asksMark |= mask
    case .anyBit(.mark, let mask): asksMark |= mask
    case .anyBit(.connectionState, let mask): if !match.negated { states |= mask }
    case .equal(.source, let value, let mask), .equal(.source4, let value, let mask):
      let prefix = IPPrefix(IPAddress(v4: value), length: mask.nonzeroBitCount)
      if match.negated { excludedSource = prefix } else { source = prefix }
    case .equal(.destination, let value, let mask), .equal(.destination4, let value, let mask):
      if !match.negated { destination = IPPrefix(IPAddress(v4: value), length: mask.nonzeroBitCount) }
    case .equalWide(let field, let id):
      let pair = ruleset.wide[Int(id.index)]
      let bits = pair.b.high.nonzeroBitCount + pair.b.low.nonzeroBitCount
      if field == .source || field == .source6 {
        let prefix = IPPrefix(IPAddress(v6: pair.a), length: bits)
        if match.negated { excludedSource = prefix } else { source = prefix }
      } else if field == .destination || field == .destination6, !match.negated {
        destination = IPPrefix(IPAddress(v6: pair.a), length: bits)
      }
    case .equal(.destinationPort, let value, _): destinationPorts.append(UInt16(truncatingIfNeeded: value))
    case .range(.destinationPort, let low, let high) where low == high:
      destinationPorts.append(UInt16(truncatingIfNeeded: low))
    case .ports(.destination, let list):
      destinationPorts += ruleset.portLists[Int(list.index)].ranges.filter { $0.count == 1 }.map(\.lowerBound)
    case .ipset: asksIPSet = true
    case .random(let threshold): chance = Double(threshold) / 2_147_483_648
    case .timeDependent: if let recall = Self.recall(match, ruleset) { recalls = recall.text }
    case .lookup(let id):
      let set = ruleset.lookups[Int(id.index)].set
      if match.negated, case .field(let field) = ruleset.lookups[Int(id.index)].key,
        [.source, .source4, .source6].contains(field)
      {
        excludedSourceSet = set
      }
      if let recall = Self.recall(match, ruleset) { (recalls, recallSet) = recall }
    default: break
    }
    isConditional = true
  }

  /// How a match asks for clients seen before; nil: it does not.
  static func recall(_ match: Match, _ ruleset: Ruleset) -> (text: String, set: SetID?)? {
    switch match.test {
    case .timeDependent(let text): return ruleset[text].hasPrefix("-m recent") ? (ruleset[text], nil) : nil
    case .lookup(let id):
      let set = ruleset.lookups[Int(id.index)].set
      guard ruleset.sets[Int(set.index)].flags.contains(.dynamic), !match.negated else { return nil }
      return (ruleset.sets[Int(set.index)].name, set)
    default: return nil
    }
  }

  private mutating func read(_ statement: Statement, _ ruleset: Ruleset, _ id: RuleID) {
    switch statement {
    case .accept: accepts = true
    case .drop: drops = true
    case .return: returns = true
    case .reject: rejects = true
    case .jump(let chain), .goto(let chain): target = chain
    case .setMark(let clear, let flip):
      setsMark |= clear & flip
      clearsMark |= clear ^ flip
    case .verdictMap(let lookup):
      map = ruleset.lookups[Int(lookup.index)].set
      if case .randomNumber(let modulus, _) = ruleset.lookups[Int(lookup.index)].key { self.modulus = modulus }
    case .destinationNAT4(let address, let port, _): endpoint = EndpointAddress(IPAddress(v4: address), port)
    case .translate(let operand):
      let translation = ruleset.translations[Int(operand.index)]
      switch translation.kind {
      case .masquerade, .source:
        masquerades = true
        drawsPorts = translation.choice == .fullyRandom
      case .destination:
        guard let addresses = translation.addresses, addresses.lowerBound == addresses.upperBound else { return }
        let version = translation.version ?? ruleset[ruleset[ruleset[id].chain].table].family.version ?? .v4
        endpoint = EndpointAddress(
          IPAddress(bits: addresses.lowerBound, version: version), translation.ports?.lowerBound ?? 0)
      default: break
      }
    case .updateSet, .changeSet: remembers = true
    default: break
    }
  }
}

extension Family {
  /// Of a table for one IP version alone.
  package var version: IPVersion? { self == .ip ? .v4 : self == .ip6 ? .v6 : nil }
}

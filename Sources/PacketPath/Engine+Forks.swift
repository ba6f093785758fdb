import Ruleset
import Wire

// Where a walk goes more than one way, and what each way takes for granted.
extension Engine {
  /// Puts a copy of the branch that goes another way with a share of its probability into `pending`: its index there;
  /// nil where that share is nothing. Branches are large: it is changed where it stands.
  mutating func fork(_ b: borrowing Branch, probability: Double) -> Int? {
    guard probability > 0 else { return nil }
    forks += 1
    pending.append(copy b)
    let other = pending.count - 1
    pending[other].probability *= probability
    return other
  }

  mutating func forkOnLocality(_ b: inout Branch, _ address: IPAddress, clause: Int) {
    if let other = fork(b, probability: 0.5) {
      pending[other].clause = UInt32(clause)
      pending[other].assumptions = note(.local(address, false), after: b.assumptions)
    }
    b.probability *= 0.5
    assume(&b, .local(address, true))
  }

  mutating func forkOnChoice(_ b: inout Branch, _ modulus: Int, clause: Int) {
    for choice in 1..<max(modulus, 1) {
      guard let other = fork(b, probability: 1 / Double(modulus)) else { continue }
      pending[other].clause = UInt32(clause)
      pending[other].choice = Int32(choice)
    }
    b.probability /= Double(modulus)
    b.choice = 0
  }

  mutating func assume(_ b: inout Branch, _ assumption: Assumption) {
    b.assumptions = note(assumption, after: b.assumptions)
  }

  /// The list of assumptions with one more.
  mutating func note(_ assumption: Assumption, after previous: Int32) -> Int32 {
    assumptions.append(Assumptions.Node(previous: previous, assumption: assumption))
    return Int32(assumptions.count - 1)
  }

  /// What this branch has assumed of an address.
  func assumedLocal(_ b: Branch, _ address: IPAddress) -> Bool? {
    var at = b.assumptions
    while at >= 0 {
      let node = assumptions[Int(at)]
      if case .local(let known, let local) = node.assumption, known == address { return local }
      at = node.previous
    }
    return nil
  }

  /// What this branch has assumed of the same test in another rule; of time-dependent ones only of the same clause.
  func assumed(_ b: Branch, _ match: Match, rule: Int, clause: Int) -> Bool? {
    // The hop limit changes on the way: what was assumed of it before says nothing now.
    var oldest: Int32 = 0
    switch match.test {
    case .range(.timeToLive, _, _), .equal(.timeToLive, _, _): oldest = b.packet.timeToLiveChanged
    case .ipset: oldest = b.packet.setsChanged
    default: break
    }
    var at = b.assumptions
    while at >= oldest {
      let entry = assumptions[Int(at)]
      at = entry.previous
      guard case .clause(let otherRule, let otherClause, let holds) = entry.assumption else { continue }
      if Int(otherRule) == rule, Int(otherClause) == clause { return holds }
      guard case .match(let other) = clauses[Int(rules[Int(otherRule)].firstClause) + Int(otherClause)] else {
        continue
      }
      switch (match.test, other.test) {
      case (.timeDependent, _), (.nth, _): continue
      case (.unknown(let a), .unknown(let c)):
        if ruleset[a] == ruleset[c] { return holds == (match.negated == other.negated) }
      default:
        if match.test == other.test { return holds == (match.negated == other.negated) }
      }
    }
    return nil
  }

  /// A rule adds to an ipset or deletes from it: what was assumed of that set before says nothing from here on.
  mutating func changeSet(_ text: TextID, _ b: inout Branch) {
    let words = ruleset[text].split(separator: " ")
    var at = b.assumptions
    while at >= b.packet.setsChanged {
      let entry = assumptions[Int(at)]
      at = entry.previous
      guard case .clause(let rule, let clause, _) = entry.assumption,
        case .match(let match) = clauses[Int(rules[Int(rule)].firstClause) + Int(clause)],
        case .ipset(let id) = match.test, words.contains(Substring(ruleset.ipsetTests[Int(id.index)].name))
      else { continue }
      b.packet.setsChanged = Int32(assumptions.count)
      return
    }
  }

  /// An equality that was assumed to hold tells the value.
  func learn(_ match: Match, _ b: inout Branch) {
    guard !match.negated else { return }
    switch match.test {
    case .equalWide(.sourceMAC, let id): b.packet.sourceMAC = ruleset.wide[Int(id.index)].a
    case .range(.userID, let low, let high) where low == high: b.packet.userID = low
    case .equal(.userID, let value, _): b.packet.userID = value
    case .range(.timeToLive, let low, let high) where low == high: b.packet.timeToLive = UInt8(truncatingIfNeeded: low)
    case .equal(.timeToLive, let value, .max): b.packet.timeToLive = UInt8(truncatingIfNeeded: value)
    case .range(.length, let low, let high) where low == high: b.packet.length = low
    default: return
    }
  }
}

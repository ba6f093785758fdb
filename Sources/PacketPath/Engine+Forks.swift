import Ruleset
import Wire

// Where a walk goes more than one way, and what each way takes for granted.
extension Engine {
  /// Puts a copy of the branch that goes another way by chance into `pending`: its index there; nil where its share is
  /// nothing. Branches are large: it is changed where it stands.
  mutating func fork(_ b: borrowing Branch, chance: Double) -> Int? {
    guard chance > 0 else { return nil }
    forks += 1
    pending.append(copy b)
    let other = pending.count - 1
    pending[other].take(chance: chance)
    return other
  }

  /// Goes both ways on what is not known: `b` takes for granted that it is so, a branch in `pending`, whose index is
  /// returned, that it is not.
  mutating func forkOnIgnorance(_ b: inout Branch, holds: Assumption, fails: Assumption) -> Int {
    forks += 1
    b.probability *= 0.5
    pending.append(copy b)
    let other = pending.count - 1
    pending[other].assumptions = note(fails, after: b.assumptions)
    assume(&b, holds)
    return other
  }

  /// One of several is so, and nothing tells which: `b` takes the first for granted, branches in `pending`, whose indexes
  /// are returned, one of the others each.
  mutating func forkOnIgnorance(_ b: inout Branch, among choices: [Assumption]) -> [Int] {
    guard choices.count > 1 else { return [] }
    forks += choices.count - 1
    b.probability /= Double(choices.count)
    let others = choices.dropFirst().map { choice in
      pending.append(copy b)
      pending[pending.count - 1].assumptions = note(choice, after: b.assumptions)
      return pending.count - 1
    }
    assume(&b, choices[0])
    return others
  }

  mutating func forkOnLocality(_ b: inout Branch, _ address: IPAddress, clause: Int) {
    let other = forkOnIgnorance(&b, holds: .local(address, true), fails: .local(address, false))
    pending[other].clause = UInt32(clause)
  }

  mutating func forkOnChoice(_ b: inout Branch, _ modulus: Int, clause: Int) {
    guard modulus <= Self.maximumDraws - forks else {
      // One of the numbers alone, which is said.
      cut += 1
      assume(&b, .text("of \(modulus) numbers that may be drawn at random, 0 is"))
      b.choice = 0
      return
    }
    for choice in 1..<max(modulus, 1) {
      guard let other = fork(b, chance: 1 / Double(modulus)) else { continue }
      pending[other].clause = UInt32(clause)
      pending[other].choice = Int32(choice)
    }
    b.take(chance: 1 / Double(modulus))
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
    guard b.assumptions >= 0 else { return nil }
    let subject = subject(of: match, b)
    let question = Fact.Question(match, rule: UInt32(rule), clause: UInt32(clause), subject: subject, ruleset)
    var at = b.assumptions
    while at >= 0 {
      let entry = assumptions[Int(at)]
      at = entry.previous
      guard case .clause(let otherRule, let otherClause, subject, let holds) = entry.assumption else { continue }
      if Int(otherRule) == rule, Int(otherClause) == clause { return holds }
      guard case .match(let other) = clauses[Int(rules[Int(otherRule)].firstClause) + Int(otherClause)] else {
        continue
      }
      // Of many unmodelled matches each is asked for among all before it.
      if case .unknown(let text) = match.test {
        guard case .unknown(let otherText) = other.test, ruleset[text] == ruleset[otherText] else { continue }
      }
      guard
        Fact.Question(other, rule: otherRule, clause: otherClause, subject: subject, ruleset) == question
      else { continue }
      return holds == (match.negated == other.negated)
    }
    return nil
  }

  /// What a match asks about, where that changes on the packet's way: the values that an ipset is asked for and how
  /// often rules had changed it, the hops that were taken. 0: the same everywhere.
  func subject(of match: Match, _ b: Branch) -> UInt64 {
    switch match.test {
    case .ipset(let id):
      var hash = UInt64(UInt32(bitPattern: b.packet.setsChanged))
      func mix(_ value: UInt64) { hash = (hash ^ value) &* 0x9E37_79B9_7F4A_7C15 ^ hash >> 29 }
      let test = ruleset.ipsetTests[Int(id.index)]
      for fromSource in test.fromSource {
        let address = fromSource ? b.packet.source : b.packet.destination
        mix(address.high)
        mix(address.low)
        mix(UInt64(fromSource ? b.packet.sourcePort : b.packet.destinationPort))
      }
      return hash | 1
    case .range(.timeToLive, _, _), .equal(.timeToLive, _, _):
      return UInt64(UInt32(bitPattern: b.packet.timeToLiveChanged))
    default: return 0
    }
  }

  /// A rule adds to an ipset or deletes from it: what was assumed of that set before says nothing from here on.
  mutating func changeSet(_ text: TextID, _ b: inout Branch) {
    let words = ruleset[text].split(separator: " ")
    var at = b.assumptions
    while at >= b.packet.setsChanged {
      let entry = assumptions[Int(at)]
      at = entry.previous
      guard case .clause(let rule, let clause, _, _) = entry.assumption,
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
    case .range(.groupID, let low, let high) where low == high: b.packet.groupID = low
    case .equal(.groupID, let value, _): b.packet.groupID = value
    case .range(.timeToLive, let low, let high) where low == high: b.packet.timeToLive = UInt8(truncatingIfNeeded: low)
    case .equal(.timeToLive, let value, .max): b.packet.timeToLive = UInt8(truncatingIfNeeded: value)
    case .range(.length, let low, let high) where low == high: b.packet.length = low
    default: return
    }
  }
}

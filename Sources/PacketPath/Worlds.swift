/// The endings of a walk beside the facts that lead to each: what is not known is either so or not, for the whole trace.
public struct Worlds: Sendable {
  /// One ending: an outcome, the chance with which the kernel draws it where its facts are so, and these facts.
  struct Case: Sendable {
    var outcome: Int32
    var chance: Double
    /// A fact's index, times two, plus one where it holds.
    var literals: [Int32]
  }

  public internal(set) var facts: [Fact] = []
  var cases: [Case] = []

  /// Nothing is unknown: there is one world, in which each outcome has its own probability.
  public var isEmpty: Bool { facts.isEmpty }

  /// More worlds than this are not looked at one by one.
  static let limit = 512

  /// What each world comes to, and the facts that make the difference.
  public struct Results<Result: Hashable & Sendable>: Sendable {
    /// Each result once, in the order in which it was met, with the facts that lead to it the first time.
    public internal(set) var list: [(result: Result, facts: [(fact: Fact, holds: Bool)])] = []
    /// The facts on which the result hangs.
    public internal(set) var deciding: [Fact] = []
    /// False: there were too many worlds.
    public internal(set) var isComplete = true
  }

  /// Judges every world: `judge` gets the outcomes that are possible in it, each with its chance; these add up to 1.
  public func results<Result: Hashable & Sendable>(
    outcomes: Int, _ judge: ([(outcome: Int, chance: Double)]) -> Result
  ) -> Results<Result> {
    var results = Results<Result>()
    var budget = Self.limit
    var taken: [(fact: Int, holds: Bool)] = []
    _ = visit(Array(cases.indices), &taken, &budget, judge, &results)
    return results
  }

  /// The results below one set of cases.
  private func visit<Result: Hashable & Sendable>(
    _ members: [Int], _ taken: inout [(fact: Int, holds: Bool)], _ budget: inout Int,
    _ judge: ([(outcome: Int, chance: Double)]) -> Result, _ results: inout Results<Result>
  ) -> Set<Result> {
    guard let fact = nextFact(members, taken) else {
      budget -= 1
      // No such world: of several alternatives two hold, or none.
      guard abs(members.reduce(0) { $0 + cases[$1].chance } - 1) < 1e-6 else { return [] }
      var shares: [(outcome: Int, chance: Double)] = []
      for member in members {
        let outcome = Int(cases[member].outcome)
        if let at = shares.firstIndex(where: { $0.outcome == outcome }) {
          shares[at].chance += cases[member].chance
        } else {
          shares.append((outcome, cases[member].chance))
        }
      }
      let result = judge(shares)
      if !results.list.contains(where: { $0.result == result }) {
        results.list.append((result, taken.map { (facts[$0.fact], $0.holds) }))
      }
      return [result]
    }
    guard budget > 0 else {
      results.isComplete = false
      return []
    }
    var sides: [Set<Result>] = []
    for holds in [true, false] {
      let excluded = Int32(fact * 2 + (holds ? 0 : 1))
      let rest = members.filter { !cases[$0].literals.contains(excluded) }
      guard !rest.isEmpty else { continue }
      taken.append((fact, holds))
      sides.append(visit(rest, &taken, &budget, judge, &results))
      taken.removeLast()
    }
    if sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty, sides[0] != sides[1],
      !results.deciding.contains(facts[fact])
    {
      results.deciding.append(facts[fact])
    }
    return sides.reduce(into: []) { $0.formUnion($1) }
  }

  /// The first fact on which some member hangs and of which nothing has been taken yet.
  private func nextFact(_ members: [Int], _ taken: [(fact: Int, holds: Bool)]) -> Int? {
    for member in members {
      for literal in cases[member].literals {
        let fact = Int(literal >> 1)
        if !taken.contains(where: { $0.fact == fact }) { return fact }
      }
    }
    return nil
  }

  /// The facts that lead to an outcome in every case, and its chance where they are so; chance nil: it differs with
  /// other facts.
  public func condition(of outcomes: Set<Int>) -> (facts: [(fact: Fact, holds: Bool)], chance: Double?) {
    let members = cases.filter { outcomes.contains(Int($0.outcome)) }
    guard let first = members.first else { return ([], nil) }
    let common = first.literals.filter { literal in members.allSatisfy { $0.literals.contains(literal) } }
    let isOneWorld = members.allSatisfy { $0.literals.count == common.count }
    return (
      common.map { (facts[Int($0 >> 1)], $0 & 1 == 1) }, isOneWorld ? members.reduce(0) { $0 + $1.chance } : nil
    )
  }
}

extension Worlds {
  /// A trace that is one of several that the kernel draws from; its outcomes come behind others.
  mutating func append(_ trace: borrowing Trace, chance: Double, behind outcomes: [Outcome]) {
    let places = trace.worlds.facts.map { fact in
      if let known = facts.firstIndex(of: fact) { return known }
      facts.append(fact)
      return facts.count - 1
    }
    let offset = Int32(outcomes.count)
    if trace.worlds.isEmpty {
      // Its outcomes have their share of the whole already.
      for (number, outcome) in trace.outcomes.enumerated() {
        cases.append(Case(outcome: offset + Int32(number), chance: outcome.probability, literals: []))
      }
    } else {
      for entry in trace.worlds.cases {
        let literals = entry.literals.map { Int32(places[Int($0 >> 1)] * 2) + ($0 & 1) }
        cases.append(Case(outcome: offset + entry.outcome, chance: entry.chance * chance, literals: literals))
      }
    }
  }

  /// Where one of several is so, the others are not.
  private mutating func excludeAlternatives() {
    let kinds = facts.map(\.alternatives)
    guard kinds.contains(where: { $0 != nil }) else { return }
    for at in cases.indices {
      for literal in cases[at].literals where literal & 1 == 1 {
        guard let kind = kinds[Int(literal >> 1)] else { continue }
        for other in facts.indices where kinds[other] == kind && other != Int(literal >> 1) {
          cases[at].literals.append(Int32(other * 2))
        }
      }
    }
  }

  /// From the endings of a walk. `outcomes`: the outcome that each ending belongs to; nil: none.
  init(_ engine: borrowing Engine, outcomes: [Int?]) {
    guard engine.finished.count > 1, !engine.assumptions.isEmpty else { return }
    var index: [Fact: Int] = [:]
    var literals: [Assumption: Int32?] = [:]
    for (number, ending) in engine.finished.enumerated() {
      guard let outcome = outcomes[number] else { continue }
      var list: [Int32] = []
      var at = ending.branch.assumptions
      while at >= 0 {
        let node = engine.assumptions[Int(at)]
        at = node.previous
        let literal: Int32?
        if let known = literals[node.assumption] {
          literal = known
        } else {
          literal = Fact.of(node.assumption, engine.ruleset).map { fact, holds in
            let number = index[fact] ?? facts.count
            if number == facts.count {
              index[fact] = number
              facts.append(fact)
            }
            return Int32(number * 2 + (holds ? 1 : 0))
          }
          literals[node.assumption] = .some(literal)
        }
        if let literal, !list.contains(literal) { list.append(literal) }
      }
      // The first that was met first.
      list.reverse()
      cases.append(Case(outcome: Int32(outcome), chance: ending.branch.chance, literals: list))
    }
    if facts.isEmpty { cases = [] }
    excludeAlternatives()
  }
}

import Ruleset

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
    let other = trace.worlds
    let places = other.facts.map { fact in
      if let known = facts.firstIndex(of: fact) { return known }
      facts.append(fact)
      return facts.count - 1
    }
    let offset = Int32(outcomes.count)
    if other.isEmpty {
      // Its outcomes have their share of the whole already.
      for (number, outcome) in trace.outcomes.enumerated() {
        cases.append(Case(outcome: offset + Int32(number), chance: outcome.probability, literals: []))
      }
    } else {
      for entry in other.cases {
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

  /// How the endings of a walk came about: what worlds are made of, when somebody asks.
  struct Walk: Sendable {
    struct Ending: Sendable {
      var outcome: Int32
      var chance: Double
      /// The last of its assumptions.
      var leaf: Int32
    }

    let tree: [Assumptions.Node]
    private(set) var endings: [Ending] = []

    /// `outcomes`: the outcome that each ending belongs to; nil: none.
    init(_ engine: borrowing Engine, outcomes: some Sequence<Int?>) {
      tree = engine.assumptions
      endings.reserveCapacity(engine.finished.count)
      for (number, outcome) in outcomes.enumerated() {
        guard let outcome else { continue }
        endings.append(
          Ending(
            outcome: Int32(outcome), chance: engine.finished[number].branch.chance,
            leaf: engine.finished[number].branch.assumptions))
      }
    }
  }

  init(_ walk: Walk, _ ruleset: Ruleset) {
    var literals = Literals(assumptions: walk.tree.count)
    cases.reserveCapacity(walk.endings.count)
    /// The last case that had each literal.
    var lastCase: [Int32] = []
    for ending in walk.endings {
      var list: [Int32] = []
      var at = ending.leaf
      while at >= 0 {
        let literal = literals.literal(at, walk.tree, ruleset, &facts)
        at = walk.tree[Int(at)].previous
        guard literal >= 0 else { continue }
        while lastCase.count <= Int(literal) { lastCase.append(-1) }
        guard lastCase[Int(literal)] != Int32(cases.count) else { continue }
        lastCase[Int(literal)] = Int32(cases.count)
        list.append(literal)
      }
      // The first that was met first.
      list.reverse()
      cases.append(Case(outcome: ending.outcome, chance: ending.chance, literals: list))
    }
    if facts.isEmpty { cases = [] }
    excludeAlternatives()
  }

  /// What the assumptions of a walk say of its facts, each looked at once: endings share them.
  private struct Literals {
    private static let unknown: Int32 = -2
    private static let none: Int32 = -1
    /// Few facts are compared one by one; more are looked up.
    private static let fewFacts = 24
    private var known: [Int32]
    private var index: [Fact: Int] = [:]

    init(assumptions: Int) { known = Array(repeating: Self.unknown, count: assumptions) }

    /// Of an assumption by its index; negative: it is about no fact.
    mutating func literal(
      _ at: Int32, _ tree: [Assumptions.Node], _ ruleset: Ruleset, _ facts: inout [Fact]
    ) -> Int32 {
      if known[Int(at)] != Self.unknown { return known[Int(at)] }
      var literal = Self.none
      if let (fact, holds) = Fact.of(tree[Int(at)].assumption, ruleset) {
        literal = Int32(number(fact, &facts) * 2 + (holds ? 1 : 0))
      }
      known[Int(at)] = literal
      return literal
    }

    private mutating func number(_ fact: Fact, _ facts: inout [Fact]) -> Int {
      if facts.count <= Self.fewFacts {
        if let number = facts.firstIndex(of: fact) { return number }
      } else {
        if index.isEmpty { for (number, fact) in facts.enumerated() { index[fact] = number } }
        if let number = index[fact] { return number }
        index[fact] = facts.count
      }
      facts.append(fact)
      return facts.count - 1
    }
  }
}

/// What the worlds of a trace come to: each is looked at, or, where too many facts are independent of each other, some are.
extension Worlds {
  /// More worlds than this are not looked at one by one.
  static let limit = 512
  /// So many facts are turned over, one at a time, where not every world is looked at.
  static let maximumTurned = 64

  /// Fewer, where cases hang on many facts: so many of these are looked at for it.
  private static let maximumWork = 1 << 22

  /// What each world comes to, and the facts that make the difference.
  public struct Results<Result: Hashable & Sendable>: Sendable {
    /// Each result once, in the order in which it was met, with the facts that lead to it the first time.
    public internal(set) var list: [(result: Result, facts: [(fact: Fact, holds: Bool)])] = []
    /// The facts on which the result hangs.
    public internal(set) var deciding: [Fact] = []
    /// False: there were too many worlds, and only some were looked at.
    public internal(set) var isComplete = true

    fileprivate mutating func met(_ result: Result, _ facts: @autoclosure () -> [(fact: Fact, holds: Bool)]) {
      if !list.contains(where: { $0.result == result }) { list.append((result, facts())) }
    }

    fileprivate mutating func decides(_ fact: Fact) {
      if !deciding.contains(fact) { deciding.append(fact) }
    }
  }

  /// The outcomes that are possible in a world, each with its chance.
  public typealias Shares = [(outcome: Int, chance: Double)]

  /// Judges every world: `judge` gets the outcomes that are possible in it; their chances add up to 1.
  public func results<Result: Hashable & Sendable>(_ judge: (Shares) -> Result) -> Results<Result> {
    var results = Results<Result>()
    var taken = Taken(facts: facts.count)
    var budget = Self.limit
    // Each world's chances add up to 1, and each case is in one at least.
    let least = cases.reduce(0) { $0 + $1.chance }
    if least > Double(Self.limit) + 1e-6 || visit(Array(cases.indices), &taken, &budget, judge, &results) == nil {
      results = Results()
      results.isComplete = false
      sample(judge, &results)
    }
    return results
  }

  /// What has been taken to be so on the way to a world.
  private struct Taken {
    var list: [(fact: Int, holds: Bool)] = []
    private var isKnown: [Bool]

    init(facts: Int) { isKnown = Array(repeating: false, count: facts) }

    func contains(_ fact: Int) -> Bool { isKnown[fact] }

    mutating func append(_ fact: Int, _ holds: Bool) {
      list.append((fact, holds))
      isKnown[fact] = true
    }

    mutating func removeLast() { isKnown[list.removeLast().fact] = false }
  }

  /// The results below one set of cases; nil: there are more worlds than `budget` allows.
  private func visit<Result: Hashable & Sendable>(
    _ members: [Int], _ taken: inout Taken, _ budget: inout Int, _ judge: (Shares) -> Result,
    _ results: inout Results<Result>
  ) -> Set<Result>? {
    let (fact, worlds) = next(members, taken, enough: budget)
    guard worlds <= budget else { return nil }
    guard let fact else {
      budget -= 1
      guard let shares = shares(members) else { return [] }
      let result = judge(shares)
      results.met(result, taken.list.map { (facts[$0.fact], $0.holds) })
      return [result]
    }
    var sides: [Set<Result>] = []
    for holds in [true, false] {
      let excluded = Int32(fact * 2 + (holds ? 0 : 1))
      let rest = members.filter { !cases[$0].literals.contains(excluded) }
      guard !rest.isEmpty else { continue }
      taken.append(fact, holds)
      let side = visit(rest, &taken, &budget, judge, &results)
      taken.removeLast()
      guard let side else { return nil }
      sides.append(side)
    }
    if sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty, sides[0] != sides[1] { results.decides(facts[fact]) }
    return sides.reduce(into: []) { $0.formUnion($1) }
  }

  /// The first fact on which some member hangs and of which nothing has been taken yet, and how many worlds there are at
  /// least. Facts that members ask next beside each other, not one behind the other, are independent: their worlds
  /// multiply. Counting stops where there are more than `enough`.
  private func next(_ members: [Int], _ taken: Taken, enough: Int) -> (fact: Int?, worlds: Int) {
    var open: [Int] = []
    var worlds = 1
    /// Of several alternatives one holds: so many worlds as there are, not twice as many with each.
    var alternatives: [Int: Int] = [:]
    for member in members {
      guard let literal = cases[member].literals.first(where: { !taken.contains(Int($0 >> 1)) }) else { continue }
      let fact = Int(literal >> 1)
      guard !open.contains(fact) else { continue }
      open.append(fact)
      if let kind = facts[fact].alternatives {
        let before = alternatives[kind, default: 0]
        alternatives[kind] = before + 1
        worlds = worlds / max(before, 1) * (before + 1)
      } else {
        worlds *= 2
      }
      if worlds > enough { break }
    }
    return (open.first, worlds)
  }

  /// The outcomes of cases that are so together; nil: there is no such world, of several alternatives two hold, or none.
  private func shares(_ members: some Sequence<Int>) -> Shares? {
    var shares: Shares = []
    var total = 0.0
    for member in members {
      let outcome = Int(cases[member].outcome)
      total += cases[member].chance
      if let at = shares.firstIndex(where: { $0.outcome == outcome }) {
        shares[at].chance += cases[member].chance
      } else {
        shares.append((outcome, cases[member].chance))
      }
    }
    return abs(total - 1) < 1e-6 ? shares : nil
  }

  /// Looks at the worlds in which every fact holds, or none, and at those beside them, in which one fact is otherwise.
  private func sample<Result: Hashable & Sendable>(
    _ judge: (Shares) -> Result, _ results: inout Results<Result>
  ) {
    func look(_ world: [Bool]) -> Result? {
      let members = cases.indices.lazy.filter { cases[$0].literals.allSatisfy { world[Int($0 >> 1)] == ($0 & 1 == 1) } }
      guard let shares = shares(members) else { return nil }
      let result = judge(shares)
      results.met(result, facts.indices.map { (facts[$0], world[$0]) })
      return result
    }
    let kinds = facts.map(\.alternatives)
    let work = cases.reduce(1) { $0 + $1.literals.count }
    let turned = max(1, min(Self.maximumTurned, Self.maximumWork / work))
    for holds in [true, false] {
      var world = Array(repeating: holds, count: facts.count)
      // Of several alternatives the first.
      var seen: Set<Int> = []
      for (fact, kind) in kinds.enumerated() {
        if let kind { world[fact] = seen.insert(kind).inserted }
      }
      guard let base = look(world) else { continue }
      for fact in facts.indices.prefix(turned) {
        world[fact].toggle()
        if let other = look(world), other != base { results.decides(facts[fact]) }
        world[fact].toggle()
      }
    }
  }
}

import Ruleset

/// The Services that traces speak of. Remembers what each rule and chain says: over many flows they come again.
public struct ServiceLabels {
  private let ruleset: Ruleset
  private var ofRule: [Int32]
  private var ofChain: [Int32]
  private var names: [String] = []
  private var numbers: [String: Int32] = [:]
  private var steps: [Step] = []

  // What the arrays hold besides indexes of `names`.
  private static let notAsked: Int32 = -2
  private static let none: Int32 = -1

  public init(_ ruleset: Ruleset) {
    self.ruleset = ruleset
    ofRule = Array(repeating: Self.notAsked, count: ruleset.rules.count)
    ofChain = Array(repeating: Self.notAsked, count: ruleset.chains.count)
  }

  /// `namespace/name:port` (or `namespace/name`) of the first rule or chain that names one, in the first outcome that
  /// has one.
  public mutating func label(of trace: Trace) -> String? {
    for outcome in trace.outcomes {
      if let label = label(of: outcome.steps) { return label }
    }
    return nil
  }

  /// The same of one outcome.
  public mutating func label(of path: StepPath) -> String? {
    steps.removeAll(keepingCapacity: true)
    path.append(to: &steps)
    for step in steps {
      var label = chain(step.chain)
      if label == Self.none, let rule = step.rule {
        switch step.verdict {
        case .jump(let target), .goto(let target): label = chain(target)
        default: break
        }
        if label == Self.none { label = self.rule(rule) }
      }
      if label != Self.none { return names[Int(label)] }
    }
    return nil
  }

  private mutating func chain(_ id: ChainID) -> Int32 {
    let at = Int(id.index)
    if ofChain[at] == Self.notAsked { ofChain[at] = number(ServiceLabel.ofChain(ruleset.name(of: id))) }
    return ofChain[at]
  }

  private mutating func rule(_ id: RuleID) -> Int32 {
    let at = Int(id.index)
    if ofRule[at] == Self.notAsked { ofRule[at] = number(ServiceLabel.comment(ruleset.sourceBytes(of: ruleset[id]))) }
    return ofRule[at]
  }

  private mutating func number(_ name: String?) -> Int32 {
    guard let name else { return Self.none }
    if let known = numbers[name] { return known }
    names.append(name)
    numbers[name] = Int32(names.count - 1)
    return Int32(names.count - 1)
  }
}

import Ruleset
import Wire

/// One rule all of whose matches held, or the policy that ended a base chain.
public struct Step: Sendable, Hashable {
  public var hook: Hook
  public var chain: ChainID
  /// Nil: the base chain's policy.
  public var rule: RuleID?
  /// From 1 inside the chain; 0 for a policy.
  public var position: Int
  public var verdict: StepVerdict

  /// Equal for equal steps alone: a key that hashes faster than the step.
  public var identity: Bits128 {
    let (word, target) = verdict.code
    return Bits128(
      high: UInt64(rule?.index ?? chain.index) << 32 | UInt64(target),
      low: UInt64(HookOrder.index(hook)) << 16 | UInt64(word) << 8 | (rule == nil ? 1 : 0))
  }
}

/// What a matched rule did, as the kernel's tracing names it.
public enum StepVerdict: Sendable, Hashable {
  case accept, drop, `return`, `continue`, queue
  case jump(ChainID)
  case goto(ChainID)
  case policyAccept, policyDrop

  /// The chain that a jump or goto leads to.
  public var target: ChainID? {
    switch self {
    case .jump(let chain), .goto(let chain): chain
    default: nil
    }
  }

  /// Which case, and its chain.
  fileprivate var code: (word: UInt8, target: UInt32) {
    switch self {
    case .accept: (0, 0)
    case .drop: (1, 0)
    case .return: (2, 0)
    case .continue: (3, 0)
    case .queue: (4, 0)
    case .jump(let chain): (5, chain.index)
    case .goto(let chain): (6, chain.index)
    case .policyAccept: (7, 0)
    case .policyDrop: (8, 0)
    }
  }
}

/// The steps of one outcome in order. The outcomes of a trace share their beginnings: a path is a leaf of their tree.
public struct StepPath: Sendable, Sequence {
  /// A step and the one before it, by its index; -1: it is the first.
  struct Node: Sendable {
    var previous: Int32
    var step: Step
  }

  let tree: [Node]
  let leaf: Int32
  public let count: Int

  init(_ tree: [Node], leaf: Int32, count: Int) {
    self.tree = tree
    self.leaf = leaf
    self.count = count
  }

  public var isEmpty: Bool { count == 0 }
  public var underestimatedCount: Int { count }
  public var last: Step? { leaf < 0 ? nil : tree[Int(leaf)].step }

  /// Gathers the steps: the tree is linked from its leaves.
  public func makeIterator() -> IndexingIterator<[Step]> {
    var list: [Step] = []
    append(to: &list)
    return list.makeIterator()
  }

  /// Appends the steps to a list, which may be one used again and again.
  public func append(to list: inout [Step]) {
    let start = list.count
    list.reserveCapacity(start + count)
    var at = leaf
    while at >= 0 {
      list.append(tree[Int(at)].step)
      at = tree[Int(at)].previous
    }
    list[start...].reverse()
  }
}

extension StepPath {
  /// Appends the steps of which none was seen in the same tree before, and takes note of them.
  func appendNew(to list: inout [Step], _ seen: inout SeenNodes) {
    let start = list.count
    seen.begin(tree)
    var at = leaf
    while at >= 0, seen.insert(at) {
      list.append(tree[Int(at)].step)
      at = tree[Int(at)].previous
    }
    list[start...].reverse()
  }
}

extension Trace {
  /// The chains that rules lead to, each once, in the order in which they are met.
  public var enteredChains: [ChainID] {
    var steps: [Step] = []
    var seen = SeenNodes()
    for outcome in outcomes { outcome.steps.appendNew(to: &steps, &seen) }
    var chains: [ChainID] = []
    for step in steps {
      if let chain = step.verdict.target, !chains.contains(chain) { chains.append(chain) }
    }
    return chains
  }
}

extension StepPath: Equatable {
  public static func == (a: StepPath, b: StepPath) -> Bool { a.count == b.count && a.elementsEqual(b) }
}

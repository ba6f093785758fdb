import Ruleset
import Snapshot
import Wire

/// Walks one flow at a time through a node's hooks. Where something is random or not known the walk forks: branches
/// wait on a stack, each a complete copy of the packet and of the position in the rules.
struct Engine: ~Copyable {
  let node: NodeModel
  let ruleset: Ruleset
  let rules: UnsafeBufferPointer<Rule>
  let clauses: UnsafeBufferPointer<Clause>
  let chains: UnsafeBufferPointer<Chain>
  let wide: UnsafeBufferPointer<WidePair>
  /// By table: its rules follow nft's semantics.
  let isNft: [Bool]
  private let interfaces: InterfaceCache
  /// What walks looked at of the source since this was last reset.
  let inspection: UnsafeMutablePointer<SourceInspection>

  /// Matched rules, callers and assumptions as linked lists, newest first: branches share their beginnings.
  var steps: [StepPath.Node] = []
  var assumptions: [Assumptions.Node] = []
  var setChanges: [SetChange] = []
  var callers: [Caller] = []
  var pending: [Branch] = []
  var finished: [Ending] = []
  var flow: Flow
  /// The connection whose reply is walked; nil: the flow's packet is the first of its connection.
  private(set) var connection: Connection?
  /// The packet stands for every reply: of its fields only what all replies have in common is known.
  var isAnyReply = false
  /// Something was met that such a walk cannot decide.
  var anyReplyIsOpen = false
  var forks = 0
  var cut = 0
  private let wanted = Wanted()
  var metSetChange = false
  var changedSetsUnknown = false

  /// More branches than this, and unknown matches are no longer tried both ways.
  static let maximumForks = 4096
  /// The same for numbers drawn at random: a Service with as many endpoints is none, a chain of coin tosses is.
  static let maximumDraws = 1 << 16
  /// A path with more matched rules than this runs in a circle.
  static let maximumSteps = 20_000

  /// Where a chain that was jumped to returns to.
  struct Caller {
    var previous: Int32
    var chain: UInt32
    var position: UInt32
  }

  private final class Wanted {
    var parts = UnreadParts()
  }

  /// What the walk would have needed; its result is void then.
  var unread: UnreadParts {
    get { wanted.parts }
    nonmutating _modify { yield &wanted.parts }
  }

  struct Ending {
    var branch: Branch
    var verdict: Outcome.Verdict
    var rejectWith: RejectReason?
    var reason: Reason?
  }

  init(_ node: NodeModel) {
    self.node = node
    ruleset = node.ruleset
    // The arrays belong to an immutable ruleset that `node` keeps alive; their storage does not move.
    rules = ruleset.rules.withUnsafeBufferPointer { $0 }
    clauses = ruleset.clauses.withUnsafeBufferPointer { $0 }
    chains = ruleset.chains.withUnsafeBufferPointer { $0 }
    wide = ruleset.wide.withUnsafeBufferPointer { $0 }
    isNft = ruleset.tables.map { $0.backend == .nft }
    interfaces = InterfaceCache(node)
    inspection = .allocate(capacity: 1)
    inspection.initialize(to: SourceInspection())
    flow = Flow(ipProtocol: .tcp, source: IPAddress(v4: 0), destination: IPAddress(v4: 0), from: "")
  }

  /// ipsets that rules change are taken as the dump shows them, until the packet meets a rule that changes one: then
  /// what is in them is not known, and the walk begins again.
  mutating func run(_ flow: Flow, replyOf connection: Connection? = nil) {
    self.connection = connection
    anyReplyIsOpen = false
    changedSetsUnknown = false
    metSetChange = false
    unread = UnreadParts()
    walk(flow)
    guard metSetChange else { return }
    changedSetsUnknown = true
    walk(flow)
  }

  /// `stage`: where the walk begins; nil: where the flow enters.
  mutating func walk(_ flow: Flow, from stage: Stage? = nil) {
    self.flow = flow
    steps.removeAll(keepingCapacity: true)
    assumptions.removeAll(keepingCapacity: true)
    setChanges.removeAll(keepingCapacity: true)
    finished.removeAll(keepingCapacity: true)
    pending.removeAll(keepingCapacity: true)
    callers.removeAll(keepingCapacity: true)
    forks = 0
    cut = 0
    var first = start(flow)
    if let stage {
      first.stage = stage
      first.packet.tracking = .established
    }
    if !node.snapshot.rulesKnown { assume(&first, .noRules) }
    pending.append(first)
    while var branch = pending.popLast() {
      if isAnyReply, forks > Self.maximumReplyForks { anyReplyIsOpen = true }
      if anyReplyIsOpen { return }
      advance(&branch)
    }
  }

  func interface(_ name: Bits128) -> InterfaceFacts { interfaces[name] }

  private func start(_ flow: Flow) -> Branch {
    var first = Branch(
      packet: PacketState(flow, inspection), probability: 1, stage: flow.isLocal ? .outputRoute : .ingress)
    if !flow.isLocal { enterBridge(&first, flow) }
    return first
  }

  mutating func finish(
    _ b: Branch, _ verdict: Outcome.Verdict, rejectWith: RejectReason? = nil, _ reason: Reason? = nil
  ) {
    finished.append(Ending(branch: b, verdict: verdict, rejectWith: rejectWith, reason: reason))
  }
}

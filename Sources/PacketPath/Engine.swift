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
  private let isNft: [Bool]
  private let interfaces: InterfaceCache
  /// What walks looked at of the source since this was last reset.
  let inspection: UnsafeMutablePointer<SourceInspection>

  /// Matched rules, callers and assumptions as linked lists, newest first: branches share their beginnings.
  var steps: [StepPath.Node] = []
  var assumptions: [AssumptionNode] = []
  var setChanges: [SetChange] = []
  private var callers: [Caller] = []
  var pending: [Branch] = []
  var finished: [Ending] = []
  var flow: Flow
  var forks = 0
  var cut = 0
  private let wanted = Wanted()
  var metSetChange = false
  var changedSetsUnknown = false

  /// More branches than this, and unknown matches are no longer tried both ways.
  static let maximumForks = 4096
  /// A path with more matched rules than this runs in a circle.
  static let maximumSteps = 20_000

  /// Where a chain that was jumped to returns to.
  private struct Caller {
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

  struct AssumptionNode {
    var previous: Int32
    var assumption: Assumption
  }

  /// Something that the walk took for granted.
  enum Assumption: Hashable {
    /// A clause of a rule holds, or does not.
    case clause(rule: UInt32, clause: UInt32, holds: Bool)
    /// An address is one of the node's, or is not.
    case local(IPAddress, Bool)
    /// There is a route to the address: the snapshot has none.
    case route(IPAddress)
    /// The node forwards packets of this version: the snapshot has no sysctls.
    case forwarding(IPVersion)
    /// rp_filter is not strict on the interface: the snapshot has no sysctls.
    case looseReversePath(Bits128)
    /// A sentence.
    case text(String)
  }

  struct Ending {
    var branch: Branch
    var verdict: Outcome.Verdict
    var rejectWith: RejectReason?
    var detail: String?
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
  mutating func run(_ flow: Flow) {
    changedSetsUnknown = false
    metSetChange = false
    unread = UnreadParts()
    walk(flow)
    guard metSetChange else { return }
    changedSetsUnknown = true
    walk(flow)
  }

  private mutating func walk(_ flow: Flow) {
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
    if !node.snapshot.rulesKnown { assume(&first, .text("the node has no rules: no dump of them was read")) }
    pending.append(first)
    while var branch = pending.popLast() { advance(&branch) }
  }

  func interface(_ name: Bits128) -> InterfaceFacts { interfaces[name] }

  private func start(_ flow: Flow) -> Branch {
    Branch(packet: PacketState(flow, inspection), probability: 1, stage: flow.isLocal ? .outputRoute : .ingress)
  }

  // MARK: - Stages

  /// Runs a branch to its end; forks wait in `pending`.
  private mutating func advance(_ b: inout Branch) {
    while true {
      switch b.stage {
      case .ingress:
        b.packet.hook = .ingress
        guard runHook(&b) else { return }
        next(&b, .prerouting)
      case .prerouting:
        b.packet.hook = .prerouting
        guard runHook(&b) else { return }
        next(&b, b.packet.input == Self.loopback && b.packet.routedLocally ? .input : .routeInput)
      case .routeInput:
        guard routeInput(&b) else { return }
      case .input:
        b.packet.hook = .input
        b.packet.output = .zero
        guard runHook(&b) else { return }
        b.packet.status |= b.packet.hasConnection ? ConnectionStatus.confirmed : 0
        return finish(b, .deliver)
      case .forward:
        b.packet.hook = .forward
        guard runHook(&b) else { return }
        next(&b, .postrouting)
      case .outputRoute:
        guard routeOutput(&b) else { return }
        next(&b, .output)
      case .output:
        b.packet.hook = .output
        b.packet.input = .zero
        guard runHook(&b) else { return }
        b.packet.input = b.packet.arrival
        next(&b, .postrouting)
      case .postrouting:
        b.packet.hook = .postrouting
        // A forwarded packet still shows the device it came by; a local one has none.
        b.packet.output = b.packet.routedOutput
        if b.packet.bridged { b.packet.input = .zero }
        guard runHook(&b) else { return }
        if b.packet.virtualServer >= 0 { noteVirtualServerTracking(&b) }
        b.packet.status |= b.packet.hasConnection ? ConnectionStatus.confirmed : 0
        if b.packet.routedLocally {
          next(&b, .loopback)
        } else {
          return finish(b, .forward)
        }
      case .loopback:
        b.packet.input = Self.loopback
        b.packet.output = .zero
        next(&b, .ingress)
      }
    }
  }

  static let loopback = Bits128(leftAligned: "lo".utf8)

  private func next(_ b: inout Branch, _ stage: Stage) {
    b.stage = stage
    b.entry = 0
    b.natChain = 0
    b.inChain = false
  }

  mutating func finish(_ b: Branch, _ verdict: Outcome.Verdict, rejectWith: RejectReason? = nil, detail: String? = nil)
  {
    finished.append(Ending(branch: b, verdict: verdict, rejectWith: rejectWith, detail: detail))
  }

  /// Runs what is attached to the packet's hook from `b.entry` on. False: the branch ended.
  private mutating func runHook(_ b: inout Branch) -> Bool {
    let order = b.packet.version == .v4 ? node.order4 : node.order6
    let range = order.ranges[HookOrder.index(b.packet.hook)]
    while b.entry < range.upperBound - range.lowerBound {
      switch order.entries[Int(range.lowerBound + b.entry)] {
      case .tracking: track(&b)
      case .chain(let chain):
        if b.packet.hook == .ingress, !node.attached(chain, to: b.packet.input) { break }
        guard runBaseChain(&b, chain) else { return false }
      case .nat(let first, let end):
        guard runNAT(&b, order.natChains, Int(first)..<Int(end)) else { return false }
      case .virtualServers:
        guard runVirtualServers(&b) else { return false }
      }
      b.entry += 1
      b.natChain = 0
    }
    return true
  }

  /// Connection tracking: the packet is the first of its connection.
  private func track(_ b: inout Branch) {
    switch b.packet.tracking {
    case .new, .untracked: return  // looped back, or NOTRACK
    case .notYet, .invalid, .template: break
    }
    guard trackable(b.packet) else {
      b.packet.tracking = neighbourDiscovery(b.packet) ? .untracked : .invalid
      return
    }
    b.packet.beginConnection()
  }

  /// Whether a first packet like this makes an entry (nf_conntrack_proto_tcp.c, _icmp.c, _icmpv6.c).
  private func trackable(_ packet: PacketState) -> Bool {
    switch IPProtocol(rawValue: packet.ipProtocol) {
    case .tcp:
      let flags = packet.tcpFlags & 0x17
      if flags == 0x02 { return true }
      // Mid-stream pick-up: an ACK alone, unless nf_conntrack_tcp_loose is 0.
      return flags == 0x10 && node.looseTCPTracking
    case .icmp: return [8, 13, 15, 17].contains((packet.icmpTypeAndCode ?? 0) >> 8)
    case .icmpv6: return [128, 139].contains((packet.icmpTypeAndCode ?? 0) >> 8)
    default: return true
    }
  }

  private func neighbourDiscovery(_ packet: PacketState) -> Bool {
    guard packet.ipProtocol == IPProtocol.icmpv6.rawValue, let type = packet.icmpTypeAndCode else { return false }
    return [130, 131, 132, 133, 134, 135, 136, 137, 143].contains(type >> 8)
  }

  /// One base chain from its start, or from where a fork stopped in it.
  private mutating func runBaseChain(_ b: inout Branch, _ chain: ChainID) -> Bool {
    let facts = node.bases[Int(chains[Int(chain.index)].base)]
    if !b.inChain {
      enter(&b, chain)
      if facts.reroutes {
        b.savedMark = b.packet.mark
        b.savedTOS = b.packet.typeOfService
        b.savedSource = b.packet.source
        b.savedDestination = b.packet.destination
      }
    }
    guard runChain(&b, base: chain, policyDrops: facts.policyDrops) else { return false }
    b.inChain = false
    guard facts.reroutes else { return true }
    if b.packet.mark != b.savedMark || b.packet.typeOfService != b.savedTOS || b.packet.source != b.savedSource
      || b.packet.destination != b.savedDestination
    {
      return reroute(&b)
    }
    return true
  }

  private func enter(_ b: inout Branch, _ chain: ChainID) {
    b.inChain = true
    b.chain = chain.index
    b.position = 0
    b.clause = 0
    b.depth = 0
    b.caller = -1
  }

  /// The nat chains of a hook, a range of `list`: only for the first packet, only until one has bound the connection.
  private mutating func runNAT(_ b: inout Branch, _ list: [ChainID], _ range: Range<Int>) -> Bool {
    guard b.packet.hasConnection else { return true }
    let destination = b.packet.hook == .prerouting || b.packet.hook == .output
    if destination ? b.packet.destinationBound : b.packet.sourceBound { return true }
    while range.lowerBound + Int(b.natChain) < range.upperBound {
      let chain = list[range.lowerBound + Int(b.natChain)]
      if !b.inChain { enter(&b, chain) }
      let drops = node.bases[Int(chains[Int(chain.index)].base)].policyDrops
      guard runChain(&b, base: chain, policyDrops: drops) else { return false }
      b.inChain = false
      if destination ? b.packet.destinationBound : b.packet.sourceBound { break }
      b.natChain += 1
    }
    if destination { b.packet.destinationBound = true } else { b.packet.sourceBound = true }
    if b.packet.hook == .output, b.packet.destination != b.packet.originalDestination { return reroute(&b) }
    return true
  }

  // MARK: - Chains

  /// Runs the chain the branch stands in to the end of its base chain. False: the branch ended.
  private mutating func runChain(_ b: inout Branch, base: ChainID, policyDrops: Bool) -> Bool {
    while true {
      let chain = chains[Int(b.chain)]
      let isNft = isNft[Int(chain.table.index)]
      if chain.ruleCount >= ChainDispatch.minimumRules, b.clause == 0, !node.dispatch.isEmpty,
        let dispatch = node.dispatch[Int(b.chain)]
      {
        let next = dispatch.candidate(
          from: b.position, destination: b.packet.destination, destinationPort: b.packet.destinationPort,
          source: dispatch.readsSource ? b.packet.source : .zero)
        b.position = min(next, chain.ruleCount)
      }
      if b.position >= chain.ruleCount {
        if b.depth == 0 { return endBaseChain(&b, base, policyDrops) }
        leave(&b)
        b.clause = 0
        continue
      }
      let slot = Int(chain.firstRule) + Int(b.position)
      let ruleIndex = ruleset.order.isEmpty ? slot : Int(ruleset.order[slot])
      switch evaluate(&b, ruleIndex, isNft: isNft) {
      case .noMatch:
        b.position += 1
        b.clause = 0
        b.choice = -1
      case .ended: return false
      case .verdict(let verdict):
        b.choice = -1
        b.clause = 0
        record(&b, ruleIndex, verdict)
        if b.stepCount > Int32(Self.maximumSteps) {
          finish(b, .drop, detail: "the chains jump in a circle; the kernel refuses such a ruleset")
          return false
        }
        switch verdict {
        case .accept, .policyAccept: return true
        case .drop, .policyDrop, .queue:
          finish(b, .drop)
          return false
        case .continue: b.position += 1
        case .return:
          if b.depth == 0 { return endBaseChain(&b, base, policyDrops) }
          leave(&b)
        case .jump(let target):
          guard b.depth < 48 else {
            finish(b, .drop, detail: "chains call each other more than 48 deep; the kernel refuses such a ruleset")
            return false
          }
          callers.append(Caller(previous: b.caller, chain: b.chain, position: b.position + 1))
          b.caller = Int32(callers.count - 1)
          b.depth += 1
          b.chain = target.index
          b.position = 0
          if chains[Int(target.index)].isUnread { return awaits(target) }
          if !chains[Int(target.index)].isDefined, chains[Int(target.index)].ruleCount == 0 {
            assume(&b, .text("chain \(printable(ruleset.name(of: target))), which the dump does not have, is empty"))
          }
        case .goto(let target):
          b.chain = target.index
          b.position = 0
          if chains[Int(target.index)].isUnread { return awaits(target) }
        }
      }
    }
  }

  /// A chain whose rules must be read first ends the branch: the walk begins again with them.
  private func awaits(_ chain: ChainID) -> Bool {
    unread.chains.insert(chain)
    return false
  }

  /// Back to the chain that called this one.
  private mutating func leave(_ b: inout Branch) {
    let caller = callers[Int(b.caller)]
    b.depth -= 1
    b.caller = caller.previous
    b.chain = caller.chain
    b.position = caller.position
  }

  private mutating func endBaseChain(_ b: inout Branch, _ base: ChainID, _ policyDrops: Bool) -> Bool {
    let verdict: StepVerdict = policyDrops ? .policyDrop : .policyAccept
    append(&b, Step(hook: b.packet.hook, chain: base, rule: nil, position: 0, verdict: verdict))
    if policyDrops { finish(b, .drop) }
    return !policyDrops
  }

  private mutating func record(_ b: inout Branch, _ rule: Int, _ verdict: StepVerdict) {
    append(
      &b,
      Step(
        hook: b.packet.hook, chain: ChainID(Int(b.chain)), rule: RuleID(rule), position: Int(b.position) + 1,
        verdict: verdict))
  }

  @inline(__always) private mutating func append(_ b: inout Branch, _ step: Step) {
    steps.append(StepPath.Node(previous: b.steps, step: step))
    b.steps = Int32(steps.count - 1)
    b.stepCount += 1
    let identity = step.identity
    b.stepHash = (b.stepHash ^ identity.high ^ identity.low << 40) &* 0x9E37_79B9_7F4A_7C15
    b.stepHash ^= b.stepHash >> 29
  }

  mutating func recordEnd(_ b: inout Branch, _ rule: Int, _ verdict: StepVerdict) { record(&b, rule, verdict) }

  enum RuleResult {
    case noMatch
    case ended
    case verdict(StepVerdict)
  }

  /// Runs a rule's clauses from `b.clause` on.
  private mutating func evaluate(_ b: inout Branch, _ ruleIndex: Int, isNft: Bool) -> RuleResult {
    let rule = rules[ruleIndex]
    let first = Int(rule.firstClause)
    let end = first + Int(rule.clauseCount)
    if !node.changingRules.isEmpty, node.changingRules.contains(UInt32(ruleIndex)) { metSetChange = true }
    var at = first + Int(b.clause)
    while at < end {
      switch clauses[at] {
      case .match(let match):
        switch decide(match, b, rule: ruleIndex, clause: at - first, isNft: isNft) {
        case .yes: at += 1
        case .no: return .noMatch
        case .chance(let p):
          if laterMatchFails(b, from: at + 1, end: end, first: first, rule: ruleIndex, isNft: isNft) { return .noMatch }
          if let other = fork(b, probability: 1 - p) { pending[other].skipRule() }
          b.probability *= p
          at += 1
        case .unknown:
          if laterMatchFails(b, from: at + 1, end: end, first: first, rule: ruleIndex, isNft: isNft) { return .noMatch }
          let clause = UInt32(at - first)
          if forks >= Self.maximumForks {
            cut += 1
            assume(&b, .clause(rule: UInt32(ruleIndex), clause: clause, holds: false))
            return .noMatch
          }
          if let other = fork(b, probability: 0.5) {
            pending[other].assumptions = note(
              .clause(rule: UInt32(ruleIndex), clause: clause, holds: false), after: b.assumptions)
            pending[other].skipRule()
          }
          b.probability *= 0.5
          assume(&b, .clause(rule: UInt32(ruleIndex), clause: clause, holds: true))
          learn(match, &b)
          at += 1
        case .unknownLocal(let address):
          forkOnLocality(&b, address, clause: at - first)
        case .choice(let modulus):
          forkOnChoice(&b, modulus, clause: at - first)
        }
      case .statement(let statement):
        b.clause = UInt32(at - first)
        switch execute(statement, &b, rule: ruleIndex, isNft: isNft) {
        case .goOn: at += 1
        case .again: continue
        case .noMatch: return .noMatch
        case .ended: return .ended
        case .verdict(let verdict): return .verdict(verdict)
        }
      }
    }
    return .verdict(.continue)
  }

  /// A fork is not worth while where a match further on fails anyway.
  private func laterMatchFails(_ b: Branch, from: Int, end: Int, first: Int, rule: Int, isNft: Bool) -> Bool {
    var at = from
    while at < end, case .match(let match) = clauses[at] {
      if case .no = decide(match, b, rule: rule, clause: at - first, isNft: isNft) { return true }
      at += 1
    }
    return false
  }

  // MARK: - Forks and assumptions

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
    assumptions.append(AssumptionNode(previous: previous, assumption: assumption))
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

  /// An equality that was assumed to hold tells the value.
  private func learn(_ match: Match, _ b: inout Branch) {
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

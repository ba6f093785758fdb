import Ruleset
import Snapshot
import Wire

// Chains and their rules, clause by clause.
extension Engine {
  /// Runs the chain the branch stands in to the end of its base chain. False: the branch ended.
  mutating func runChain(_ b: inout Branch, base: ChainID, policyDrops: Bool) -> Bool {
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
        if chain.isCut { assumeOnce(&b, .wholeChain(ChainID(Int(b.chain)))) }
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
          finish(b, .drop, .circularChains)
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
            finish(b, .drop, .chainsTooDeep)
            return false
          }
          callers.append(Caller(previous: b.caller, chain: b.chain, position: b.position + 1))
          b.caller = Int32(callers.count - 1)
          b.depth += 1
          b.chain = target.index
          b.position = 0
          if chains[Int(target.index)].isUnread { return awaits(target) }
          if !chains[Int(target.index)].isDefined, chains[Int(target.index)].ruleCount == 0 {
            assume(&b, .emptyChain(target))
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

  mutating func record(_ b: inout Branch, _ rule: Int, _ verdict: StepVerdict) {
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
        case .yes:
          b.choice = -1  // the next clause draws its own number
          at += 1
        case .no: return .noMatch
        case .chance(let p):
          if laterMatchFails(b, from: at + 1, end: end, first: first, rule: ruleIndex, isNft: isNft) { return .noMatch }
          if forks >= Self.maximumDraws {
            // The likelier way alone, which is said.
            cut += 1
            assumeOnce(&b, .text("of too many numbers that are drawn at random, those that are likelier are"))
            if p < 0.5 { return .noMatch }
            at += 1
            continue
          }
          if let other = fork(b, chance: 1 - p) { pending[other].skipRule() }
          b.take(chance: p)
          at += 1
        case .unknown:
          if laterMatchFails(b, from: at + 1, end: end, first: first, rule: ruleIndex, isNft: isNft) { return .noMatch }
          // A rule that may accept a reply cannot stop it; the way past it is the one to follow.
          if isAnyReply, accepts(from: at + 1, end: end) { return .noMatch }
          let (rule, clause) = (UInt32(ruleIndex), UInt32(at - first))
          let subject = subject(of: match, b)
          if forks >= Self.maximumForks {
            cut += 1
            assume(&b, .clause(rule: rule, clause: clause, subject: subject, holds: false))
            return .noMatch
          }
          let other = forkOnIgnorance(
            &b, holds: .clause(rule: rule, clause: clause, subject: subject, holds: true),
            fails: .clause(rule: rule, clause: clause, subject: subject, holds: false))
          pending[other].skipRule()
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
        case .goOn:
          b.choice = -1
          at += 1
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
}

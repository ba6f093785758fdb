import Findings
import Input
import PacketPath
import Ruleset
import Snapshot
import Wire

/// A step of an outcome that made it what it is: where it stands, what it did, and which of its matches told this packet from
/// others.
struct DecidingStep {
  /// Its place among the outcome's steps, from 0.
  var number: Int
  var step: Step
  /// `jump KUBE-SVC-A`, `DNAT to 10.244.1.10:8080`, `reject with icmp-port-unreachable`, `policy drop`
  var effect: String
  /// The matches that another packet would have failed, in nft's words; empty: it takes every packet.
  var matches: [String]
  /// Elements of sets that the packet fell into.
  var elements: [MatchedElement]
}

/// Tells the steps that led to an outcome from those that let it pass: what translates, marks, accepts or ends, and the jumps
/// that lead there. A jump into chains that came back without any of that is none.
struct DecidingSteps {
  private let trace: Trace
  private let ruleset: Ruleset

  init(_ trace: Trace, _ ruleset: Ruleset) {
    self.trace = trace
    self.ruleset = ruleset
  }

  func steps(of outcome: Outcome) -> [DecidingStep] {
    let all = Array(outcome.steps)
    var decides = all.map { acts($0) }
    // A jump is kept for what happens below it.
    var open: [Int] = []
    for (number, step) in all.enumerated() {
      while let last = open.last, !isInside(step, of: all[last]) { open.removeLast() }
      if decides[number] { for jump in open { decides[jump] = true } }
      if Self.target(step) != nil { open.append(number) }
    }
    var packet = StepPacket(trace.flow)
    var out: [DecidingStep] = []
    for (number, step) in all.enumerated() {
      if decides[number] {
        let (matches, elements) = matches(step, packet)
        out.append(
          DecidingStep(
            number: number, step: step, effect: effect(step, outcome), matches: matches, elements: elements))
      }
      if let rule = step.rule {
        if rule == outcome.destinationRule {
          (packet.destination, packet.destinationPort) = (outcome.destination, outcome.destinationPort)
        }
        if rule == outcome.sourceRule { (packet.source, packet.sourcePort) = (outcome.source, outcome.sourcePort) }
      }
    }
    return out
  }

  // MARK: which

  private static func target(_ step: Step) -> ChainID? {
    switch step.verdict {
    case .jump(let chain), .goto(let chain): chain
    default: nil
    }
  }

  /// Whether a step stands in the chain that a jump before it leads to; what that chain calls is asked of its own jumps.
  private func isInside(_ step: Step, of jump: Step) -> Bool {
    step.hook == jump.hook && step.chain == Self.target(jump)
  }

  /// Whether a step says where the packet goes or what becomes of it, rather than letting it pass.
  private func acts(_ step: Step) -> Bool {
    switch step.verdict {
    case .policyAccept, .return, .jump, .goto: return false
    case .policyDrop, .drop, .queue: return true
    case .accept: return step.rule != nil
    case .continue:
      return statements(step).contains { statement in
        switch statement {
        case .setMark, .setConnectionMark, .restoreMark, .noTrack, .setField, .setZone, .transparentProxy: true
        default: false
        }
      }
    }
  }

  private func statements(_ step: Step) -> [Statement] {
    guard let rule = step.rule else { return [] }
    return ruleset.clauses(of: ruleset[rule]).compactMap {
      if case .statement(let statement) = $0 { return statement }
      return nil
    }
  }

  // MARK: what it did

  private func effect(_ step: Step, _ outcome: Outcome) -> String {
    let statements = statements(step)
    if let rule = step.rule {
      if rule == outcome.destinationRule {
        return "DNAT to \(socket(outcome.destination, outcome.destinationPort))"
      }
      if rule == outcome.sourceRule {
        return "\(masquerades(statements) ? "masquerade as" : "SNAT to") \(outcome.source)"
      }
    }
    for statement in statements {
      switch statement {
      case .reject(let reason) where step.verdict == .drop: return "reject with \(reason.rawValue)"
      case .setMark where step.verdict == .continue: return "set mark"
      case .setConnectionMark where step.verdict == .continue: return "set connection mark"
      case .restoreMark where step.verdict == .continue: return "restore mark"
      case .noTrack: return "notrack"
      default: continue
      }
    }
    return StepWord.text(step, ruleset)
  }

  private func masquerades(_ statements: [Statement]) -> Bool {
    statements.contains {
      guard case .translate(let id) = $0 else { return false }
      return ruleset.translations[Int(id.index)].kind == .masquerade
    }
  }

  private func socket(_ address: IPAddress, _ port: UInt16) -> String {
    port == 0 ? "\(address)" : EndpointText.text(address, port)
  }

  // MARK: by which matches

  private func matches(_ step: Step, _ packet: StepPacket) -> ([String], [MatchedElement]) {
    guard let rule = step.rule else { return ([], []) }
    var texts: [String] = []
    var elements: [MatchedElement] = []
    for (clause, spelling) in zip(ruleset.clauses(of: ruleset[rule]), ruleset.spellings(of: rule)) {
      switch clause {
      case .match(let match):
        if match.tells, let text = text(of: match) ?? spelling { texts.append(text) }
        guard !match.negated else { break }
        switch match.test {
        case .lookup(let id): if let found = trace.element(id, packet, verdict: step.verdict) { elements.append(found) }
        case .ipset(let id):
          if let found = trace.element(ruleset.ipsetTests[Int(id.index)], packet) { elements.append(found) }
        default: break
        }
      case .statement(.verdictMap(let id)):
        if let found = trace.element(id, packet, verdict: step.verdict) { elements.append(found) }
      case .statement: break
      }
    }
    return (texts, elements)
  }

  /// What nft cannot say, in words of its kind; nil: nft can.
  private func text(of match: Match) -> String? {
    let not = match.negated ? "not " : ""
    switch match.test {
    case .random(let threshold):
      let share = Double(threshold) / 2_147_483_648
      return "chance \(percent(match.negated ? 1 - share : share))"
    case .nth(let every, let packet): return "\(not)packet \(packet) of every \(every)"
    case .ports(let side, let list):
      let ranges = ruleset.portLists[Int(list.index)].ranges.map {
        $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
      }
      let key =
        switch side {
        case .source: "sport"
        case .destination: "dport"
        case .either: "sport or dport"
        }
      return "\(key) \(match.negated ? "!= " : ""){ \(ranges.joined(separator: ", ")) }"
    case .ipset(let id):
      let test = ruleset.ipsetTests[Int(id.index)]
      let sides = test.fromSource.map { $0 ? "src" : "dst" }.joined(separator: ",")
      return "\(sides) \(not)in ipset \(test.name)"
    case .virtualServer: return "\(not)IPVS"
    case .socket: return "\(not)a local socket"
    default: return nil
    }
  }
}

extension Match {
  /// Whether it tells packets apart; not what only names things.
  fileprivate var tells: Bool {
    switch test {
    case .note, .equal(.networkProtocol, _, _): false
    default: true
    }
  }
}

/// What a step did, in one or two words: those of the kernel's tracing, and `reject` for the drop that answers. Names stand as
/// they are, to be made safe by who prints them.
enum StepWord {
  static func text(_ step: Step, _ ruleset: Ruleset) -> String {
    switch step.verdict {
    case .accept: "accept"
    case .drop: isReject(step, ruleset) ? "reject" : "drop"
    case .return: "return"
    case .continue: "continue"
    case .queue: "queue"
    case .jump(let chain): "jump \(ruleset.name(of: chain))"
    case .goto(let chain): "goto \(ruleset.name(of: chain))"
    case .policyAccept: "policy accept"
    case .policyDrop: "policy drop"
    }
  }

  static func isReject(_ step: Step, _ ruleset: Ruleset) -> Bool {
    guard step.verdict == .drop, let rule = step.rule else { return false }
    return ruleset.clauses(of: ruleset[rule]).contains {
      if case .statement(.reject) = $0 { true } else { false }
    }
  }
}

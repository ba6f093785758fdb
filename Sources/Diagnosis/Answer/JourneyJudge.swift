import Findings
import Intent
import Journey
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// The one place that turns the ways of a flow through a bundle into an answer. One judge serves one thread.
public final class JourneyJudge {
  public let walk: JourneyWalk
  let names: NameResolver?
  private var facts: [Int: AnswerFacts] = [:]
  private var labels: [Int: ServiceLabels] = [:]

  /// More ways than this are counted and not kept.
  private static let maximumJourneys = 512

  public init(_ map: BundleMap, _ names: NameResolver?) {
    walk = JourneyWalk(map)
    self.names = names
  }

  public func judge(_ flow: Flow) -> JourneyAnswer {
    var gathered = Gathered()
    let standing = visit(walk.follow(flow), [], 1, &gathered)
    var answer = JourneyAnswer(flow: flow, answer: standing.answer)
    answer.share = standing.answer == .unsure ? nil : standing.share
    answer.journeys = gathered.journeys.sorted { $0.probability > $1.probability }
    answer.cut = gathered.cut
    answer.undecided = gathered.undecided
    answer.wanted = gathered.wanted
    answer.service = gathered.service ?? names?.service(at: flow.destination, flow.destinationPort, flow.ipProtocol)
    answer.why = sentence(answer)
    return answer
  }

  /// The causes behind an answer, as `check` names them: of the node on which the deciding journey ends, else of the
  /// first that it passes.
  public func findings(_ answer: JourneyAnswer) -> [Finding] {
    guard !answer.answer.isGood, answer.answer != .unsure, let journey = answer.deciding else { return [] }
    let onNodes = journey.parts.compactMap { part -> LegFork? in
      guard case .leg(let fork, _) = part, walk.map.place(fork.namespace).pod == nil else { return nil }
      return fork.phase == .request ? fork : nil
    }
    for fork in [onNodes.last, onNodes.first] {
      guard let fork else { continue }
      let snapshot = walk.map.snapshot(of: fork.namespace)
      let judgement = Judge(snapshot, names: names).judge(fork.trace)
      let found = AnswerCauses.findings(judgement, fork.trace, snapshot, names)
      if !found.isEmpty { return found }
    }
    return []
  }

  // MARK: - The tree

  /// How connections fare from one point of the tree on.
  private struct Standing: Hashable {
    var answer: Answer
    /// Of those that come here, the share that is served.
    var share: Double
  }

  private struct Gathered {
    var journeys: [Journey] = []
    var cut = 0
    var undecided: [String] = []
    var wanted: [String] = []
    var service: String?
  }

  private func visit(
    _ way: Way, _ parts: [Journey.Part], _ probability: Double, _ gathered: inout Gathered
  ) -> Standing {
    switch way {
    case .crossing(let crossing, let next): return visit(next, parts + [.crossing(crossing)], probability, &gathered)
    case .leg(let fork): return visit(fork, parts, probability, &gathered)
    case .end(let ending):
      let answer = self.answer(of: ending, parts, &gathered)
      guard gathered.journeys.count < Self.maximumJourneys else {
        gathered.cut += 1
        return Standing(answer: answer, share: answer.isGood ? 1 : 0)
      }
      // A crossing belongs to the leg before it.
      var isShown = true
      let shown = parts.filter { part in
        if case .leg(let fork, _) = part {
          isShown = !fork.phase.isFurther || fork.phase == ending.phase && !answer.isGood
        }
        return isShown
      }
      var journey = Journey(answer: answer, probability: probability, ending: ending, parts: shown, what: "")
      if answer == .unserved {
        // It left as what it was; whether something came back is beside the point.
        journey.ending.phase = .request
        journey.ending.namespace = Self.lastRequest(parts, walk.map)
        journey.ending.arrival = nil
      }
      if !answer.isGood { journey.failedAt = journey.ending.namespace.map { walk.map.place($0) } }
      journey.what = clause(journey)
      gathered.journeys.append(journey)
      return Standing(answer: answer, share: answer.isGood ? 1 : 0)
    }
  }

  private func visit(
    _ fork: LegFork, _ parts: [Journey.Part], _ probability: Double, _ gathered: inout Gathered
  ) -> Standing {
    let trace = fork.trace
    if gathered.service == nil, fork.phase == .request { gathered.service = label(fork) }
    let standings = fork.branches.indices.map { index in
      visit(
        fork.branches[index], parts + [.leg(fork, outcome: index)],
        probability * trace.outcomes[index].probability, &gathered)
    }
    let worlds = trace.worlds
    guard !worlds.isEmpty else {
      let shares = trace.outcomes.indices.map { ($0, trace.outcomes[$0].probability) }
      let standing = Self.world(shares, standings)
      // What was cut off may end in any way.
      return trace.truncated > 0 && Set(standings).count > 1 ? Standing(answer: .unsure, share: 0) : standing
    }
    let results = worlds.results { shares in
      Self.world(shares.map { ($0.outcome, $0.chance) }, standings)
    }
    if results.list.count == 1, results.isComplete { return results.list[0].result }
    let answers = Set(results.list.map(\.result.answer))
    if answers.count == 1, let answer = answers.first, answer != .partly, results.isComplete {
      return results.list[0].result
    }
    if !answers.contains(.unsure), results.isComplete, !results.deciding.isEmpty,
      results.deciding.allSatisfy({ $0.source == .time })
    {
      let shares = results.list.map(\.result.share)
      return Standing(answer: .partly, share: shares.reduce(0, +) / Double(shares.count))
    }
    let place = walk.map.place(fork.namespace)
    for text in Judge.undecided(results, trace, { $0.answer.rawValue }) {
      let text = "\(text) (\(printable(place.text)))"
      if !gathered.undecided.contains(text) { gathered.undecided.append(text) }
    }
    for command in Judge.wanted(results.deciding) where !gathered.wanted.contains(command) {
      gathered.wanted.append(command)
    }
    return Standing(answer: .unsure, share: 0)
  }

  private static func world(_ shares: [(outcome: Int, chance: Double)], _ standings: [Standing]) -> Standing {
    let tiny = 1e-9
    var good = 0.0
    var total = 0.0
    var worst: (answer: Answer, chance: Double) = (.dropped, -1)
    var isServed = false
    var isMixed = false
    for (outcome, chance) in shares where chance > tiny {
      total += chance
      let standing = standings[outcome]
      if standing.answer == .unsure { return Standing(answer: .unsure, share: 0) }
      good += chance * standing.share
      if standing.answer.isGood { isServed = isServed || standing.answer == .served }
      if standing.answer == .partly { isMixed = true }
      if !standing.answer.isGood, chance > worst.chance { worst = (standing.answer, chance) }
    }
    if isMixed { return Standing(answer: .partly, share: (good / total * 1e9).rounded() / 1e9) }
    if good > total - tiny { return Standing(answer: isServed ? .served : .passes, share: 1) }
    // Rounded, so that equal shares are equal.
    return good > tiny
      ? Standing(answer: .partly, share: (good / total * 1e9).rounded() / 1e9)
      : Standing(answer: worst.answer, share: 0)
  }

  // MARK: - One ending

  private func facts(_ namespace: Int) -> AnswerFacts {
    if let known = facts[namespace] { return known }
    let made = AnswerFacts(walk.map.snapshot(of: namespace), names: names)
    facts[namespace] = made
    return made
  }

  private func label(_ fork: LegFork) -> String? {
    if labels[fork.namespace] == nil {
      labels[fork.namespace] = ServiceLabels(walk.map.snapshot(of: fork.namespace).ruleset)
    }
    return labels[fork.namespace]!.label(of: fork.trace)
  }

  private func answer(of ending: Ending, _ parts: [Journey.Part], _ gathered: inout Gathered) -> Answer {
    let answer = plainAnswer(of: ending, parts)
    // The network outside brings an address of a load balancer back to some node: to which, no dump tells.
    if answer == .unserved, isBalanced(parts) { return .unsure }
    guard answer.isGood else { return answer }
    for case .leg(let fork, let outcome) in parts where walk.map.place(fork.namespace).pod == nil {
      let gaps = fork.trace.outcomes[outcome].gaps
      let snapshot = walk.map.snapshot(of: fork.namespace)
      let wanted: [String]
      let isV4 = fork.flow.version == .v4
      if gaps.contains(.rules) || gaps.contains(.partOfRules) || snapshot.hasUnreadRules
        || snapshot.tablesNotGiven[fork.flow.version] != nil
      {
        wanted = [isV4 ? "iptables-save" : "ip6tables-save", "nft list ruleset"]
      } else if gaps.contains(.routes) {
        wanted = [isV4 ? "ip route show table all" : "ip -6 route show table all"]
      } else if gaps.contains(.virtualServers) {
        wanted = ["ipvsadm -Sn"]
      } else {
        continue
      }
      for command in wanted where !gathered.wanted.contains(command) { gathered.wanted.append(command) }
      return .unsure
    }
    return answer
  }

  private func plainAnswer(of ending: Ending, _ parts: [Journey.Part]) -> Answer {
    if unserved(ending, parts) != nil { return .unserved }
    if ending.phase == .reply || ending.phase == .furtherReply {
      switch ending.cause {
      case .answered: return ending.arrival?.place == nil ? .passes : .served
      case .unknown: return .unsure
      case .left: return ending.arrival?.place == nil ? .passes : .served
      case .tooBig: return .lost
      default: return .lost
      }
    }
    switch ending.cause {
    case .answered: return ending.arrival?.place == nil ? .passes : .served
    case .stopped:
      guard case .leg(let fork, let outcome)? = parts.last, !ending.phase.isFurther else { return .dropped }
      return fork.trace.outcomes[outcome].verdict == .reject ? .refused : .dropped
    case .notListening: return .refused
    case .listenerUnknown, .unknown: return .unsure
    case .left: return .passes
    case .ownSource: return .lost
    case .speechless, .nobodyAt, .neighbourStopped, .linkDown, .tunnel, .routerUnaware, .unexpected, .astray, .tooBig,
      .circle:
      return .dropped
    }
  }

  /// Whether the request left for an address that a load balancer outside, or another node, may take.
  private func isBalanced(_ parts: [Journey.Part]) -> Bool {
    guard case .leg(let fork, let number)? = parts.last(where: { Self.isRequestOnNode($0, walk.map) }) else {
      return false
    }
    let outcome = fork.trace.outcomes[number]
    guard outcome.verdict == .forward else { return false }
    return names?.cluster.services.contains {
      ($0.loadBalancerIPs + $0.externalIPs).contains(outcome.destination)
    } ?? false
  }

  private static func isRequestOnNode(_ part: Journey.Part, _ map: BundleMap) -> Bool {
    guard case .leg(let fork, _) = part else { return false }
    return fork.phase == .request && map.place(fork.namespace).pod == nil
  }

  private static func lastRequest(_ parts: [Journey.Part], _ map: BundleMap) -> Int? {
    guard case .leg(let fork, _)? = parts.last(where: { isRequestOnNode($0, map) }) else { return nil }
    return fork.namespace
  }

  /// The Service whose address the packet still bears where it leaves, or comes to nobody.
  func unserved(_ ending: Ending, _ parts: [Journey.Part]) -> Fate.ServiceAddress? {
    switch ending.cause {
    case .left, .nobodyAt, .routerUnaware, .answered, .astray, .stopped: break
    default: return nil
    }
    if case .stopped = ending.cause {
      guard case .leg(let fork, let outcome)? = parts.last, fork.trace.outcomes[outcome].verdict == .noroute else {
        return nil
      }
    }
    // The last node that the request was on, if it leaves the bundle from there.
    guard ending.arrival?.place == nil else { return nil }
    let last = parts.last { Self.isRequestOnNode($0, walk.map) }
    guard case .leg(let fork, let number)? = last else { return nil }
    let outcome = fork.trace.outcomes[number]
    guard !outcome.isTranslated else { return nil }
    return facts(fork.namespace).service(at: outcome.destination, outcome.destinationPort, fork.flow.ipProtocol)
  }
}

extension Place {
  /// `node-a`, `shop/web-0 on node-a`.
  public var text: String { pod.map { "\($0) on \(node)" } ?? node }
}

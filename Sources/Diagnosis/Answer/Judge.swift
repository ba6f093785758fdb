import Findings
import Intent
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// The one place that turns a trace and the facts around it into an answer. One judge serves one thread.
public final class Judge {
  public let tracer: PathTracer
  let facts: AnswerFacts
  private var labels: ServiceLabels
  /// The client's whole address and port were looked at since this was last set.
  public var readsClient = false

  public init(_ tracer: PathTracer, _ facts: AnswerFacts) {
    self.tracer = tracer
    self.facts = facts
    labels = ServiceLabels(tracer.model.snapshot.ruleset)
  }

  /// For one question: no objects, the snapshot's own facts.
  public convenience init(_ snapshot: Snapshot, names: NameResolver? = nil) {
    self.init(PathTracer(snapshot), AnswerFacts(snapshot, names: names))
  }

  public func judge(_ flow: Flow) -> (trace: Trace, judgement: Judgement) {
    let trace = tracer.trace(flow)
    return (trace, judge(trace))
  }

  /// The answer alone, for many traces.
  public func answer(to trace: Trace) -> Answer {
    var replies = Replies()
    var fates: [Fate] = []
    fates.reserveCapacity(trace.outcomes.count)
    for index in trace.outcomes.indices {
      let fate = fate(of: trace.outcomes[index], at: index, trace, &replies)
      // Whatever else may be: where this happens, nothing is sure.
      if fate.answer == .unsure, trace.outcomes[index].probability > Self.tiny { return .unsure }
      fates.append(fate)
    }
    return combine(trace, fates, explains: false).answer
  }

  /// What the outcomes of a trace come to. A running kernel's rules may be read on for the way back.
  public func judge(_ trace: Trace) -> Judgement {
    var replies = Replies()
    let fates = trace.outcomes.indices.map { fate(of: trace.outcomes[$0], at: $0, trace, &replies) }
    var judgement = combine(trace, fates)
    judgement.reply = judgement.deciding.flatMap { replies.traces[$0] }
    if let reply = judgement.reply, judgement.answer == .unsure, judgement.undecided.isEmpty {
      judgement.wanted = Self.wanted(reply.worlds.facts)
    }
    judgement.service = labels.label(of: trace) ?? named(trace.flow)
    judgement.why = sentence(judgement, trace)
    if judgement.answer.isGood || judgement.answer == .partly { judgement.why += facts.policyRemark }
    return judgement
  }

  private func named(_ flow: Flow) -> String? {
    facts.names?.service(at: flow.destination, flow.destinationPort, flow.ipProtocol)
  }

  // MARK: - One outcome

  private func fate(of outcome: Outcome, at index: Int, _ trace: Trace, _ replies: inout Replies) -> Fate {
    let flow = trace.flow
    switch outcome.verdict {
    case .reject: return missing(outcome).map { .unsure($0) } ?? .rejected
    case .drop, .noroute: return missing(outcome).map { .unsure($0) } ?? .dropped
    case .deliver: return complete(delivered(outcome, trace), outcome, index, flow, &replies)
    case .forward:
      if let hop = silentHop(of: outcome, trace), missing(outcome) == nil { return .nextHopSilent(hop) }
      return complete(forwarded(outcome, flow), outcome, index, flow, &replies)
    }
  }

  /// The next hop, where the node's neighbour table says that it does not answer.
  private func silentHop(of outcome: Outcome, _ trace: Trace) -> IPAddress? {
    guard !facts.silentNeighbours.isEmpty, let (_, gateway) = trace.route(of: outcome) else { return nil }
    let hop = gateway ?? outcome.destination
    return facts.silentNeighbours.contains(hop) ? hop : nil
  }

  /// The request's fate with the gaps of the snapshot and the way back taken into account. What fails already fails.
  private func complete(
    _ fate: Fate, _ outcome: Outcome, _ index: Int, _ flow: Flow, _ replies: inout Replies
  ) -> Fate {
    if case .notListening = fate { return fate }
    if let missing = missing(outcome) { return .unsure(missing) }
    guard fate.answer.isGood else { return fate }
    return replyFate(outcome, index, flow, &replies) ?? fate
  }

  /// What the outcome needed and no dump has. A verdict of a rule that was met stands whatever is missing behind it.
  private func missing(_ outcome: Outcome) -> Fate.Missing? {
    let gaps = outcome.gaps
    if gaps.contains(.partOfRules) { return .partOfRules }
    let isFinal = outcome.verdict == .drop || outcome.verdict == .reject || outcome.verdict == .noroute
    if gaps.contains(.virtualServers) { return .virtualServers }
    if isFinal { return nil }
    if facts.snapshot.hasUnreadRules { return .partOfRules }
    let version = outcome.destination.version
    if gaps.contains(.rules) || !facts.hasRules(version) { return .rules }
    if let table = facts.snapshot.tablesNotGiven[version]?.first { return .table(table) }
    if gaps.contains(.routes) { return .routes }
    return nil
  }

  private func delivered(_ outcome: Outcome, _ trace: Trace) -> Fate {
    let flow = trace.flow
    if let port = trace.proxyPort(of: outcome) { return .served(.proxy(port: port)) }
    let (address, port) = (outcome.destination, outcome.destinationPort)
    if case .ebpf = outcome.balancer { return .served(.endpoint) }
    if facts.boundForServices.contains(address), !outcome.isTranslated,
      let service = facts.service(at: address, port, flow.ipProtocol)
    {
      return unserved(service, flow.version)
    }
    guard flow.ipProtocol.hasPorts else { return .served(.host) }
    switch facts.listener(at: address, port, flow.ipProtocol) {
    case .found(let process): return .served(.listener(process))
    case .nowhere: return .notListening(.nowhere)
    case .only(let other, let process): return .notListening(.only(other, process: process))
    case .notKnown: break
    }
    if outcome.isTranslated || facts.isEndpoint(address, port) { return .served(.endpoint) }
    if let service = facts.service(at: address, port, flow.ipProtocol) { return unserved(service, flow.version) }
    return .unsure(.sockets)
  }

  private func forwarded(_ outcome: Outcome, _ flow: Flow) -> Fate {
    let endpoint = EndpointAddress(outcome.destination, outcome.destinationPort)
    if outcome.isTranslated {
      if outcome.balancer == nil, facts.isGone(endpoint) { return .endpointGone }
    } else if let service = facts.service(at: outcome.destination, outcome.destinationPort, flow.ipProtocol) {
      return unserved(service, flow.version)
    }
    if let denial = denial(outcome, flow, endpoint) { return .forbidden(denial) }
    return outcome.isTranslated || facts.isEndpoint(endpoint.address, endpoint.port) ? .served(.endpoint) : .passes
  }

  private func unserved(_ service: Fate.ServiceAddress, _ version: IPVersion) -> Fate {
    let ruleset = tracer.model.snapshot.ruleset
    if facts.mayHaveEBPF { return .unsure(.eBPF) }
    if let table = facts.snapshot.tablesNotGiven[version]?.first { return .unsure(.table(table)) }
    return ruleset.hidesXtables || facts.snapshot.hasUnreadRules ? .unsure(.partOfRules) : .unserved(service)
  }

  /// What NetworkPolicies have against it. Where this node's own rules enforce policies, they have spoken already.
  private func denial(_ outcome: Outcome, _ flow: Flow, _ endpoint: EndpointAddress) -> String? {
    guard let names = facts.names, names.hasPolicies, !facts.ignoresPolicies else { return nil }
    let ruleset = tracer.model.snapshot.ruleset
    let enforces = outcome.steps.contains { step in PolicyChains.enforce(ruleset.name(of: step.chain)) }
    if enforces { return nil }
    readsClient = true
    return names.policyDenial(from: flow.source, to: endpoint, flow.ipProtocol)
  }

  // MARK: - The way back

  /// The walks of the answers to a trace's outcomes.
  private struct Replies {
    /// By the outcome's index, those that do not get back.
    var traces: [Int: Trace] = [:]
    /// Ends that all of them had.
    var ends = 0
    /// No more are walked than have so many ends together.
    static let limit = 1 << 14
  }

  private func replyFate(_ outcome: Outcome, _ index: Int, _ flow: Flow, _ replies: inout Replies) -> Fate? {
    guard replies.ends < Replies.limit else { return .unsure(.replies) }
    switch tracer.reply(to: outcome, of: flow) {
    case .notModelled, .passes: return nil
    case .bypasses: return .lost(.bypasses)
    case .hairpinUnmasked: return .lost(.hairpin)
    case .bridgedPast(let bridge): return .lost(.bridge(bridge))
    case .walked(let reply):
      readsClient = true
      let ends = reply.outcomes.map { end(of: $0, outcome, flow) }
      replies.ends += ends.count
      if ends.allSatisfy({ $0 == nil }) { return nil }
      replies.traces[index] = reply
      if let loss = ends[0], ends.allSatisfy({ $0 == loss }) { return .lost(loss) }
      let worlds = reply.worlds
      guard !worlds.isEmpty else { return .lost(ends.compactMap { $0 }.first ?? .stopped) }
      let results = worlds.results { shares in
        shares.contains { ends[$0.outcome] != nil && $0.chance > 1e-9 }
      }
      return results.list.count == 1 && results.isComplete
        ? results.list[0].result ? .lost(.stopped) : nil : .unsure(.replyFacts)
    }
  }

  /// What keeps one end of the reply from the client; nil: it gets there as what the client waits for.
  private func end(of reply: Outcome, _ request: Outcome, _ flow: Flow) -> Fate.Loss? {
    guard reply.verdict == .forward || reply.verdict == .deliver else { return .stopped }
    guard reply.destination == flow.source else { return .wrongAddress }
    if flow.ipProtocol.hasPorts {
      if reply.destinationPort != flow.sourcePort { return .wrongAddress }
      if let port = reply.sourcePort, port != flow.destinationPort { return .wrongAddress }
    }
    return reply.source == flow.destination ? nil : .wrongAddress
  }

  // MARK: - All outcomes together

  private struct World: Hashable {
    var answer: Answer
    var share: Double
  }

  /// `explains` false: the answer alone.
  private func combine(_ trace: Trace, _ fates: [Fate], explains: Bool = true) -> Judgement {
    let shares: [(outcome: Int, chance: Double)] = trace.outcomes.enumerated().map {
      ($0.offset, $0.element.probability)
    }
    let worlds = Set(fates.map(\.answer)).count == 1 ? nil : trace.worlds
    guard let worlds, !worlds.isEmpty else {
      let world = Self.world(shares, fates)
      return finished(world.answer, share: world.share, trace, fates)
    }
    let results = worlds.results { Self.world($0, fates).answer }
    if results.list.count == 1, results.isComplete {
      return finished(results.list[0].result, share: nil, trace, fates)
    }
    if results.isComplete, let answer = Self.overTime(results) {
      return finished(answer, share: nil, trace, fates)
    }
    var judgement = finished(.unsure, share: nil, trace, fates)
    guard explains else { return judgement }
    judgement.undecided = Self.undecided(results, trace) { $0.rawValue }
    judgement.wanted = Self.wanted(results.deciding.isEmpty ? worlds.facts : results.deciding)
    return judgement
  }

  /// Each result and the facts that lead to it, a clause each; what was not looked at is said last.
  static func undecided<Result>(
    _ results: Worlds.Results<Result>, _ trace: Trace, _ name: (Result) -> String
  ) -> [String] {
    var list: [String] =
      results.deciding.isEmpty
      ? []
      : results.list.prefix(4).map { entry in
        let condition = entry.facts.filter { results.deciding.contains($0.fact) }.map {
          printable(trace.sentence($0.fact, holds: $0.holds), limit: 120)
        }
        return "\(name(entry.result)) if \(condition.joined(separator: " and "))"
      }
    if !results.isComplete {
      list.append("\(trace.worlds.facts.count) facts that are not known have too many combinations to look at each")
    }
    return list
  }

  /// What connections fare over time, where only the moment decides (a rate, an earlier packet of the client): some of
  /// them so, some of them so. Nil: something else decides, too.
  static func overTime(_ results: Worlds.Results<Answer>) -> Answer? {
    guard !results.deciding.isEmpty, results.deciding.allSatisfy({ $0.source == .time }) else { return nil }
    let answers = results.list.map(\.result)
    if answers.contains(.unsure) { return nil }
    if answers.allSatisfy(\.isGood) { return answers.contains(.served) ? .served : .passes }
    return answers.contains { $0.isGood || $0 == .partly } ? .partly : answers[0]
  }

  /// What rounding may leave of nothing.
  private static let tiny = 1e-9

  private static func world(_ shares: [(outcome: Int, chance: Double)], _ fates: [Fate]) -> World {
    var good = 0.0
    var total = 0.0
    var worst: (answer: Answer, chance: Double) = (.dropped, -1)
    var hasServed = false
    for (outcome, chance) in shares where chance > Self.tiny {
      total += chance
      let answer = fates[outcome].answer
      if answer == .unsure { return World(answer: .unsure, share: 0) }
      if answer.isGood {
        good += chance
        hasServed = hasServed || answer == .served
      } else if chance > worst.chance {
        worst = (answer, chance)
      }
    }
    if good > total - Self.tiny { return World(answer: hasServed ? .served : .passes, share: 1) }
    return good > Self.tiny ? World(answer: .partly, share: good / total) : World(answer: worst.answer, share: 0)
  }

  private func finished(_ answer: Answer, share: Double?, _ trace: Trace, _ fates: [Fate]) -> Judgement {
    var answer = answer
    // What was cut off may end in any way.
    if trace.truncated > 0, Set(fates.map(\.answer)).count > 1 { answer = .unsure }
    var judgement = Judgement(answer: answer, why: "", fates: fates)
    judgement.share = answer == .unsure ? nil : share
    judgement.deciding =
      fates.indices.first { index in
        switch answer {
        case .partly: !fates[index].answer.isGood
        default: fates[index].answer == answer
        }
      } ?? fates.indices.first
    if let index = judgement.deciding, case .unsure(let missing) = fates[index] {
      judgement.wanted = self.wanted(missing, trace.flow)
    }
    return judgement
  }

  static func wanted(_ facts: [Fact]) -> [String] {
    var list: [String] = []
    for fact in facts {
      let text: String? =
        switch fact.source {
        case .dump(let command): command
        case .flow(let option): "\(option) of the flow"
        case .time, .program, .notModelled: nil
        }
      if let text, !list.contains(text) { list.append(text) }
    }
    return list
  }
}

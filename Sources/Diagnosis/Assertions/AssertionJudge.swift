import Findings
import Intent
import PacketPath
import Ruleset
import Snapshot
import Wire

/// Compares the trace of one flow with what an assertion says of it.
struct AssertionJudge {
  let assertion: Assertion
  let snapshot: Snapshot
  let intent: Cluster
  /// The destination is a frontend of a Service: a packet that keeps that address reaches nobody.
  let isFrontend: Bool
  /// The endpoints the assertion names; nil: any.
  let endpoints: Set<EndpointAddress>?

  /// A way in which some connections are not as they should be.
  struct Mismatch {
    /// A clause: "it is dropped by filter INPUT rule 3".
    var what: String
    var probability: Double
    /// Likely: the trace had to assume something to come here. Possible: NetworkPolicies may do what no rule here does.
    var confidence: Finding.Confidence
    var evidence: [Finding.Evidence]
  }

  private enum Fate { case arrives, strays, refused, dropped }

  func mismatches(_ trace: Trace) -> [Mismatch] {
    var found: [Mismatch] = []
    var reached: Set<EndpointAddress> = []
    for outcome in trace.outcomes {
      var denial: String?
      if fate(outcome, trace.flow) == .arrives {
        let endpoint = EndpointAddress(outcome.destination, outcome.destinationPort)
        denial = intent.policyDenial(from: trace.flow.source, to: endpoint, trace.flow.ipProtocol)
        if denial == nil { reached.insert(endpoint) }
      }
      let byRules = mismatch(outcome, trace.flow)
      guard let what = byRules.map({ described($0, denial) }) ?? denial.flatMap(stopped) else { continue }
      found.append(
        Mismatch(
          what: what, probability: outcome.probability,
          confidence: byRules == nil ? .likely : confidence(outcome, denial), evidence: evidence(outcome)))
    }
    if let endpoints, found.isEmpty {
      let missing = endpoints.subtracting(reached).sorted()
      if !missing.isEmpty {
        found.append(
          Mismatch(
            what: "no connection reaches \(missing.map(\.description).joined(separator: ", "))", probability: 1,
            confidence: .certain, evidence: []))
      }
    }
    return found
  }

  // MARK: policies

  // Whether the node's CNI enforces NetworkPolicies, and with what, rules do not tell: eBPF programs leave none.

  /// What a policy does to a connection that the rules let pass as they should.
  private func stopped(_ denial: String) -> String? {
    assertion.result == .allow ? "\(denial): dropped where the CNI enforces policies" : nil
  }

  private func described(_ mismatch: String, _ denial: String?) -> String {
    guard let denial, assertion.result != .allow else { return mismatch }
    return "\(mismatch) as far as rules go; only where the CNI enforces policies it is dropped: \(denial)"
  }

  private func confidence(_ outcome: Outcome, _ denial: String?) -> Finding.Confidence {
    if denial != nil, assertion.result == .drop || assertion.result == .deny { return .possible }
    return outcome.isAssumed ? .likely : .certain
  }

  // MARK: rules

  /// Nil: it is as the assertion says.
  private func mismatch(_ outcome: Outcome, _ flow: Flow) -> String? {
    let fate = fate(outcome, flow)
    switch (assertion.result, fate) {
    case (.refuse, .refused), (.drop, .dropped), (.deny, .refused), (.deny, .dropped): return nil
    case (.allow, .arrives): break
    case (_, .arrives):
      return "it reaches \(EndpointAddress(outcome.destination, outcome.destinationPort))"
    case (_, .strays): return "nothing translates it: it goes on to the Service's own address"
    case (_, .refused):
      return outcome.verdict == .deliver
        ? "nobody listens on port \(outcome.destinationPort) of the node" : "it is refused" + place(outcome)
    case (_, .dropped): return "it is dropped" + place(outcome)
    }
    let endpoint = EndpointAddress(outcome.destination, outcome.destinationPort)
    if let endpoints, !endpoints.contains(endpoint) {
      return "it reaches \(endpoint), which is not among the endpoints"
    }
    switch assertion.sourceAddress {
    case .kept where outcome.source != flow.source: return "the client's address becomes \(outcome.source)"
    case .masqueraded where outcome.sourceRule == nil: return "the client's address \(flow.source) is kept"
    default: return nil
    }
  }

  private func fate(_ outcome: Outcome, _ flow: Flow) -> Fate {
    switch outcome.verdict {
    case .reject: return .refused
    case .drop, .noroute: return .dropped
    case .forward, .deliver:
      if outcome.verdict == .deliver, nobodyListens(outcome, flow.ipProtocol) { return .refused }
      let isTranslated =
        outcome.destination != flow.destination || outcome.destinationPort != flow.destinationPort
        || outcome.destinationRule != nil
      return isFrontend && !isTranslated ? .strays : .arrives
    }
  }

  /// True only where the snapshot lists the listening sockets of the protocol, and none takes the packet.
  private func nobodyListens(_ outcome: Outcome, _ ipProtocol: IPProtocol) -> Bool {
    guard ipProtocol == .tcp || ipProtocol == .udp, let sockets = snapshot.sockets else { return false }
    let open = sockets.filter {
      $0.protocol.hasPrefix(ipProtocol.description) && ($0.state == "LISTEN" || $0.state == "UNCONN")
    }
    return !open.isEmpty
      && !open.contains {
        $0.localPort == outcome.destinationPort && ($0.localAddress ?? outcome.destination) == outcome.destination
      }
  }

  /// " by filter INPUT rule 3", or why the routing decision ended it.
  private func place(_ outcome: Outcome) -> String {
    if let reason = outcome.reason { return ": \(reason)" }
    guard let step = outcome.steps.last else { return "" }
    let ruleset = snapshot.ruleset
    let table = ruleset[ruleset[step.chain].table].name
    let rule = step.rule == nil ? "the policy" : "rule \(step.position)"
    return " by \(rule) of \(table) \(printable(ruleset.name(of: step.chain)))"
  }

  private func evidence(_ outcome: Outcome) -> [Finding.Evidence] {
    switch outcome.verdict {
    case .drop, .reject: return outcome.steps.last.map { snapshot.evidence(of: $0) } ?? []
    case .noroute: return []
    case .forward, .deliver:
      return [outcome.destinationRule, outcome.sourceRule].compactMap { $0 }.flatMap { snapshot.evidence(of: $0) }
    }
  }
}

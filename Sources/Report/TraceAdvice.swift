import Findings
import PacketPath
import Snapshot

/// What to do about a flow that does not arrive: from the rule or decision that ended it.
enum TraceAdvice {
  static func of(_ trace: Trace, _ snapshot: Snapshot) -> [Fix] {
    var lines: [Fix] = []
    var seen = Set<Fix>()
    for group in OutcomeGroup.of(trace.outcomes).prefix(4) {
      for line in advice(trace.outcomes[group.first], trace.flow, snapshot) where seen.insert(line).inserted {
        lines.append(line)
      }
    }
    return lines
  }

  private static func advice(_ outcome: Outcome, _ flow: Flow, _ snapshot: Snapshot) -> [Fix] {
    if outcome.verdict == .drop || outcome.verdict == .reject, outcome.reason != nil,
      let balancer = BalancerText(outcome, snapshot)
    {
      return [
        .advice(
          "\(balancer.frontend) has nobody to send it to (\(balancer.place)). Look at the Service's endpoints and at what wrote the table."
        )
      ]
    }
    return OutcomeAdvice.of(outcome, flow, snapshot)
  }
}

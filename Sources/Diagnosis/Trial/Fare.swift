import Intent
import PacketPath
import Snapshot

/// How a flow fares, as far as trials compare it.
public struct Fare: Sendable, Hashable {
  public enum Kind: String, Sendable { case arrives, partly, refused, dropped, unserved, unsure }

  public var kind: Kind
  /// One clause: by what.
  public var why: String

  public var isGood: Bool { kind == .arrives }

  public init(_ trace: Trace, _ snapshot: Snapshot) {
    let good = trace.outcomes.filter { Self.arrives($0) }
    let share = good.reduce(0) { $0 + $1.probability }
    guard let worst = trace.outcomes.first(where: { !Self.arrives($0) }) else {
      kind = trace.outcomes.isEmpty ? .unsure : .arrives
      why = good.first.map { "at \(EndpointAddress($0.destination, $0.destinationPort))" } ?? "nothing is known"
      return
    }
    why = Self.reason(worst, snapshot)
    if worst.isAssumed, share > 0 {
      kind = .unsure
    } else if share > 1e-6 {
      kind = .partly
    } else {
      kind = worst.verdict == .reject ? .refused : worst.verdict == .forward ? .unserved : .dropped
    }
  }

  private static func arrives(_ outcome: Outcome) -> Bool {
    switch outcome.verdict {
    case .deliver: true
    case .forward: outcome.unservedBy == nil
    case .drop, .reject, .noroute: false
    }
  }

  private static func reason(_ outcome: Outcome, _ snapshot: Snapshot) -> String {
    if let reason = outcome.reason { return "\(reason)" }
    if let service = outcome.unservedBy { return "no rule serves \(printable(service))" }
    guard let step = outcome.steps.last else { return "it is not delivered" }
    let ruleset = snapshot.ruleset
    let chain = "\(printable(ruleset[ruleset[step.chain].table].name)) \(printable(ruleset.name(of: step.chain)))"
    return step.rule == nil ? "the policy of \(chain)" : "rule \(step.position) of \(chain)"
  }
}

import Ruleset
import Snapshot

extension Trace {
  /// The port of the socket that a TPROXY rule gave a delivered packet to, whatever its own address and port say; nil: none
  /// did.
  public func proxyPort(of outcome: Outcome) -> UInt16? {
    let ruleset = model.ruleset
    guard outcome.verdict == .deliver, !ruleset.transparentProxies.isEmpty else { return nil }
    var port: UInt16?
    for step in outcome.steps {
      guard let rule = step.rule, let proxy = ruleset.transparentProxy(of: rule) else { continue }
      port = proxy.port == 0 ? flow.destinationPort : proxy.port
    }
    return port
  }
}

extension Ruleset {
  /// What a rule's TPROXY does; nil: it has none.
  public func transparentProxy(of rule: RuleID) -> TransparentProxy? {
    for clause in clauses(of: self[rule]) {
      if case .statement(.transparentProxy(let id)) = clause { return transparentProxies[Int(id.index)] }
    }
    return nil
  }
}

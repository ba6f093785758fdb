import Intent
import Ruleset
import ServiceMap
import Wire

/// A chain that translates to one endpoint: KUBE-SEP-… or endpoint-….
struct EndpointChain {
  /// Nil: it translates to nothing.
  var endpoint: EndpointAddress?
  /// The rule that translates.
  var rule: RuleID?
  /// It marks the endpoint's own packets, so that their answers come back through the node.
  var marksItself: Bool
  /// It notes its clients, for session affinity.
  var remembers = false

  /// Nil: by its name it is none, or it is empty.
  init?(_ chain: ChainID, _ ruleset: borrowing Ruleset) {
    let declared = ruleset[chain]
    guard declared.ruleCount > 0,
      ruleset.names.name(declared.name, hasPrefix: "KUBE-SEP-")
        || ruleset.names.name(declared.name, hasPrefix: "endpoint-")
    else { return nil }
    var marked: IPPrefix?
    for position in 0..<Int(declared.ruleCount) {
      let id = ruleset.rule(at: position, of: declared)
      let facts = RuleFacts(id, in: ruleset)
      if facts.remembers { remembers = true }
      if let found = facts.endpoint, endpoint == nil {
        endpoint = found
        rule = id
      } else if facts.target != nil || facts.setsMark != 0, let source = facts.source {
        marked = source
      }
    }
    marksItself = endpoint.map { marked == IPPrefix($0.address, length: $0.address.version.width) } ?? false
  }
}

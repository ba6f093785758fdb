import Findings
import Intent
import Ruleset
import Wire

/// kube-router: the chain that filters a Pod's traffic is called for an address that belongs to another Pod by now, or to
/// none.
enum StalePodFirewall: Check {
  static let id = "stale-pod-firewall"

  static func run(_ context: CheckContext) -> [Finding] {
    guard !context.intent.pods.isEmpty else { return [] }
    return context.nodes.flatMap { node -> [Finding] in
      let ruleset = node.snapshot.ruleset
      var seen: Set<IPAddress> = []
      return ruleset.rules.indices.compactMap { index -> Finding? in
        guard let address = address(calling: "KUBE-POD-FW-", ruleset.rules[index], ruleset) else { return nil }
        let text = ruleset.text(of: ruleset.rules[index])
        guard let named = pod(in: text), seen.insert(address).inserted else { return nil }
        let owner = context.intent.podOfAddress[address].map { context.intent.pods[$0] }
        guard owner.map({ "\($0.namespace)/\($0.name)" }) != named else { return nil }
        guard let owner else { return nil }
        return Finding(
          id: id, severity: .error, confidence: .likely, subject: node.subject,
          problem:
            "Pod \(owner.namespace)/\(owner.name) on \(node.name) is filtered by the rules of \(named), which had its address \(address) before",
          cause: "kube-router's chains of a Pod that is gone are left, and the address was given to another Pod",
          evidence: context.evidence(RuleID(index), node),
          fix: [.advice("restart kube-router on \(node.name): it writes its chains anew")],
          verify: [node.checkCommand(id)])
      }
    }
  }

  /// The address of a rule that sends packets to or from it to a chain of that kind.
  private static func address(calling prefix: String, _ rule: Rule, _ ruleset: Ruleset) -> IPAddress? {
    var address: IPAddress?
    var calls = false
    for clause in ruleset.clauses(of: rule) {
      switch clause {
      case .match(let match):
        if case .equal(let field, let value, .max) = match.test, field == .source || field == .destination,
          !match.negated
        {
          address = IPAddress(v4: value)
        }
      case .statement(.jump(let chain)): calls = calls || ruleset.name(of: chain).hasPrefix(prefix)
      default: break
      }
    }
    return calls ? address : nil
  }

  /// `… POD name:web-0 namespace: shop …`, as kube-router's comments have it.
  private static func pod(in text: String) -> String? {
    func word(behind key: String) -> Substring? {
      guard let range = text.firstRange(of: key) else { return nil }
      let rest = text[range.upperBound...].drop { $0 == " " }
      let word = rest.prefix { $0 != " " && $0 != "\"" }
      return word.isEmpty ? nil : word
    }
    guard let name = word(behind: "name:"), let namespace = word(behind: "namespace:") else { return nil }
    return "\(namespace)/\(name)"
  }
}

import Findings
import PacketPath
import Ruleset
import ServiceMap

/// Packets that were sent to an endpoint die in a filter chain of the node, by its policy or a rule of a host firewall.
enum ForwardDrop: Check {
  static let id = "forward-drop"

  static func run(_ context: CheckContext) -> [Finding] {
    context.missingRules(id)
      + Losses.collect(context) { loss, chain in
        loss.step != nil && loss.verdict != .noroute && !NetworkPolicyDrop.isPolicyChain(chain)
          && Losses.kernelReason(loss) == nil
      }
      .map { entry in
        let hook = entry.loss.step!.hook
        return Finding(
          id: id, severity: .error, confidence: .certain,
          subject: entry.node.subject,
          problem:
            "\(entry.count) Service frontends fail on \(entry.node.name) behind translation, e.g. \(entry.example)",
          cause:
            "chain \(context.chainName(entry.loss.step, entry.node)) drops at hook \(hook.rawValue) what Service rules do not accept"
            + (hook == .forward
              ? " ← policy DROP of a host firewall (Docker, ufw, firewalld), and nothing accepts Pod traffic" : ""),
          evidence: context.evidence(entry.loss.step, entry.node),
          fix: hook == .forward
            ? ["iptables -P FORWARD ACCEPT  # or accept the Pods' address range in both directions"]
            : ["accept the endpoint's port in chain \(context.chainName(entry.loss.step, entry.node))"],
          verify: ["kubepath check -s \(entry.node.name) --only forward-drop"], reference: "kubernetes/kubernetes#39823"
        )
      }
  }
}

/// Losses behind translation, counted by the rule that ends them.
enum Losses {
  struct Entry {
    var node: NodeContext
    var loss: Reach.Loss
    var count: Int
    var example: String
  }

  static func collect(_ context: CheckContext, where holds: (Reach.Loss, String) -> Bool) -> [Entry] {
    var entries: [Entry] = []
    for node in context.nodes {
      var index: [String: Int] = [:]
      for observation in node.observations where observation.faults.contains(.lostBehind) {
        for loss in observation.reach.losses where loss.translatedTo != nil {
          let chain = context.chainName(loss.step, node)
          guard holds(loss, chain) else { continue }
          let key = "\(chain) \(loss.step?.position ?? -1) \(loss.step?.hook.rawValue ?? "") \(loss.detail ?? "")"
          if let at = index[key] {
            entries[at].count += 1
          } else {
            index[key] = entries.count
            entries.append(
              Entry(
                node: node, loss: loss, count: 1,
                example: "\(observation.frontend) from \(observation.origin.rawValue) to \(loss.translatedTo!)"))
          }
          break
        }
      }
    }
    return entries
  }

  /// What the kernel itself refuses, by the walk's detail.
  static func kernelReason(_ loss: Reach.Loss) -> String? {
    guard let detail = loss.detail else { return nil }
    if detail.contains("forward") { return "ip-forward-off" }
    if detail.contains("rp_filter") || detail.contains("reverse path") || detail.contains("martian") {
      return "reverse-path-filter"
    }
    return "route"
  }
}

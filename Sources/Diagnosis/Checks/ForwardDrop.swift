import Findings
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// Packets that were sent to an endpoint die in a filter chain of the node, by its policy or a rule of a host firewall.
enum ForwardDrop: Check {
  static let id = "forward-drop"

  static func run(_ context: CheckContext) -> [Finding] {
    context.missingRules(id)
      + Losses.collect(context) { loss, chain in
        loss.step != nil && loss.verdict != .noroute && !NetworkPolicyDrop.isPolicyChain(chain)
          && Losses.kernelReason(loss) == nil
      }
      .map { finding($0, context) }
  }

  private static func finding(_ entry: Losses.Entry, _ context: CheckContext) -> Finding {
    let step = entry.loss.step!
    let ruleset = entry.node.snapshot.ruleset
    let name = context.chainName(step, entry.node)
    let chain = printable(name)
    let endpoint = entry.loss.translatedTo!
    let table = ruleset[ruleset[step.chain].table]
    let accept = OutcomeAdvice.acceptance(
      of: entry.ipProtocol, from: nil, to: endpoint.address, endpoint.port, at: step, ruleset)
    let cause: String
    var fix: [Fix]
    if step.rule == nil {
      cause =
        "no rule of \(printable(table.name)) \(chain) (hook \(step.hook.rawValue)) accepts it, and the chain's policy is DROP ← a host firewall"
        + (step.hook == .forward ? " (Docker, ufw, firewalld) that does not know the Pods" : "")
      fix = [
        .command(accept, why: "better for the Pods' whole range, both ways"),
        .command(
          table.backend == .nft
            ? "nft chain \(table.family.rawValue) \(table.name) \(name) '{ policy accept; }'"
            : "\(endpoint.address.version == .v4 ? "iptables" : "ip6tables") -t \(table.name) -P \(name) ACCEPT",
          why: "or accept all that no rule drops"),
      ]
    } else {
      cause =
        "rule \(step.position) of \(printable(table.name)) \(chain) (hook \(step.hook.rawValue)) \(entry.loss.verdict == .reject ? "rejects" : "drops") it"
      fix = [
        .advice(
          "see whether the rule is meant to stop Pod traffic, and delete it where it stands in the firewall's configuration"
        ),
        .command(accept, why: "before the rule; better for the Pods' whole range, both ways"),
      ]
    }
    return Finding(
      id: id, severity: .error, confidence: entry.confidence, subject: entry.node.subject,
      problem:
        "\(entry.count == 1 ? "1 Service frontend fails" : "\(entry.count) Service frontends fail") on \(entry.node.name) behind translation, e.g. \(entry.example)",
      cause: cause, evidence: context.evidence(step, entry.node), fix: fix,
      verify: [entry.node.checkCommand("forward-drop")], reference: "kubernetes/kubernetes#39823"
    )
  }
}

/// Losses behind translation, counted by the rule that ends them.
enum Losses {
  struct Entry {
    var node: NodeContext
    var loss: Reach.Loss
    var frontends: Set<Frontend>
    var example: String
    /// Of the first.
    var ipProtocol: IPProtocol

    /// Some loss rests on no assumption.
    var isCertain: Bool

    var count: Int { frontends.count }
    var confidence: Finding.Confidence { isCertain ? .certain : .likely }
  }

  static func collect(_ context: CheckContext, where holds: (Reach.Loss, String) -> Bool) -> [Entry] {
    var entries: [Entry] = []
    for node in context.nodes {
      var index: [String: Int] = [:]
      for observation in node.observations where observation.faults.contains(.lostBehind) {
        for loss in observation.reach.losses where loss.translatedTo != nil {
          let chain = context.chainName(loss.step, node)
          guard holds(loss, chain) else { continue }
          let place = "\(chain) \(loss.step?.position ?? -1) \(loss.step?.hook.rawValue ?? "")"
          let key = "\(place) \(loss.reason.map { "\($0)" } ?? "")"
          if let at = index[key] {
            entries[at].frontends.insert(observation.frontend)
            if !observation.reach.isUncertain { entries[at].isCertain = true }
          } else {
            index[key] = entries.count
            entries.append(
              Entry(
                node: node, loss: loss, frontends: [observation.frontend],
                example: "\(observation.frontend) from \(observation.origin.rawValue) to \(loss.translatedTo!)",
                ipProtocol: observation.frontend.ipProtocol, isCertain: !observation.reach.isUncertain))
          }
          break
        }
      }
    }
    return entries
  }

  /// The check for what the kernel itself refuses; nil: a rule did.
  static func kernelReason(_ loss: Reach.Loss) -> String? {
    switch loss.reason {
    case nil: nil
    case .forwardingOff: "ip-forward-off"
    case .reversePath, .martian: "reverse-path-filter"
    default: "route"
    }
  }
}

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
    let chain = printable(context.chainName(step, entry.node))
    let table = ruleset[ruleset[step.chain].table]
    let isOfLinks = table.family == .bridge || table.family == .netdev
    let place =
      "\(isOfLinks ? "\(table.family.rawValue) " : "")\(printable(table.name)) \(chain) (hook \(step.hook.rawValue))"
    let remedy = Remedy(at: step, entry.node.snapshot, context.intent)
    let cause =
      step.rule == nil
      ? "no rule of \(place) accepts it, and the chain's policy is DROP ← \(remedy.owner.rawValue)"
        + (step.hook == .forward ? ", which does not know the Pods" : "")
      : "rule \(step.position) of \(place) \(entry.loss.verdict == .reject ? "rejects" : "drops") it ← \(remedy.owner.rawValue)"
    var fix = remedy.fixes(for: entry.passages)
    if step.rule != nil, remedy.owner == .operators {
      fix.insert(
        .advice(
          "see whether the rule is meant to stop this traffic, and delete it in the firewall's configuration if not"),
        at: 0)
    }
    return Finding(
      id: id, severity: entry.severity, confidence: entry.confidence, subject: entry.node.subject,
      problem:
        "\(entry.count == 1 ? "1 Service frontend fails" : "\(entry.count) Service frontends fail") on \(entry.node.name) behind translation, e.g. \(entry.example)",
      cause: cause, evidence: context.evidence(step, entry.node), fix: fix,
      verify: [entry.node.checkCommand("forward-drop")], reference: "kubernetes/kubernetes#39823",
      occurrences: entry.observations.map { context.occurrence($0, entry.node) })
  }
}

/// Losses behind translation, counted by the rule that ends them.
enum Losses {
  struct Entry {
    var node: NodeContext
    var loss: Reach.Loss
    var frontends: Set<Frontend>
    var example: String
    var observations: [Observation]

    /// Some loss rests on no assumption.
    var isCertain: Bool

    var count: Int { frontends.count }

    /// Nobody outside dials a ClusterIP in earnest.
    var severity: Finding.Severity {
      observations.allSatisfy { $0.origin == .outside && $0.frontend.kind == .clusterIP } ? .info : .error
    }

    /// What is lost, as the rule meets it.
    var passages: [Remedy.Passage] {
      observations.flatMap { observation in
        observation.reach.losses.filter { $0.step == loss.step }.compactMap(\.translatedTo).map {
          Remedy.Passage(
            ipProtocol: observation.frontend.ipProtocol, source: observation.source, destination: $0.address,
            port: $0.port)
        }
      }
    }
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
            entries[at].observations.append(observation)
            if !observation.reach.isUncertain { entries[at].isCertain = true }
          } else {
            index[key] = entries.count
            entries.append(
              Entry(
                node: node, loss: loss, frontends: [observation.frontend],
                example: "\(observation.frontend) from \(observation.origin.rawValue) to \(loss.translatedTo!)",
                observations: [observation], isCertain: !observation.reach.isUncertain))
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
    case .bridge(.hairpinOff): "hairpin"
    case .bridge: "bridge-port"
    default: "route"
    }
  }
}

import CaptureAnalysis
import Findings
import Intent
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// Completes the finding of a failing conversation with the rule or routing decision that makes it fail, or with how far
/// the rules let it pass.
struct RuleExplanation {
  private let join: CaptureJoin
  private let failed: [FailedConversation]

  init(_ join: CaptureJoin, _ failed: [FailedConversation]) {
    self.join = join
    self.failed = failed
  }

  func complete(_ finding: Finding) -> Finding {
    guard let name = finding.subject.name, let address = IPAddress(name) else { return finding }
    let port = finding.subject.port.flatMap { UInt16($0) }
    let same = failed.filter { $0.server == address && (port == nil || $0.serverPort == port) }
    switch finding.id {
    case "syn-unanswered", "dns-unanswered": return stopped(finding, same.filter { $0.failure == .unanswered })
    case "connection-refused": return stopped(finding, same.filter { $0.failure == .refused })
    case "rejected-by-icmp":
      return stopped(finding, same.filter { if case .rejected = $0.failure { true } else { false } })
    case "reply-not-translated": return untranslated(finding, same)
    default: return finding
    }
  }

  // MARK: what stops it

  private func stopped(_ finding: Finding, _ conversations: [FailedConversation]) -> Finding {
    var passing: ConversationTrace.Ending?
    for conversation in conversations.prefix(4) {
      let endings = ConversationTrace.endings(conversation, join.nodes)
      let stops = endings.filter { $0.stops && explains($0.outcome, conversation.failure) }
      if let worst = stops.first {
        return explained(finding, by: worst, share: stops.reduce(0) { $0 + $1.share }, conversation)
      }
      passing = passing ?? endings.first { !$0.stops }
    }
    guard let passing else { return finding }
    return passed(finding, passing)
  }

  /// Whether an end of the walk looks on the wire as the conversation did.
  private func explains(_ outcome: Outcome, _ failure: FailedConversation.Failure) -> Bool {
    switch failure {
    case .unanswered: outcome.verdict != .forward && outcome.verdict != .deliver
    case .refused: outcome.verdict == .reject && outcome.rejectWith?.contains("reset") == true
    case .rejected:
      outcome.verdict == .noroute || outcome.verdict == .reject && outcome.rejectWith?.contains("reset") != true
    case .answeredBy: false
    }
  }

  private func explained(
    _ finding: Finding, by ending: ConversationTrace.Ending, share: Double, _ conversation: FailedConversation
  ) -> Finding {
    var finding = finding
    let node = printable(ending.node.name)
    let outcome = ending.outcome
    let ruleset = ending.node.snapshot.ruleset
    let step = outcome.verdict == .noroute ? nil : outcome.steps.last
    let verb =
      switch outcome.verdict {
      case .drop: "drops"
      case .reject: "rejects"
      default: "does not route"
      }
    var place = outcome.reason.map { "\($0)" } ?? ""
    if let step { place = "\(Self.place(step, ruleset))\(location(step, ruleset).map { " (\($0))" } ?? "")" }
    finding.cause = "\(node) \(verb) it: \(place)"
    if share < 0.999 { finding.cause += ", for \(Int((share * 100).rounded()))% of such connections" }
    if let service = ServiceLabel.of(outcome.steps, in: ruleset) {
      finding.cause += " ← \(reason(service, step, ruleset))"
    } else if outcome.destination != conversation.server {
      finding.cause += " ← after translation to \(EndpointAddress(outcome.destination, outcome.destinationPort))"
    }
    finding.confidence = !outcome.isAssumed && share > 0.999 ? .certain : .likely
    finding.subject.node = ending.node.name
    var proof: [Finding.Evidence] = []
    if let step { proof += ending.node.snapshot.evidence(of: step) }
    proof += outcome.assumptions.prefix(3).map { .init(text: "assumed: \(printable($0))") }
    add(proof, to: &finding)
    let advice = TraceFindings.fixes(of: outcome, ending.flow, ending.node.snapshot, join.intent)
    if !advice.isEmpty { finding.fix = advice }
    let traced = Frontend(.address, conversation.server, conversation.serverPort, conversation.proto)
    finding.verify = [
      traced.traceCommand(from: conversation.client, on: ending.node.name)
    ]
    return finding
  }

  /// `filter KUBE-FORWARD rule 3`, or the policy of a base chain.
  private static func place(_ step: Step, _ ruleset: Ruleset) -> String {
    let chain = ruleset[step.chain]
    let label = "\(printable(ruleset[chain.table].name)) \(printable(ruleset.name(of: step.chain)))"
    return step.rule == nil ? "policy of \(label)" : "\(label) rule \(step.position)"
  }

  private func location(_ step: Step, _ ruleset: Ruleset) -> String? {
    guard let id = step.rule else { return nil }
    let rule = ruleset[id]
    guard Int(rule.file) < ruleset.files.count, rule.line > 0 else { return nil }
    let name = ruleset.files[Int(rule.file)].name.split(separator: "/").last.map(String.init) ?? ""
    return "\(printable(name)):\(rule.line)"
  }

  /// What the rules and objects say of the Service behind it.
  private func reason(_ label: String, _ step: Step?, _ ruleset: Ruleset) -> String {
    let name = String(label.prefix { $0 != ":" })
    let text = step?.rule.map { ruleset.sourceText(of: ruleset[$0]) } ?? ""
    if text.contains("no local endpoints") {
      return "Service \(printable(label)) has no endpoint on this node and its traffic policy is Local"
    }
    guard let service = join.intent.service(name) else {
      return text.contains("no endpoints")
        ? "Service \(printable(label)) has no endpoints" : "it belongs to Service \(printable(label))"
    }
    let port = service.ports.first { service.portName($0) == label } ?? service.ports.first
    guard let port, let version = service.clusterIPs.first?.version else { return "Service \(printable(label))" }
    let selection = EndpointSelection(join.intent, service, port, version, node: nil)
    if !selection.cluster.isEmpty {
      return text.contains("no endpoints")
        ? "stale rules: Service \(printable(label)) has \(selection.cluster.count) usable endpoints by now"
        : "it belongs to Service \(printable(label))"
    }
    return "Service \(printable(label)) has no usable endpoint"
      + (selection.known.isEmpty ? "" : " (\(selection.known.count) known, none ready)")
  }

  // MARK: what lets it pass

  private func passed(_ finding: Finding, _ ending: ConversationTrace.Ending) -> Finding {
    var finding = finding
    let outcome = ending.outcome
    let end = EndpointAddress(outcome.destination, outcome.destinationPort)
    let node = printable(ending.node.name)
    let translated =
      outcome.destination != ending.flow.destination || outcome.destinationPort != ending.flow.destinationPort
    let proof = outcome.destinationRule.map { ending.node.snapshot.evidence(of: $0) } ?? []
    let way =
      outcome.verdict == .deliver ? "to a socket of its own" : "out of \(printable(outcome.outInterface ?? "?"))"
    add(
      [.init(text: "the rules of \(node) let it pass\(translated ? ", translated to \(end)," : "") \(way)")] + proof,
      to: &finding)
    let delivered = outcome.verdict == .deliver
    switch finding.id {
    case "connection-refused":
      finding.cause =
        "nobody listens at \(end), to which the rules of \(node) lead ← the process is down, on another port, or on 127.0.0.1 only"
    case "rejected-by-icmp": finding.cause += "; no rule of \(node) does"
    default:
      finding.cause =
        delivered
        ? "no rule of \(node) stops it on its way to a socket there ← nothing listens, or the answer takes another way"
        : "lost behind \(node), no rule of which stops it ← the host of \(end) is down or discards it, or its answer takes "
          + "another way"
    }
    return finding
  }

  // MARK: answers that are not translated back

  private func untranslated(_ finding: Finding, _ conversations: [FailedConversation]) -> Finding {
    for conversation in conversations {
      guard case .answeredBy(let address, let port) = conversation.failure else { continue }
      let endings = ConversationTrace.endings(conversation, join.nodes)
      let chosen = endings.first { $0.outcome.destination == address && $0.outcome.destinationPort == port }
      guard let chosen else { continue }
      return untranslated(finding, chosen, answer: address, conversation)
    }
    return finding
  }

  private func untranslated(
    _ finding: Finding, _ ending: ConversationTrace.Ending, answer: IPAddress, _ conversation: FailedConversation
  ) -> Finding {
    var finding = finding
    let node = printable(ending.node.name)
    let snapshot = ending.node.snapshot
    var proof = ending.outcome.destinationRule.map { snapshot.evidence(of: $0) } ?? []
    let shared =
      ending.node.nearness(of: answer) == .attached && ending.node.nearness(of: conversation.client) == .attached
    let masqueraded = ending.outcome.sourceRule != nil
    if shared, !masqueraded, let value = snapshot.sysctlInt("net.bridge.bridge-nf-call-iptables"), value == 0 {
      finding.cause =
        "\(node) translates the destination, but the answer passes its bridge without iptables: net.bridge.bridge-nf-call-iptables is 0"
      proof.append(.init(text: "\(node): net.bridge.bridge-nf-call-iptables = 0"))
      finding.fix = [.command("modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1")]
      finding.confidence = .certain
    } else if !masqueraded {
      finding.cause =
        "\(node) translates the destination and keeps the source, so \(answer) answers the client directly "
        + "and the answer does not come back through \(node) ← no masquerade for this client, and a way back that avoids the node"
      finding.fix = [
        .advice(
          "masquerade this traffic (kube-proxy --cluster-cidr, detectLocalMode), or route the answer back through \(node)"
        )
      ]
    } else {
      finding.cause =
        "the rules of \(node) translate and masquerade it, yet the answer came back bare ← conntrack called it INVALID, "
        + "or the rules were not in force at the time"
    }
    finding.subject.node = ending.node.name
    add(proof, to: &finding)
    return finding
  }

  // MARK: parts

  /// Before the display filter, which stays last.
  private func add(_ evidence: [Finding.Evidence], to finding: inout Finding) {
    let at = finding.evidence.firstIndex { $0.filter != nil } ?? finding.evidence.endIndex
    finding.evidence.insert(contentsOf: evidence, at: at)
  }
}

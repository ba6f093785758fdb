import Diagnosis
import Findings
import PacketPath
import Ruleset
import Snapshot
import Wire

/// A trace for people: the verdict first, then where the packet's addresses change, the rules that decided, and what
/// to do if it fails. At most 100 columns.
public struct TraceText {
  let ruleset: Ruleset
  let snapshot: Snapshot
  let style: Style
  /// All steps of all outcomes instead of the deciding ones.
  let wide: Bool
  /// What an address is called where objects tell; empty: nothing.
  let name: (IPAddress) -> String?

  public init(
    _ snapshot: Snapshot, style: Style, wide: Bool = false, name: @escaping (IPAddress) -> String? = { _ in nil }
  ) {
    ruleset = snapshot.ruleset
    self.snapshot = snapshot
    self.style = style
    self.wide = wide
    self.name = name
  }

  /// `findings`: the causes, as `check` would name them.
  public func render(_ trace: Trace, _ judgement: Judgement, findings: [Finding] = []) -> String {
    var out: [String] = []
    let groups = Ending.all(trace, first: judgement.deciding)
    out.append(contentsOf: headline(trace, judgement))
    out += CauseText(style: style).lines(findings)
    out.append("")
    if let first = groups.first { out.append(contentsOf: journey(first.outcome, trace)) }
    out.append(contentsOf: endings(groups, trace))
    if wide {
      for (number, outcome) in trace.outcomes.enumerated() {
        out.append("")
        let share = trace.worlds.isEmpty ? "\(percent(outcome.probability)), " : ""
        out.append(style.bold("Rules of outcome \(number + 1) (\(share)\(result(outcome)))"))
        out.append(contentsOf: rules(outcome.steps))
      }
    } else if let first = groups.first {
      out.append("")
      out.append(style.bold("Deciding rules") + (groups.count > 1 ? style.dim("  of the first ending") : ""))
      let deciding = first.outcome.steps.filter { decides($0) }
      out.append(contentsOf: rules(deciding))
      if deciding.isEmpty { out.append("  none: no rule that matched did more than let the packet go on") }
    }
    let assumptions = Set(trace.outcomes.flatMap(\.assumptions)).sorted()
    out += list("Assumed", "because neither the flow nor the snapshot tells", assumptions)
    if trace.truncated > 0 {
      out.append("")
      out.append(style.warn("\(trace.truncated) branches were not followed: too many"))
    }
    return out.joined(separator: "\n") + "\n"
  }

  /// Outcomes that end alike, as the first of them.
  private struct Ending {
    var outcome: Outcome
    /// Nil: it hangs on what is not known.
    var share: Double?
    /// What must be so for it, one clause each.
    var conditions: [String]

    /// The likeliest first, before all the one that the answer is about.
    static func all(_ trace: Trace, first: Int?) -> [Ending] {
      var groups = OutcomeGroup.of(trace.outcomes)
      if let first, let at = groups.firstIndex(where: { $0.members.contains(first) }) {
        groups.insert(groups.remove(at: at), at: 0)
      }
      return groups.map { group in
        guard !trace.worlds.isEmpty else {
          return Ending(outcome: trace.outcomes[group.first], share: group.probability, conditions: [])
        }
        let condition = trace.worlds.condition(of: Set(group.members))
        return Ending(
          outcome: trace.outcomes[group.first], share: condition.chance,
          conditions: condition.facts.map { trace.sentence($0.fact, holds: $0.holds) })
      }
    }
  }

  // MARK: - Parts

  private func headline(_ trace: Trace, _ judgement: Judgement) -> [String] {
    let word = judgement.answer.rawValue.uppercased()
    let mark =
      switch judgement.answer {
      case .served, .passes: style.good(word)
      case .unsure: style.warn(word)
      default: style.bad(word)
      }
    let entry = trace.flow.isLocal ? "sent by the node itself" : "entering by \(printable(trace.flow.from))"
    var lines = wrapped("\(mark)  \(judgement.why)", 100)
    lines.append(
      style.dim(
        "on \(printable(snapshot.name)): \(trace.flow.ipProtocol) \(endpoints(trace.flow)), \(entry)"
          + (judgement.service.map { "  (\(printable($0)))" } ?? "")))
    if !judgement.wanted.isEmpty { lines.append("to settle it, give: \(judgement.wanted.joined(separator: "; "))") }
    return lines
  }

  func result(_ outcome: Outcome) -> String {
    switch outcome.verdict {
    case .forward: "forwarded to \(endpoint(outcome))\(outcome.outInterface.map { " by \(printable($0))" } ?? "")"
    case .deliver: "delivered at \(endpoint(outcome))"
    case .drop: "dropped by \(outcome.steps.last.map(place) ?? "the kernel")\(outcome.reason.map { ": \($0)" } ?? "")"
    case .reject: "rejected (\(outcome.rejectWith ?? "")) by \(refuser(outcome))"
    case .noroute: outcome.reason.map { "\($0)" } ?? "no route"
    }
  }

  private func endpoints(_ flow: Flow) -> String {
    socket(flow.source, flow.ipProtocol.hasPorts ? flow.sourcePort : nil, flow) + " → "
      + socket(flow.destination, flow.ipProtocol.hasPorts ? flow.destinationPort : nil, flow)
  }

  private func endpoint(_ outcome: Outcome) -> String {
    let text = socket(outcome.destination, outcome.destinationPort, nil)
    return name(outcome.destination).map { "\(text) (\(printable($0)))" } ?? text
  }

  private func socket(_ address: IPAddress, _ port: UInt16?, _ flow: Flow?) -> String {
    let host = address.version == .v6 && port != nil && port != 0 ? "[\(address)]" : "\(address)"
    guard let port, port != 0 || flow != nil else { return host }
    return "\(host):\(port)"
  }

  /// The packet's addresses where they change.
  private func journey(_ outcome: Outcome, _ trace: Trace) -> [String] {
    let flow = trace.flow
    var table = Columns()
    let ports = flow.ipProtocol.hasPorts
    func pair(_ s: IPAddress, _ sp: UInt16?, _ d: IPAddress, _ dp: UInt16) -> String {
      let from = ports ? (s.version == .v6 ? "[\(s)]" : "\(s)") + ":" + (sp.map { "\($0)" } ?? "*") : "\(s)"
      let to = ports ? (d.version == .v6 ? "[\(d)]" : "\(d)") + ":\(dp)" : "\(d)"
      return "\(from) → \(to)"
    }
    table.add(
      "as received", pair(flow.source, flow.sourcePort, flow.destination, flow.destinationPort),
      flow.isLocal ? "from this node" : "in \(printable(flow.from))")
    if let balancer = BalancerText(outcome, snapshot) {
      table.add(
        balancer.isIPVS ? "virtual server" : "eBPF (Cilium)", "\(balancer.frontend) \(balancer.choice)", balancer.place)
      if outcome.destination != flow.destination || outcome.destinationPort != flow.destinationPort {
        table.add(
          balancer.isIPVS ? "after IPVS" : "after eBPF",
          pair(flow.source, flow.sourcePort, outcome.destination, outcome.destinationPort), "")
      }
    }
    if let rule = outcome.destinationRule {
      table.add(
        "after DNAT", pair(flow.source, flow.sourcePort, outcome.destination, outcome.destinationPort), location(rule))
    }
    if let (route, gateway) = trace.route(of: outcome), outcome.verdict != .noroute || route.type.isRefusal {
      let way =
        switch route.type {
        case .local: "local delivery"
        case .blackhole, .unreachable, .prohibit: "nowhere: \(route.type)"
        default:
          "out \(outcome.outInterface ?? route.nextHops.first?.interface ?? "?")\(gateway.map { " via \($0)" } ?? "")"
        }
      let source =
        route.line > 0 && Int(route.file) < ruleset.files.count
        ? "\(baseName(ruleset.files[Int(route.file)].name)):\(route.line)" : ""
      table.add(
        "after routing", "\(way)  (\(route.destination.length == 0 ? "default" : "\(route.destination)"))", source)
    }
    if let rule = outcome.sourceRule {
      table.add(
        "after SNAT", pair(outcome.source, outcome.sourcePort, outcome.destination, outcome.destinationPort),
        location(rule))
    }
    return table.lines(indent: 2).map { clip($0, 100) }
  }

  private func location(_ rule: RuleID) -> String {
    let found = ruleset[rule]
    let chain = ruleset[found.chain]
    return "\(file(found))  \(ruleset[chain.table].name) \(printable(ruleset.names[chain.name]))"
  }

  private func file(_ rule: Rule) -> String {
    guard ruleset.files.indices.contains(Int(rule.file)) else { return "" }
    let name = ruleset.files[Int(rule.file)].name
    // Rules from the running kernel stand in no file.
    return baseName(name) + (rule.line > 0 ? ":\(rule.line)" : "")
  }

  private func baseName(_ path: String) -> String {
    printable(path.split(separator: "/").last.map(String.init) ?? path)
  }

  private func place(_ step: Step) -> String {
    let chain = ruleset[step.chain]
    let label = "\(ruleset[chain.table].name) \(printable(ruleset.names[chain.name]))"
    guard let rule = step.rule else { return "the policy of \(label)" }
    return "\(label) rule \(step.position) (\(file(ruleset[rule])))"
  }

  /// The rule that rejects, or what IPVS or eBPF programs found.
  private func refuser(_ outcome: Outcome) -> String {
    outcome.reason.map { "\($0)" } ?? outcome.steps.last.map(place) ?? "a rule"
  }

  private func endings(_ groups: [Ending], _ trace: Trace) -> [String] {
    guard groups.count > 1 else { return [] }
    var table = Columns()
    let isKnown = trace.worlds.isEmpty
    for group in groups.prefix(wide ? .max : 10) {
      let source =
        group.outcome.sourceRule != nil && group.outcome.verdict == .forward ? "source \(group.outcome.source)" : ""
      let share = group.share.map { $0 > 0.999_999 && !isKnown ? "" : percent($0) } ?? "perhaps"
      table.add(
        share, result(group.outcome), source,
        group.conditions.isEmpty ? "" : "if \(group.conditions.joined(separator: " and "))")
    }
    let heading = isKnown ? style.dim("  with their probability") : style.dim("  either/or: what is not known decides")
    var lines = ["", style.bold("Endings") + heading] + table.lines(indent: 2)
    if groups.count > 10, !wide { lines.append("  … \(groups.count - 10) more (-o wide shows all)") }
    return lines
  }

  /// Whether a step says where the packet goes or what becomes of it, rather than letting it pass.
  private func decides(_ step: Step) -> Bool {
    switch step.verdict {
    case .policyAccept, .return: return false
    case .policyDrop, .drop, .queue: return true
    case .accept: return step.rule != nil
    case .continue:
      guard let rule = step.rule else { return false }
      return ruleset.clauses(of: ruleset[rule]).contains {
        if case .statement(let statement) = $0 {
          switch statement {
          case .setMark, .setConnectionMark, .restoreMark, .noTrack, .setField, .setZone, .transparentProxy: return true
          default: return false
          }
        }
        return false
      }
    case .jump(let chain), .goto(let chain):
      let name = ruleset.names[ruleset[chain].name]
      return !["KUBE-FIREWALL", "KUBE-FORWARD", "KUBE-POSTROUTING", "KUBE-PROXY-FIREWALL", "KUBE-EXTERNAL-SERVICES"]
        .contains(name)
    }
  }

  /// A heading with a few of its sentences.
  private func list(_ heading: String, _ remark: String, _ sentences: [String]) -> [String] {
    guard !sentences.isEmpty else { return [] }
    var out = ["", style.warn(heading) + style.dim("  " + remark)]
    for text in sentences.prefix(wide ? .max : 12) {
      let lines = wrapped(printable(text, limit: .max), 94)
      for (number, line) in lines.enumerated() { out.append((number == 0 ? "  - " : "    ") + line) }
    }
    if sentences.count > 12, !wide { out.append("  … and \(sentences.count - 12) more (-o wide shows all)") }
    return out
  }

  private func rules(_ steps: some Sequence<Step>) -> [String] {
    var lines: [String] = []
    var hook: Hook?
    for step in steps {
      if step.hook != hook {
        hook = step.hook
        lines.append("  " + style.dim(step.hook.rawValue.uppercased()))
      }
      let chain = ruleset[step.chain]
      let label = "\(ruleset[chain.table].name) \(printable(ruleset.names[chain.name]))"
      guard let rule = step.rule else {
        lines.append(clip("    \(label)  \(TraceJSON.word(step.verdict, ruleset))", 100))
        continue
      }
      lines.append(
        clip(
          "    \(label) rule \(step.position): \(printable(TraceJSON.word(step.verdict, ruleset)))  \(file(ruleset[rule]))",
          100))
      let text = ruleset.text(of: ruleset[rule])
      if !text.isEmpty { lines.append(style.dim(clip("      \(printable(text, limit: 400))", 100))) }
    }
    return lines
  }
}

import Diagnosis
import Findings
import PacketPath
import Ruleset
import Snapshot
import Wire

/// A trace for people: the verdict first, then where the packet's addresses change, the rules that decided, and what
/// to do if it fails.
public struct TraceText {
  let ruleset: Ruleset
  let snapshot: Snapshot
  let style: Style
  /// All steps of all outcomes instead of the deciding ones.
  let wide: Bool
  /// Outcomes and sentences that are shown at most; nil: as many as a person reads, or all where nothing is cut.
  private let top: Int?
  /// What an address is called where objects tell; empty: nothing.
  let name: (IPAddress) -> String?

  public init(
    _ snapshot: Snapshot, style: Style, wide: Bool = false, top: Int? = nil,
    name: @escaping (IPAddress) -> String? = { _ in nil }
  ) {
    ruleset = snapshot.ruleset
    self.snapshot = snapshot
    self.style = wide ? style.unlimited : style
    self.wide = wide
    self.top = top
    self.name = name
  }

  /// `findings`: the causes, as `check` would name them.
  public func render(_ trace: Trace, _ judgement: Judgement, findings: [Finding] = []) -> String {
    var out: [String] = []
    let groups = Group.all(trace, first: judgement.deciding)
    out.append(contentsOf: headline(trace, judgement))
    out += CauseText(style: style).lines(findings)
    out.append("")
    if let first = groups.first { out.append(contentsOf: journey(first.outcome, trace)) }
    out.append(contentsOf: outcomes(groups, trace))
    let deciding = DecidingSteps(trace, ruleset)
    let steps = StepListText(ruleset, style)
    if wide {
      for (number, outcome) in trace.outcomes.enumerated() {
        let share = trace.worlds.isEmpty ? "\(percent(outcome.probability)), " : ""
        out += ["", style.bold("Rules of outcome \(number + 1)") + "  \(share)\(result(outcome)); * decided"]
        out += steps.all(outcome, deciding.steps(of: outcome))
      }
    } else if let first = groups.first {
      out += ["", style.bold("Deciding rules") + (groups.count > 1 ? style.dim("  of the first outcome") : "")]
      let decided = deciding.steps(of: first.outcome)
      out += steps.lines(decided)
      if decided.isEmpty {
        out += style.paragraph("  ", "none: no rule that matched did more than let the packet go on")
      }
    }
    let assumptions = trace.worlds.isEmpty ? trace.assumptions : trace.commonAssumptions
    out += list("Assumed", "because neither the flow nor the snapshot tells", assumptions)
    if trace.truncated > 0 {
      out += ["", style.warn("\(counted(trace.truncated, "outcome")) left out: too many branches")]
    }
    return out.joined(separator: "\n") + "\n"
  }

  /// Outcomes that end alike, as the first of them.
  private struct Group {
    var outcome: Outcome
    /// Nil: it hangs on what is not known.
    var share: Double?
    /// What must be so for it, one clause each.
    var conditions: [String]

    /// The likeliest first, before all the one that the answer is about.
    static func all(_ trace: Trace, first: Int?) -> [Group] {
      var groups = OutcomeGroup.of(trace.outcomes)
      if let first, let at = groups.firstIndex(where: { $0.members.contains(first) }) {
        groups.insert(groups.remove(at: at), at: 0)
      }
      return groups.map { group in
        guard !trace.worlds.isEmpty else {
          return Group(outcome: trace.outcomes[group.first], share: group.probability, conditions: [])
        }
        let condition = trace.worlds.condition(of: Set(group.members))
        return Group(
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
    let entry = trace.flow.isLocal ? "sent by the node itself" : "entering by \(entry(trace.flow))"
    var lines = style.paragraph("\(mark)  ", judgement.why, hanging: 2)
    let service = judgement.service.map { "  (\(printable($0)))" } ?? ""
    lines += style.paragraph(
      "", "on \(printable(snapshot.name)): \(trace.flow.ipProtocol) \(endpoints(trace.flow)), \(entry)\(service)",
      hanging: 2
    ).map { style.dim($0) }
    if !judgement.wanted.isEmpty {
      lines += style.paragraph("", "to settle it, give: \(judgement.wanted.joined(separator: "; "))", hanging: 2)
    }
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
    var table = Changes()
    let ports = flow.ipProtocol.hasPorts
    func add(_ what: String, _ value: String, _ rule: RuleID) { table.add(what, value, location(rule)) }
    func pair(_ s: IPAddress, _ sp: UInt16?, _ d: IPAddress, _ dp: UInt16) -> String {
      let from = ports ? (s.version == .v6 ? "[\(s)]" : "\(s)") + ":" + (sp.map { "\($0)" } ?? "*") : "\(s)"
      let to = ports ? (d.version == .v6 ? "[\(d)]" : "\(d)") + ":\(dp)" : "\(d)"
      return "\(from) → \(to)"
    }
    table.add(
      "as received", pair(flow.source, flow.sourcePort, flow.destination, flow.destinationPort),
      flow.isLocal ? "from this node" : "in \(entry(flow))")
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
      add("after DNAT", pair(flow.source, flow.sourcePort, outcome.destination, outcome.destinationPort), rule)
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
      add(
        "after SNAT", pair(outcome.source, outcome.sourcePort, outcome.destination, outcome.destinationPort), rule)
    }
    return table.lines(style.width)
  }

  private func location(_ rule: RuleID) -> String {
    let found = ruleset[rule]
    let chain = ruleset[found.chain]
    let file = StepLabel.file(found, ruleset)
    let name = "\(printable(ruleset[chain.table].name)) \(printable(ruleset.names[chain.name]))"
    return file.isEmpty ? name : "\(name) (\(file))"
  }

  /// What the packet's addresses become, and where that stands: behind them, or under them where there is no room.
  private struct Changes {
    private var rows: [(what: String, value: String, place: String)] = []

    mutating func add(_ what: String, _ value: String, _ place: String) { rows.append((what, value, place)) }

    func lines(_ width: Int?) -> [String] {
      var table = Columns()
      for row in rows { table.add(row.what, row.value, row.place) }
      let lines = table.lines(indent: 2)
      guard let width, lines.contains(where: { columnWidth($0) > width }) else { return lines }
      let label = rows.map { columnWidth($0.what) }.max() ?? 0
      return rows.flatMap { row -> [String] in
        let head = "  " + row.what + String(repeating: " ", count: label - columnWidth(row.what) + 2)
        let style = Style(coloured: false, width: width)
        let whole = "\(head)\(row.value)  \(row.place)"
        if row.place.isEmpty || columnWidth(whole) <= width {
          return style.paragraph(head, "\(row.value)  \(row.place)")
        }
        let margin = String(repeating: " ", count: label + 4)
        return style.paragraph(head, row.value) + style.paragraph(margin, row.place)
      }
    }
  }

  private func entry(_ flow: Flow) -> String {
    flow.from == FlowText.unknown ? "an interface that is not told" : printable(flow.from)
  }

  private func baseName(_ path: String) -> String {
    printable(path.split(separator: "/").last.map(String.init) ?? path)
  }

  private func place(_ step: Step) -> String {
    step.rule == nil ? "the policy of \(StepLabel.chain(step, ruleset))" : StepLabel.text(step, ruleset)
  }

  /// The rule that rejects, or what IPVS or eBPF programs found.
  private func refuser(_ outcome: Outcome) -> String {
    outcome.reason.map { "\($0)" } ?? outcome.steps.last.map(place) ?? "a rule"
  }

  private func outcomes(_ groups: [Group], _ trace: Trace) -> [String] {
    guard groups.count > 1 else { return [] }
    var table = Columns([], [.whole, .text, .whole, .text])
    let isKnown = trace.worlds.isEmpty
    for group in groups.prefix(shown(10)) {
      let source =
        group.outcome.sourceRule != nil && group.outcome.verdict == .forward ? "source \(group.outcome.source)" : ""
      let share = group.share.map { $0 > 0.999_999 && !isKnown ? "" : percent($0) } ?? "perhaps"
      table.add(
        share, result(group.outcome), source,
        group.conditions.isEmpty ? "" : "if \(group.conditions.joined(separator: " and "))")
    }
    let heading = isKnown ? style.dim("  with their probability") : style.dim("  either/or: what is not known decides")
    var lines = ["", style.bold("Outcomes") + heading] + table.lines(style.width, indent: 2)
    let left = groups.count - min(groups.count, shown(10))
    if left > 0 { lines.append("  … \(left) more (-o wide shows all)") }
    return lines
  }

  /// Nothing is left out where nothing is cut.
  private func shown(_ count: Int) -> Int { top ?? (wide || style.width == nil ? .max : count) }

  /// A heading with a few of its sentences.
  private func list(_ heading: String, _ remark: String, _ sentences: [String]) -> [String] {
    guard !sentences.isEmpty else { return [] }
    var out = ["", style.bold(heading) + style.dim("  " + remark)]
    for text in sentences.prefix(shown(12)) { out += style.paragraph("  - ", printable(text, limit: .max)) }
    let left = sentences.count - min(sentences.count, shown(12))
    if left > 0 { out.append("  … and \(left) more (-o wide shows all)") }
    return out
  }
}

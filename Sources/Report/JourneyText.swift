import Diagnosis
import Findings
import Journey
import PacketPath
import Ruleset
import Snapshot
import Wire

/// A journey for people: the answer, then each leg with its node, what is translated there, the crossing to the next with
/// its MTU, the endpoint, and the way back. The place where it ends stands out.
public struct JourneyText {
  private let map: BundleMap
  private let style: Style
  private let wide: Bool
  private let name: (IPAddress) -> String?

  public init(
    _ map: BundleMap, style: Style, wide: Bool = false, name: @escaping (IPAddress) -> String? = { _ in nil }
  ) {
    self.map = map
    self.style = wide ? style.unlimited : style
    self.wide = wide
    self.name = name
  }

  public func render(_ answer: JourneyAnswer, findings: [Finding] = []) -> String {
    var out = headline(answer)
    out += CauseText(style: style).lines(findings)
    if let journey = answer.deciding {
      out.append("")
      out += lines(journey, answer)
    }
    let others = answer.journeys.filter { !isSame($0, answer.deciding) }
    if !others.isEmpty {
      out += ["", style.bold("Other journeys")]
      let shown = style.width == nil ? others.count : 8
      for journey in others.prefix(shown) {
        let share = answer.undecided.isEmpty ? percent(journey.probability) + " " : ""
        out += style.paragraph("  \(share)\(word(journey.answer)): ", printable(journey.what, limit: .max), hanging: 4)
      }
      if others.count > shown { out.append(style.dim("  and \(others.count - shown) more (-o wide)")) }
    }
    return out.joined(separator: "\n") + "\n"
  }

  private func isSame(_ journey: Journey, _ other: Journey?) -> Bool {
    journey.what == other?.what && journey.probability == other?.probability
  }

  private func word(_ answer: Answer) -> String {
    let word = answer.rawValue.uppercased()
    switch answer {
    case .served, .passes: return style.good(word)
    case .unsure: return style.warn(word)
    default: return style.bad(word)
    }
  }

  private func headline(_ answer: JourneyAnswer) -> [String] {
    var lines = style.paragraph("\(word(answer.answer))  ", answer.why, hanging: 2)
    var nodes: [String] = []
    for case .leg(let fork, _) in answer.deciding?.parts ?? [] {
      let node = map.place(fork.namespace).node
      if !nodes.contains(node) { nodes.append(node) }
    }
    let flow = answer.flow
    let on = nodes.isEmpty ? "no node" : nodes.map { printable($0) }.joined(separator: ", ")
    let service = answer.service.map { "  (\(printable($0)))" } ?? ""
    lines += style.paragraph("", "on \(on): \(flow.ipProtocol) \(packet(flow))\(service)", hanging: 2).map {
      style.dim($0)
    }
    if !answer.wanted.isEmpty {
      lines += style.paragraph("", "to settle it, give: \(answer.wanted.joined(separator: "; "))", hanging: 2)
    }
    return lines
  }

  // MARK: - One journey

  private func lines(_ journey: Journey, _ answer: JourneyAnswer) -> [String] {
    var out: [String] = []
    var number = 0
    var phase: Phase?
    let ends = !journey.answer.isGood
    let last = journey.parts.lastIndex { if case .leg = $0 { true } else { false } }
    for (index, part) in journey.parts.enumerated() {
      switch part {
      case .leg(let fork, let outcome):
        if phase != fork.phase {
          if phase == .request, let arrival = journey.ending.arrival, arrival.place != nil {
            out += self.arrival(arrival)
          }
          let mtu = fork.phase.isReply ? journey.ending.replyMTU : journey.ending.requestMTU
          out.append(style.bold(title(fork.phase)) + style.dim(mtu.map { "  path MTU \($0)" } ?? ""))
          phase = fork.phase
        }
        number += 1
        let isEnd = ends && index == last
        out += leg(fork, fork.trace.outcomes[outcome], number, isEnd ? style.bad("✗") : "\(number)")
      case .crossing(let crossing): out += self.crossing(crossing)
      }
    }
    if phase == .request, let arrival = journey.ending.arrival, arrival.place != nil { out += self.arrival(arrival) }
    if ends || journey.ending.arrival?.place == nil {
      out += style.paragraph(ends ? "  \(style.bad("✗")) " : "  ", journey.what, hanging: 4)
    } else {
      out += style.paragraph(
        "  \(style.good("✓")) ",
        "back at the client, from \(socket(answer.flow.destination, answer.flow.destinationPort, answer.flow))",
        hanging: 4)
    }
    return out
  }

  private func title(_ phase: Phase) -> String {
    switch phase {
    case .request: "Request"
    case .reply: "Reply"
    case .furtherRequest: "Later packets of the client"
    case .furtherReply: "Later packets of the endpoint"
    }
  }

  private func leg(_ fork: LegFork, _ outcome: Outcome, _ number: Int, _ mark: String) -> [String] {
    let place = map.place(fork.namespace)
    let snapshot = map.snapshot(of: fork.namespace)
    let way = [fork.flow.from == Flow.local ? "its own socket" : fork.flow.from, outcome.outInterface ?? "here"]
    var out = style.paragraph(
      "  \(mark) ", "\(style.bold(printable(place.text)))  \(way.map { printable($0) }.joined(separator: " → "))",
      hanging: 6)
    out += style.paragraph("      ", packet(fork.flow), hanging: 8)
    let decided = DecidingSteps(fork.trace, snapshot.ruleset).steps(of: outcome)
    let ends = !outcome.isOnItsWay
    for step in decided {
      let translates =
        step.step.rule != nil && (step.step.rule == outcome.destinationRule || step.step.rule == outcome.sourceRule)
      let isLast = step.number == decided.last?.number
      guard wide || translates || ends && isLast else { continue }
      out += style.paragraph(
        "      ",
        "\(step.step.hook.rawValue): \(StepLabel.text(step.step, snapshot.ruleset)): \(printable(step.effect))",
        hanging: 8
      ).map { style.dim($0) }
    }
    let after =
      "\(socket(outcome.source, outcome.sourcePort, fork.flow)) → \(socket(outcome.destination, outcome.destinationPort, fork.flow))"
    if after != packet(fork.flow) { out += style.paragraph("      becomes ", after, hanging: 8) }
    return out
  }

  private func crossing(_ crossing: Crossing) -> [String] {
    var text = crossing.kind.rawValue
    text += " \(printable(crossing.from.interface))"
    if let to = crossing.to { text += " → \(printable(to.place.text)) \(printable(to.interface))" }
    if let outer = crossing.outer {
      text += ", in \(outer.ipProtocol) \(outer.source) → \(socket(outer.destination, outer.destinationPort, outer))"
    }
    if let router = crossing.router { text += ", by router \(router)" }
    if let mtu = crossing.mtu { text += ", MTU \(mtu)" }
    return style.paragraph("    │ ", text, hanging: 6).map { style.dim($0) }
  }

  private func arrival(_ arrival: Arrival) -> [String] {
    let socket = arrival.port == 0 ? "\(arrival.address)" : EndpointText.text(arrival.address, arrival.port)
    let who = arrival.process.map { $0.isEmpty ? "a process listens" : "\(printable($0)) listens" } ?? "arrives"
    let name = self.name(arrival.address).map { " (\(printable($0)))" } ?? ""
    return style.paragraph("    • ", "\(who) at \(socket)\(name); it sees \(arrival.seenSource)")
  }

  private func packet(_ flow: Flow) -> String {
    "\(socket(flow.source, flow.sourcePort, flow)) → \(socket(flow.destination, flow.destinationPort, flow))"
  }

  private func socket(_ address: IPAddress, _ port: UInt16?, _ flow: Flow) -> String {
    guard flow.ipProtocol.hasPorts else { return "\(address)" }
    guard let port else { return address.version == .v6 ? "[\(address)]:*" : "\(address):*" }
    return EndpointText.text(address, port)
  }
}

extension Outcome {
  /// It leaves the node, or arrives there.
  fileprivate var isOnItsWay: Bool { verdict == .forward || verdict == .deliver }
}

enum EndpointText {
  static func text(_ address: IPAddress, _ port: UInt16) -> String {
    address.version == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)"
  }
}

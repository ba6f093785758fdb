import PacketPath
import Ruleset
import Snapshot

/// Steps for people, under the hooks at which they stand: place and effect, the rule, the matches that made the difference.
struct StepListText {
  private let ruleset: Ruleset
  private let style: Style

  init(_ ruleset: Ruleset, _ style: Style) {
    self.ruleset = ruleset
    self.style = style
  }

  func lines(_ steps: [DecidingStep]) -> [String] {
    var lines: [String] = []
    var hook: Hook?
    for step in steps {
      head(step.step.hook, &hook, &lines)
      lines += self.lines(step.step, step, mark: "")
    }
    return lines
  }

  /// All steps of an outcome, those that decided marked.
  func all(_ outcome: Outcome, _ deciding: [DecidingStep]) -> [String] {
    let decided = Dictionary(uniqueKeysWithValues: deciding.map { ($0.number, $0) })
    var lines: [String] = []
    var hook: Hook?
    for (number, step) in outcome.steps.enumerated() {
      head(step.hook, &hook, &lines)
      lines += self.lines(step, decided[number], mark: decided[number] == nil ? "  " : "* ")
    }
    return lines
  }

  private func head(_ next: Hook, _ hook: inout Hook?, _ lines: inout [String]) {
    guard next != hook else { return }
    hook = next
    lines.append("  " + style.dim(next.rawValue.uppercased()))
  }

  private func lines(_ step: Step, _ deciding: DecidingStep?, mark: String) -> [String] {
    let effect = printable(deciding?.effect ?? StepWord.text(step, ruleset))
    let margin = 4 + mark.count
    guard let rule = step.rule else {
      return style.paragraph("    \(mark)", "\(StepLabel.chain(step, ruleset)): \(effect)", hanging: margin + 2)
    }
    var lines = style.paragraph("    \(mark)", "\(StepLabel.text(step, ruleset)): \(effect)", hanging: margin + 2)
    let text = ruleset.text(of: ruleset[rule])
    // `jump services` says itself.
    if !text.isEmpty, text != effect {
      lines += RuleText(style: style).lines(text, indent: margin + 2).map { style.dim($0) }
    }
    guard let deciding, !deciding.matches.isEmpty || !deciding.elements.isEmpty else { return lines }
    let margins = String(repeating: " ", count: margin + 2)
    if !deciding.matches.isEmpty {
      lines += style.paragraph(margins + "because: ", printable(deciding.matches.joined(separator: ", "), limit: .max))
    }
    for element in deciding.elements {
      let set = element.set.isEmpty ? "" : " of \(printable(element.set))"
      lines += style.paragraph(margins + "element: ", "\(printable(element.text, limit: .max))\(set)")
    }
    return lines
  }
}

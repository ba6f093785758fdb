import Findings
import Input
import Snapshot

/// Findings for people, the same from every command: first how much there is and the causes, one a line; then of each the
/// problem, its cause, where it occurs, the evidence, what to do, and how to verify it.
public struct FindingsText {
  private let style: Style
  /// Several captures: a frame's number alone does not tell which file's it is.
  private let namesCaptures: Bool
  /// Findings whose details are shown; the summary has all.
  private let top: Int

  public init(_ style: Style, namesCaptures: Bool = false, top: Int? = nil) {
    self.style = style
    self.namesCaptures = namesCaptures
    self.top = top ?? .max
  }

  public static func render(_ findings: [Finding], style: Style) -> String { FindingsText(style).render(findings) }

  public func render(_ findings: [Finding]) -> String {
    guard !findings.isEmpty else { return "" }
    var blocks = findings.count > 1 ? [summary(findings)] : []
    blocks += findings.prefix(top).map { lines($0) }
    if findings.count > top { blocks.append(["… and \(findings.count - top) more in the summary above (--top)"]) }
    return blocks.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
  }

  /// `2 errors, 1 warning: 3 causes in 8 places`
  public static func headline(_ findings: [Finding]) -> String {
    guard !findings.isEmpty else { return "No findings" }
    let counts = Finding.Severity.allCases.reversed().compactMap { severity -> String? in
      let count = findings.count { $0.severity == severity }
      return count == 0 ? nil : counted(count, severity.rawValue)
    }
    let places = findings.reduce(0) { $0 + max(1, $1.occurrences.count) }
    return "\(counts.joined(separator: ", ")): \(counted(findings.count, "cause")) in \(counted(places, "place"))"
  }

  /// Nodes, and Services of a node, that are named on a terminal.
  private static let namesShown = 8
  /// A cause that has less room than this goes onto a line of its own.
  private static let narrowCause = 40

  // MARK: Summary

  private func summary(_ findings: [Finding]) -> [String] {
    var columns = Columns()
    for finding in findings {
      columns.add(finding.severity.rawValue.uppercased(), finding.id, Self.clean(extent(finding)))
    }
    let heads = columns.lines(nil, indent: 2)
    let used = heads.map { columnWidth($0) }.max() ?? 0
    return zip(heads, findings).flatMap { head, finding -> [String] in
      let cause = Self.clean(finding.cause.isEmpty ? finding.problem : finding.cause)
      let padded = head + String(repeating: " ", count: used - columnWidth(head) + 2)
      let lines =
        style.width.map { $0 - used - 2 < Self.narrowCause } ?? false
        ? [head] + style.paragraph("    ", cause) : style.paragraph(padded, cause)
      return lines.enumerated().map { $0.offset == 0 ? paint($0.element, finding.severity) : $0.element }
    }
  }

  /// How far it reaches: `20 nodes`, `3 Services on node-a`, `shop/cart`.
  private func extent(_ finding: Finding) -> String {
    let nodes = finding.nodes
    let services = finding.services
    var parts: [String] = []
    if services.count > 1, finding.subject.kind == "Service" { parts.append("\(services.count) Services") }
    if nodes.count > 1 { parts.append("\(nodes.count) nodes") }
    if !parts.isEmpty { return parts.joined(separator: " on ") }
    let own = [finding.subject.namespace, finding.subject.name].compactMap { $0 }.joined(separator: "/")
    return own.isEmpty ? finding.subject.node ?? finding.subject.address.map { "\($0)" } ?? finding.subject.kind : own
  }

  // MARK: Details

  private func lines(_ finding: Finding) -> [String] {
    var out = headline(finding)
    let confidence = finding.confidence == .certain ? "" : " (\(finding.confidence.rawValue))"
    out += style.paragraph("  about:    ", Self.clean(subject(finding)) + confidence)
    out += style.paragraph("  cause:    ", Self.clean(finding.cause))
    out += places(finding)
    for item in finding.evidence { out += evidence(item) }
    for fix in finding.fix { out += FixText(style).lines(fix, headings: ("  fix:      ", "  advice:   ")) }
    for command in finding.verify { out.append("  verify:   \(Self.clean(command.text))") }
    if let reference = finding.reference { out.append("  see:      \(Self.clean(Self.address(of: reference)))") }
    return out
  }

  private func headline(_ finding: Finding) -> [String] {
    let mark = finding.severity.rawValue.uppercased()
    var lines = wrapped(Self.clean(finding.problem), style.width.map { $0 - mark.count - 2 })
    let indent = String(repeating: " ", count: mark.count + 2)
    let id = "[\(finding.id)]"
    let fits = style.width.map { indent.count + columnWidth(lines.last ?? "") + 2 + id.count <= $0 } ?? true
    lines = lines.enumerated().map {
      ($0.offset == 0 ? paint(mark, finding.severity) + "  " : indent) + style.bold($0.element)
    }
    if fits, let last = lines.indices.last {
      lines[last] += "  " + style.dim(id)
    } else {
      lines.append(indent + style.dim(id))
    }
    return lines
  }

  private func paint(_ text: String, _ severity: Finding.Severity) -> String {
    switch severity {
    case .error: style.bad(text)
    case .warning: style.warn(text)
    case .info: style.dim(text)
    }
  }

  private func evidence(_ item: Finding.Evidence) -> [String] {
    var place: String?
    if let frame = item.frame {
      place = "frame \(frame)" + (namesCaptures ? item.file.map { " of \(Self.clean($0))" } ?? "" : "")
    } else if let file = item.file {
      let text = Self.clean(file)
      if let line = item.line {
        place = "\(text):\(line)"
      } else if !item.text.hasPrefix(file) {
        place = text
      }
    }
    // A filter stands on one line: people copy it.
    if let filter = item.filter {
      let told =
        item.text == Finding.Evidence.filter(filter).text ? [] : style.paragraph("  evidence: ", Self.clean(item.text))
      return told + ["  filter:   \(Self.clean(filter))"]
    }
    return style.paragraph("  evidence: ", (place.map { "\($0): " } ?? "") + Self.clean(item.text))
  }

  private func subject(_ finding: Finding) -> String {
    guard finding.subject.name != nil || finding.subject.namespace != nil || finding.subject.address != nil else {
      return extent(finding)
    }
    let name = [finding.subject.namespace, finding.subject.name].compactMap { $0 }.joined(separator: "/")
    var subject = "\(finding.subject.kind) \(name.isEmpty ? finding.subject.address.map { "\($0)" } ?? "" : name)"
    if let port = finding.subject.port { subject += " port \(port)" }
    if let node = finding.subject.node, finding.subject.kind != "Node" { subject += " on \(node)" }
    return subject
  }

  /// The places, where there are several.
  private func places(_ finding: Finding) -> [String] {
    let nodes = finding.nodes
    let services = finding.services
    var lines: [String] = []
    if nodes.count > 1 { lines += style.paragraph("  nodes:    ", Self.clean(list(nodes))) }
    if services.count > 1 { lines += style.paragraph("  services: ", Self.clean(list(services))) }
    return lines
  }

  private func list(_ names: [String]) -> String {
    let shown = style.width == nil ? names.count : Self.namesShown
    return names.prefix(shown).joined(separator: ", ") + (names.count > shown ? " and \(names.count - shown) more" : "")
  }

  /// `kubernetes/kubernetes#13375` and `RFC 2923` as pages that a browser opens.
  private static func address(of reference: String) -> String {
    let parts = reference.split(separator: "#")
    if parts.count == 2, Int(parts[1]) != nil, parts[0].split(separator: "/").count == 2, !reference.contains(" ") {
      return "https://github.com/\(parts[0])/issues/\(parts[1])"
    }
    if reference.hasPrefix("RFC "), let number = Int(reference.dropFirst(4)) {
      return "https://datatracker.ietf.org/doc/html/rfc\(number)"
    }
    return reference
  }

  private static func clean(_ text: String) -> String { printable(text, limit: .max) }
}

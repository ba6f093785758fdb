import Findings
import Snapshot

/// Findings for people: first the causes, one a line, with how many places each has; then of each the problem, its cause,
/// where it occurs, the evidence, what to do, and how to verify it.
public enum FindingsText {
  public static func render(_ findings: [Finding], style: Style) -> String {
    guard !findings.isEmpty else { return "" }
    var out = findings.count > 1 ? summary(findings, style) + [""] : []
    for finding in findings {
      out += headline(finding, mark(finding, style), style)
      out.append(
        "  about:    \(clean(subject(finding)))\(finding.confidence == .certain ? "" : " (\(finding.confidence.rawValue))")"
      )
      out += paragraph("  cause:    ", finding.cause)
      out += places(finding)
      for item in finding.evidence {
        let place = [item.file.map { clean($0) }, item.line.map(String.init), item.frame.map { "frame \($0)" }]
          .compactMap { $0 }.joined(separator: ":")
        out += paragraph("  evidence: ", (place.isEmpty ? "" : "\(place): ") + item.fullText)
      }
      for fix in finding.fix {
        out += FixText.lines(fix, headings: ("  fix:      ", "  advice:   "), width: width, clean: clean)
      }
      for command in finding.verify { out.append("  verify:   \(command)") }
      out.append("")
    }
    return out.joined(separator: "\n") + "\n"
  }

  private static let width = 100
  /// Nodes, and Services of a node, that are named; JSON names all.
  private static let namesShown = 8

  // MARK: Summary

  private static func summary(_ findings: [Finding], _ style: Style) -> [String] {
    var columns = Columns()
    for finding in findings {
      columns.add(
        finding.severity.rawValue.uppercased(), finding.id, extent(finding),
        finding.cause.isEmpty ? finding.problem : finding.cause)
    }
    let lines = columns.lines(indent: 2).map { clip(clean($0), width) }
    return zip(lines, findings).map { line, finding in
      switch finding.severity {
      case .error: style.bad(line)
      case .warning: style.warn(line)
      case .info: style.dim(line)
      }
    }
  }

  /// How far it reaches: `20 nodes`, `3 Services on node-a`, `shop/cart`.
  private static func extent(_ finding: Finding) -> String {
    let nodes = finding.nodes
    let services = finding.services
    var parts: [String] = []
    if services.count > 1, finding.subject.kind == "Service" { parts.append("\(services.count) Services") }
    if nodes.count > 1 { parts.append("\(nodes.count) nodes") }
    if !parts.isEmpty { return parts.joined(separator: " on ") }
    let own = [finding.subject.namespace, finding.subject.name].compactMap { $0 }.joined(separator: "/")
    return own.isEmpty ? finding.subject.node ?? finding.subject.kind : own
  }

  // MARK: Parts

  private static func mark(_ finding: Finding, _ style: Style) -> String {
    switch finding.severity {
    case .error: style.bad("ERROR")
    case .warning: style.warn("WARNING")
    case .info: style.dim("INFO")
    }
  }

  private static func subject(_ finding: Finding) -> String {
    guard finding.subject.name != nil || finding.subject.namespace != nil else { return extent(finding) }
    var subject =
      "\(finding.subject.kind) "
      + [finding.subject.namespace, finding.subject.name].compactMap { $0 }.joined(separator: "/")
    if let port = finding.subject.port { subject += " port \(port)" }
    if let node = finding.subject.node, finding.subject.kind != "Node" { subject += " on \(node)" }
    return subject
  }

  /// The places, where there are several.
  private static func places(_ finding: Finding) -> [String] {
    let nodes = finding.nodes
    let services = finding.services
    var lines: [String] = []
    if nodes.count > 1 { lines += paragraph("  nodes:    ", list(nodes)) }
    if services.count > 1 { lines += paragraph("  services: ", list(services)) }
    return lines
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(namesShown).joined(separator: ", ")
      + (names.count > namesShown ? " and \(names.count - namesShown) more" : "")
  }

  private static func headline(_ finding: Finding, _ mark: String, _ style: Style) -> [String] {
    let indent = String(repeating: " ", count: finding.severity.rawValue.count + 2)
    var lines = wrapped(clean(finding.problem), width - indent.count)
    let id = "  [\(finding.id)]"
    let fits = indent.count + (lines.last?.count ?? 0) + id.count <= width
    lines = lines.enumerated().map { ($0.offset == 0 ? mark + "  " : indent) + style.bold($0.element) }
    if fits, let last = lines.indices.last {
      lines[last] += style.dim(id)
    } else {
      lines.append(indent + style.dim(String(id.dropFirst(2))))
    }
    return lines
  }

  private static func paragraph(_ heading: String, _ text: String) -> [String] {
    let indent = String(repeating: " ", count: heading.count)
    return wrapped(clean(text), width - heading.count).enumerated().map {
      ($0.offset == 0 ? heading : indent) + $0.element
    }
  }

  private static func clean(_ text: String) -> String { printable(text, limit: 600) }
}

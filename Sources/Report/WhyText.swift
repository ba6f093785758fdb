import Diagnosis
import Findings
import ServiceMap
import Snapshot
import Wire

/// One screen for somebody at 3 a.m.: does it work, for whom not, the cause, what was seen, what to do.
public enum WhyText {
  public static func render(_ why: WhyAnswer, style: Style, top: Int? = nil) -> String {
    guard !why.cells.isEmpty else {
      return style.warn("UNSURE") + "  nothing could be asked: no node of the snapshot tells its addresses and routes\n"
    }
    let (word, text) = headline(why, style)
    var out = style.paragraph("\(word)  ", text, hanging: 2)
    out.append("")
    out += table(why, style)
    if let cell = why.cells.first(where: { !$0.answer.isGood }) {
      out += ["", style.bold("Why")]
      out += style.paragraph("  ", printable(cell.why, limit: .max))
      if !cell.wanted.isEmpty {
        out += style.paragraph(
          "  ", "to settle it, give: \(printable(cell.wanted.joined(separator: "; "), limit: .max))")
      }
    }
    let shown = top ?? 3
    for finding in why.findings.prefix(shown) {
      out += style.paragraph("  ", "\(printable(finding.problem, limit: .max))  [\(finding.id)]", hanging: 4)
      out += style.paragraph("    cause: ", printable(finding.cause, limit: .max), hanging: 6)
      for evidence in finding.evidence.prefix(style.width == nil ? .max : 3) {
        let place = evidence.file.map { file in
          "\(printable(file.split(separator: "/").last.map(String.init) ?? file))\(evidence.line.map { ":\($0)" } ?? "")  "
        }
        out += style.paragraph(
          "    seen: ", (place ?? "") + printable(evidence.text, limit: .max), hanging: 6
        ).map { style.dim($0) }
      }
    }
    if why.findings.count > shown { out.append("  and \(why.findings.count - shown) more: kubepath check") }
    if let connections = why.connections, connections.all > 0 {
      if why.findings.isEmpty { out.append("") }
      out.append("  conntrack: \(connections.all) entries to it, \(connections.unreplied) without a reply")
    }
    let fixes = why.findings.prefix(shown).flatMap(\.fix)
    if !fixes.isEmpty {
      out += ["", style.bold("What to do")]
      for fix in fixes { out += FixText(style).lines(fix, headings: ("  ", "  ")) }
      let verify = why.findings.prefix(1).flatMap(\.verify)
      if !verify.isEmpty { out += ["", style.bold("Then")] + verify.map { "  \(printable($0.text, limit: .max))" } }
    }
    return out.joined(separator: "\n") + "\n"
  }

  private static func headline(_ why: WhyAnswer, _ style: Style) -> (word: String, text: String) {
    let subject = printable(why.subject)
    let word = why.answer.rawValue.uppercased()
    let nodes = Set(why.cells.map(\.node))
    let failing = why.cells.filter { !$0.answer.isGood && $0.answer != .unsure }
    guard !failing.isEmpty else {
      guard why.answer.isGood else {
        return (style.warn(word), "whether \(subject) works hangs on what the snapshot does not have")
      }
      return (style.good(word), "\(subject) works for all who were asked for, on \(counted(nodes.count, "node"))")
    }
    let origins = [Origin.pod, .node, .outside].filter { origin in failing.contains { $0.origin == origin } }
    let whom = origins.map(\.whom).joined(separator: ", ")
    let places = Set(failing.map(\.node)).sorted()
    let place =
      places.count == nodes.count
      ? (nodes.count == 1 ? "on \(printable(places[0]))" : "on all \(nodes.count) nodes")
      : "on \(places.prefix(4).map { printable($0) }.joined(separator: ", "))\(places.count > 4 ? " …" : "") (\(places.count) of \(nodes.count) nodes)"
    return (style.bad(word), "\(subject) does not work for \(whom) \(place)")
  }

  /// A row a node and frontend; nodes that answer alike share one.
  private static func table(_ why: WhyAnswer, _ style: Style) -> [String] {
    struct Row: Hashable {
      var frontend: String
      var answers: [String]
    }
    var rows: [(row: Row, nodes: [String])] = []
    var index: [Row: Int] = [:]
    var seen: Set<String> = []
    for cell in why.cells where seen.insert("\(cell.node) \(cell.frontend)").inserted {
      let answers = [Origin.pod, .node, .outside].map { origin in
        why.cells.first { $0.node == cell.node && $0.frontend == cell.frontend && $0.origin == origin }?
          .answer.rawValue ?? "-"
      }
      let label =
        cell.frontend.kind == .nodePort
        ? "NodePort \(cell.frontend.port)/\(cell.frontend.ipProtocol)" : FrontendText.text(cell.frontend)
      let row = Row(frontend: label, answers: answers)
      if let at = index[row] {
        rows[at].nodes.append(cell.node)
      } else {
        index[row] = rows.count
        rows.append((row, [cell.node]))
      }
    }
    var table = Columns(
      ["FRONTEND", "PODS", "NODE", "OUTSIDE", "ON"], [.whole, .whole, .whole, .whole, .list])
    let shown = style.width == nil ? Int.max : 3
    for (row, nodes) in rows {
      let names = nodes.prefix(shown).map { printable($0) }.joined(separator: ",")
      table.add(
        [row.frontend] + row.answers + [nodes.count > shown ? "\(names), + \(nodes.count - shown) more" : names])
    }
    return table.lines(style.width, indent: 2)
  }

  public static func json(_ why: WhyAnswer) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.key("subject")
    json.string(why.subject)
    json.key("answer")
    json.string(why.answer.rawValue)
    json.key("cells")
    json.beginArray()
    for cell in why.cells {
      json.beginObject()
      json.key("node")
      json.string(cell.node)
      json.key("kind")
      json.string(cell.frontend.kind.rawValue)
      json.key("address")
      json.address(cell.frontend.address)
      json.key("port")
      json.number(cell.frontend.port)
      json.key("protocol")
      json.string(cell.frontend.ipProtocol.description)
      json.key("from")
      json.string(cell.origin.word)
      json.key("source")
      json.address(cell.source)
      json.key("answer")
      json.string(cell.answer.rawValue)
      json.key("why")
      json.string(cell.why)
      json.endObject()
    }
    json.endArray()
    json.key("findings")
    json.beginArray()
    for finding in why.findings { FindingsJSON.write(finding, to: &json) }
    json.endArray()
    json.endObject()
    json.newline()
    return json.bytes
  }
}

extension Origin {
  fileprivate var whom: String {
    switch self {
    case .pod, .remotePod: "Pods"
    case .node: "the node itself"
    case .outside: "clients outside"
    }
  }

  fileprivate var word: String {
    switch self {
    case .pod, .remotePod: "pods"
    case .node: "node"
    case .outside: "outside"
    }
  }
}

import Findings
import ServiceMap
import Snapshot

/// Findings for people: problem, cause, evidence, fix, verify.
public enum FindingsText {
  public static func render(_ findings: [Finding], style: Style) -> String {
    var out: [String] = []
    for finding in findings {
      let mark =
        switch finding.severity {
        case .error: style.bad("ERROR")
        case .warning: style.warn("WARNING")
        case .info: style.dim("INFO")
        }
      out += headline(finding, mark, style)
      var subject =
        "\(finding.subject.kind) "
        + [finding.subject.namespace, finding.subject.name].compactMap { $0 }.joined(separator: "/")
      if let port = finding.subject.port { subject += " port \(port)" }
      if let node = finding.subject.node, finding.subject.kind != "Node" { subject += " on \(node)" }
      out.append(
        "  about:    \(clean(subject))" + (finding.confidence == .certain ? "" : " (\(finding.confidence.rawValue))"))
      out += paragraph("  cause:    ", finding.cause)
      for item in finding.evidence {
        let place = [item.file.map { clean($0) }, item.line.map(String.init), item.frame.map { "frame \($0)" }]
          .compactMap { $0 }.joined(separator: ":")
        out += paragraph("  evidence: ", (place.isEmpty ? "" : "\(place): ") + item.fullText)
      }
      for fix in finding.fix {
        out += FixText.lines(fix, headings: ("  fix:      ", "  advice:   "), width: 100, clean: clean)
      }
      for command in finding.verify { out.append("  verify:   \(command)") }
      out.append("")
    }
    return out.isEmpty ? "" : out.joined(separator: "\n") + "\n"
  }

  private static func headline(_ finding: Finding, _ mark: String, _ style: Style) -> [String] {
    let indent = String(repeating: " ", count: finding.severity.rawValue.count + 2)
    var lines = wrapped(clean(finding.problem), 100 - indent.count)
    let id = "  [\(finding.id)]"
    let fits = indent.count + (lines.last?.count ?? 0) + id.count <= 100
    lines = lines.enumerated().map { ($0.offset == 0 ? mark + "  " : indent) + style.bold($0.element) }
    if fits, let last = lines.indices.last {
      lines[last] += style.dim(id)
    } else {
      lines.append(indent + style.dim(String(id.dropFirst(2))))
    }
    return lines
  }

  /// At most 100 columns.
  private static func paragraph(_ heading: String, _ text: String) -> [String] {
    let indent = String(repeating: " ", count: heading.count)
    return wrapped(clean(text), 100 - heading.count).enumerated().map {
      ($0.offset == 0 ? heading : indent) + $0.element
    }
  }

  private static func clean(_ text: String) -> String { printable(text, limit: 400) }
}

/// Findings as the JSON contract has them.
public enum FindingsJSON {
  public static func write(_ finding: Finding, to json: inout JSONWriter) {
    json.beginObject()
    json.key("id")
    json.string(finding.id)
    json.key("severity")
    json.string(finding.severity.rawValue)
    json.key("confidence")
    json.string(finding.confidence.rawValue)
    json.key("subject")
    json.beginObject()
    json.key("kind")
    json.string(finding.subject.kind)
    optional("namespace", finding.subject.namespace, &json)
    optional("name", finding.subject.name, &json)
    optional("address", finding.subject.address?.description, &json)
    optional("port", finding.subject.port, &json)
    optional("node", finding.subject.node, &json)
    json.endObject()
    json.key("problem")
    json.string(finding.problem)
    json.key("cause")
    json.string(finding.cause)
    json.key("evidence")
    json.beginArray()
    for item in finding.evidence {
      json.beginObject()
      optional("file", item.file, &json)
      if let line = item.line {
        json.key("line")
        json.number(line)
      }
      if let frame = item.frame {
        json.key("frame")
        json.number(frame)
      }
      optional("filter", item.filter, &json)
      json.key("text")
      json.string(item.text)
      json.endObject()
    }
    json.endArray()
    json.key("fix")
    json.beginArray()
    for fix in finding.fix {
      json.beginObject()
      json.key(fix.command == nil ? "advice" : "command")
      json.string(fix.text)
      optional("why", fix.why, &json)
      json.endObject()
    }
    json.endArray()
    json.key("verify")
    json.beginArray()
    for command in finding.verify { json.string(command.text) }
    json.endArray()
    json.key("reference")
    if let reference = finding.reference { json.string(reference) } else { json.null() }
    json.key("occurrences")
    json.beginArray()
    for occurrence in finding.occurrences { write(occurrence, to: &json) }
    json.endArray()
    json.endObject()
  }

  private static func write(_ occurrence: Finding.Occurrence, to json: inout JSONWriter) {
    json.beginObject()
    optional("node", occurrence.node, &json)
    optional("service", occurrence.service, &json)
    optional("source", occurrence.source?.description, &json)
    optional("address", occurrence.address?.description, &json)
    optional("port", occurrence.port, &json)
    json.endObject()
  }

  private static func optional(_ name: StaticString, _ value: String?, _ json: inout JSONWriter) {
    guard let value else { return }
    json.key(name)
    json.string(value)
  }

  /// `expectations`: how many there were and how many hold; nil: none were asked.
  public static func check(
    _ findings: [Finding], services: Int, frontends: Int, traced: Int, expectations: (all: Int, met: Int)? = nil,
    nodePorts: [NodePortAnswer]? = nil
  ) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.key("findings")
    json.beginArray()
    for finding in findings { write(finding, to: &json) }
    json.endArray()
    json.key("summary")
    json.beginObject()
    json.key("services")
    json.number(services)
    json.key("frontends")
    json.number(frontends)
    json.key("traced")
    json.number(traced)
    if let expectations {
      json.key("expectations")
      json.number(expectations.all)
      json.key("expectationsMet")
      json.number(expectations.met)
    }
    for severity in Finding.Severity.allCases.reversed() {
      json.key(severity.rawValue)
      json.number(findings.count { $0.severity == severity })
    }
    json.endObject()
    if let nodePorts {
      json.key("nodePorts")
      NodePortsText.write(nodePorts, to: &json)
    }
    json.endObject()
    json.newline()
    return json.bytes
  }
}

/// Findings as JUnit XML: one test case a check, and one an expectation; failing where it found errors or warnings.
public enum FindingsJUnit {
  public typealias Case = (name: String, findings: [Finding])

  public static func render(_ findings: [Finding], checks: [String], expectations: [Case] = []) -> String {
    let byCheck = checks.map { id in Case(name: id, findings: findings.filter { $0.id == id }) }
    let failures = (byCheck + expectations).count { $0.findings.contains { $0.severity > .info } }
    var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    out +=
      "<testsuite name=\"kubepath check\" tests=\"\(checks.count + expectations.count)\" failures=\"\(failures)\">\n"
    for item in byCheck { write(item, className: "kubepath", &out) }
    for item in expectations { write(item, className: "kubepath.expect", &out) }
    return out + "</testsuite>\n"
  }

  private static func write(_ item: Case, className: String, _ out: inout String) {
    out += "  <testcase classname=\"\(className)\" name=\"\(escape(item.name))\""
    let own = item.findings.filter { $0.severity > .info }
    guard !own.isEmpty else {
      out += "/>\n"
      return
    }
    out += ">\n    <failure message=\"\(escape(own[0].problem))\" type=\"\(own[0].severity.rawValue)\">"
    out += escape(own.map { "\($0.problem): \($0.cause)" }.joined(separator: "\n")) + "</failure>\n  </testcase>\n"
  }

  private static func escape(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "\n": out += "&#10;"
      default:
        // XML 1.0 has no other control characters.
        let isAllowed = scalar.value >= 0x20 && scalar.value != 0x7F && !(0xFFFE...0xFFFF).contains(scalar.value)
        if isAllowed { out.unicodeScalars.append(scalar) } else { out += "?" }
      }
    }
    return out
  }
}

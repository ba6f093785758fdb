import Findings
import ServiceMap

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
    if let traffic = occurrence.traffic {
      json.key("protocol")
      json.string("\(traffic.ipProtocol)")
      json.key("source")
      json.string("\(traffic.source)")
      if traffic.isLocal {
        json.key("from")
        json.string("local")
      }
      json.key("destination")
      json.string("\(traffic.address)")
      json.key("destinationPort")
      json.number(traffic.port)
    }
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

import Findings
import ServiceMap
import Snapshot

/// A way from outside to an Ingress' backend, a line a stage, as text and as JSON. It is given what to print: the floors below
/// know no journeys.
public struct ExternalJourneyText {
  public struct Stage {
    public var place: String
    public var name: String
    public var packet: String
    public var problem: String?
    /// `iptables-save.txt:41`; empty: none.
    public var source: String

    public init(place: String, name: String, packet: String, problem: String?, source: String) {
      self.place = place
      self.name = name
      self.packet = packet
      self.problem = problem
      self.source = source
    }
  }

  private let url: String
  private let service: String
  private let answer: String
  private let why: String
  private let failed: Bool
  private let stages: [Stage]
  private let takesDown: [String]
  private let fix: [Fix]

  public init(
    url: String, service: String, answer: String, why: String, failed: Bool, stages: [Stage], takesDown: [String],
    fix: [Fix]
  ) {
    (self.url, self.service, self.answer, self.why) = (url, service, answer, why)
    (self.failed, self.stages, self.takesDown, self.fix) = (failed, stages, takesDown, fix)
  }

  public func render(_ style: Style) -> String {
    let word = failed ? style.bad(answer.uppercased()) : style.good(answer.uppercased())
    var lines = style.paragraph(
      "\(word)  ", "\(printable(url, limit: .max)): \(printable(why, limit: .max))", hanging: 2)
    lines.append("")
    for (index, stage) in stages.enumerated() {
      let mark = stage.problem == nil ? "\(index + 1)" : style.bad("✗")
      let source = stage.source.isEmpty ? "" : "  " + style.dim(printable(stage.source))
      lines += style.paragraph("  \(mark) ", printable(stage.name, limit: .max) + source, hanging: 6)
      if !stage.packet.isEmpty { lines += style.paragraph("      ", printable(stage.packet, limit: .max)) }
      if let problem = stage.problem { lines += style.paragraph("      ", printable(problem, limit: .max)) }
    }
    if !takesDown.isEmpty {
      lines += [""] + style.paragraph("  takes down: ", printable(takesDown.joined(separator: ", "), limit: .max))
    }
    if !fix.isEmpty { lines += ["", style.bold("What to do")] }
    for item in fix { lines += FixText(style).lines(item, headings: ("  ", "  ")) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One object, and the end of its line.
  public func json() -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.key("url")
    json.string(url)
    json.key("service")
    if service.isEmpty { json.null() } else { json.string(service) }
    json.key("answer")
    json.string(answer)
    json.key("why")
    json.string(why)
    json.key("stages")
    json.beginArray()
    for stage in stages {
      json.beginObject()
      json.key("place")
      json.string(stage.place)
      json.key("name")
      json.string(stage.name)
      json.key("packet")
      json.string(stage.packet)
      json.key("problem")
      if let problem = stage.problem { json.string(problem) } else { json.null() }
      json.key("source")
      json.string(stage.source)
      json.endObject()
    }
    json.endArray()
    json.key("takesDown")
    json.beginArray()
    for place in takesDown { json.string(place) }
    json.endArray()
    json.key("fix")
    json.beginArray()
    for item in fix {
      json.beginObject()
      json.key(item.command == nil ? "advice" : "command")
      json.string(item.text)
      if let why = item.why {
        json.key("why")
        json.string(why)
      }
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}

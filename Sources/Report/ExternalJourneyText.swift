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

  private static let width = 100
  private static let longest = 1200

  public func render(_ style: Style) -> String {
    let word = failed ? style.bad(answer) : style.good(answer)
    let headline = wrapped(
      "\(printable(url, limit: 300)): \(printable(why, limit: Self.longest))", Self.width - answer.count - 1)
    var lines = headline.enumerated().map { $0.offset == 0 ? "\(word) \($0.element)" : "  \($0.element)" }
    lines.append("")
    for (index, stage) in stages.enumerated() {
      let mark = stage.problem == nil ? "\(index + 1)" : style.bad("✗")
      let source = stage.source.isEmpty ? "" : "  " + style.dim(printable(stage.source, limit: 200))
      lines.append("  \(mark) \(printable(stage.name, limit: 200))\(source)")
      if !stage.packet.isEmpty { lines.append("      \(printable(stage.packet, limit: 400))") }
      if let problem = stage.problem {
        lines += wrapped(printable(problem, limit: Self.longest), Self.width - 6).map { "      \($0)" }
      }
    }
    if !takesDown.isEmpty {
      lines += ["", "  takes down: \(printable(takesDown.joined(separator: ", "), limit: 600))"]
    }
    if !fix.isEmpty { lines.append("") }
    for item in fix {
      lines += FixText.lines(item, headings: ("  fix:      ", "  advice:   "), width: Self.width) {
        printable($0, limit: Self.longest)
      }
    }
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

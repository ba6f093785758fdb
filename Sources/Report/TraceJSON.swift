import Diagnosis
import Findings
import Input
import PacketPath
import Ruleset
import Snapshot
import Wire

/// Writes traces as the JSON contract has them. One writer serves one thread: it keeps the text of steps and
/// probabilities that it wrote, since in a run over many flows the same come again.
public struct TraceJSON {
  private let snapshot: Snapshot
  private let ruleset: Ruleset
  private let withSteps: Bool
  /// What an address is called where objects tell.
  private let name: (IPAddress) -> String?
  let steps: StepTexts
  private var numbers: [(value: Double, text: [UInt8])]
  private var path: [Step] = []

  public init(
    _ snapshot: Snapshot, steps: Bool = true, name: @escaping (IPAddress) -> String? = { _ in nil }
  ) {
    self.name = name
    self.snapshot = snapshot
    ruleset = snapshot.ruleset
    withSteps = steps
    self.steps = StepTexts(ruleset)
    numbers = Array(repeating: (.nan, []), count: 256)
  }

  public mutating func write(
    _ trace: Trace, _ judgement: Judgement, findings: [Finding] = [], to out: inout TextBuffer
  ) {
    Self.begin(trace.flow, to: &out)
    let template = template(trace, judgement, findings: findings, details: true)
    template.write(trace.flow, steps, to: &out)
  }

  /// What is each flow's own: the object's members up to `flow`.
  static func begin(_ flow: Flow, to out: inout TextBuffer) {
    out.literal("{\"id\":")
    out.quoted(flow.id)
    out.literal(",\"flow\":")
    write(flow, to: &out)
  }

  /// The members behind `flow`, and the object's end. `details`: what one flow's text tells too; it costs more than the rest, and
  /// where many flows share a template it is not each one's.
  mutating func template(
    _ trace: Trace, _ judgement: Judgement, findings: [Finding], details: Bool = false
  ) -> TraceTemplate {
    var out = TextBuffer(capacity: 4096)
    var marks: [TraceTemplate.Mark] = []
    if details {
      out.literal(",\"node\":")
      out.quoted(snapshot.name)
    }
    out.literal(",\"service\":")
    if let service = judgement.service { out.quoted(service) } else { out.literal("null") }
    out.literal(",\"answer\":")
    out.quoted(judgement.answer.rawValue)
    out.literal(",\"why\":")
    out.quoted(judgement.why)
    Self.findings(findings, to: &out)
    Self.list(",\"undecided\":", judgement.undecided, to: &out)
    Self.list(",\"wanted\":", judgement.wanted, to: &out)
    out.literal(",\"outcomes\":[")
    let hasPorts = trace.flow.ipProtocol.hasPorts
    for (number, outcome) in trace.outcomes.enumerated() {
      if number > 0 { out.byte(UInt8(ascii: ",")) }
      write(outcome, hasPorts, details: details ? trace : nil, to: &out, &marks)
    }
    out.literal("]")
    if trace.truncated > 0 {
      out.literal(",\"truncatedBranches\":")
      out.decimal(trace.truncated)
    }
    out.literal("}")
    return TraceTemplate(text: Array(out.bytes), marks: marks, answer: judgement.answer)
  }

  /// A member with strings; nothing where there are none.
  static func findings(_ findings: [Finding], to out: inout TextBuffer) {
    out.literal(",\"findings\":")
    guard !findings.isEmpty else { return out.literal("[]") }
    var json = JSONWriter()
    json.beginArray()
    for finding in findings { FindingsJSON.write(finding, to: &json) }
    json.endArray()
    json.bytes.withUnsafeBytes { out.raw($0) }
  }

  static func list(_ name: StaticString, _ strings: [String], to out: inout TextBuffer) {
    guard !strings.isEmpty else { return }
    out.literal(name)
    for (number, text) in strings.enumerated() {
      out.literal(number == 0 ? "[" : ",")
      out.quoted(text)
    }
    out.literal("]")
  }

  /// Forgets the steps; numbers in templates that were made before mean nothing any more.
  func forgetSteps() { steps.removeAll() }

  static func write(_ flow: Flow, to out: inout TextBuffer) {
    out.literal("{\"id\":")
    out.quoted(flow.id)
    out.literal(",\"protocol\":")
    switch flow.ipProtocol {
    case .tcp: out.literal("\"tcp\"")
    case .udp: out.literal("\"udp\"")
    default: out.quoted(flow.ipProtocol.description)
    }
    let hasPorts = flow.ipProtocol.hasPorts
    out.literal(",\"source\":\"")
    out.address(flow.source)
    if hasPorts {
      out.literal("\",\"sourcePort\":")
      out.decimal(UInt64(flow.sourcePort))
      out.literal(",\"destination\":\"")
    } else {
      out.literal("\",\"destination\":\"")
    }
    destination(flow.destination, flow.destinationPort, hasPorts, to: &out)
    out.literal(",\"from\":")
    out.quoted(flow.from)
    func member(_ name: StaticString, _ value: (some BinaryInteger)?, _ out: inout TextBuffer) {
      guard let value else { return }
      out.literal(name)
      out.decimal(value)
    }
    member(",\"icmpType\":", flow.icmpType, &out)
    member(",\"icmpCode\":", flow.icmpCode, &out)
    member(",\"length\":", flow.length, &out)
    member(",\"mark\":", flow.mark, &out)
    member(",\"tcpFlags\":", flow.tcpFlags, &out)
    member(",\"uid\":", flow.uid, &out)
    member(",\"gid\":", flow.gid, &out)
    if let fragment = flow.dontFragment {
      out.literal(",\"dontFragment\":")
      out.raw(fragment ? "true" : "false")
    }
    out.literal("}")
  }

  /// An address behind its opening quote, and the port.
  private static func destination(_ address: IPAddress, _ port: UInt16, _ hasPorts: Bool, to out: inout TextBuffer) {
    out.address(address)
    out.byte(UInt8(ascii: "\""))
    if hasPorts {
      out.literal(",\"destinationPort\":")
      out.decimal(UInt64(port))
    }
  }

  private mutating func write(
    _ outcome: Outcome, _ hasPorts: Bool, details trace: Trace?, to out: inout TextBuffer,
    _ marks: inout [TraceTemplate.Mark]
  ) {
    out.literal("{\"verdict\":")
    out.quoted(outcome.verdict.rawValue)
    out.literal(",\"probability\":")
    number(outcome.probability, to: &out)
    out.literal(",\"assumptions\":[")
    for (number, assumption) in outcome.assumptions.enumerated() {
      if number > 0 { out.byte(UInt8(ascii: ",")) }
      out.quoted(assumption)
    }
    out.literal("],\"packet\":{\"source\":\"")
    if outcome.sourceIsFlows {
      marks.append(TraceTemplate.Mark(offset: UInt32(out.count), kind: TraceTemplate.Mark.source))
    } else {
      out.address(outcome.source)
    }
    out.byte(UInt8(ascii: "\""))
    if hasPorts {
      out.literal(",\"sourcePort\":")
      if outcome.sourcePort == nil {
        out.literal("null")
      } else if outcome.sourcePortIsFlows {
        marks.append(TraceTemplate.Mark(offset: UInt32(out.count), kind: TraceTemplate.Mark.sourcePort))
      } else {
        out.decimal(UInt64(outcome.sourcePort!))
      }
    }
    out.literal(",\"destination\":\"")
    Self.destination(outcome.destination, outcome.destinationPort, hasPorts, to: &out)
    out.literal("}")
    if let name = outcome.outInterface {
      out.literal(",\"outInterface\":")
      out.quoted(name)
    }
    if let reason = outcome.rejectWith {
      out.literal(",\"rejectWith\":")
      out.quoted(reason)
    }
    if let reason = outcome.reason {
      out.literal(",\"detail\":")
      out.quoted(reason.description)
    }
    if outcome.balancer != nil, let balancer = BalancerText(outcome, snapshot) {
      var json = JSONWriter()
      balancer.write(to: &json)
      out.literal(",\"balancer\":")
      json.bytes.withUnsafeBytes { out.raw($0) }
    }
    out.literal(",\"mark\":")
    out.decimal(UInt64(outcome.mark))
    if let trace { details(outcome, trace, to: &out) }
    if withSteps { write(outcome.steps, to: &out, &marks) }
    out.literal("}")
  }

  /// The route, the rules that translate, and the steps that decided: what the text shows of an outcome.
  private func details(_ outcome: Outcome, _ trace: Trace, to out: inout TextBuffer) {
    var json = JSONWriter()
    json.beginObject()
    if let (route, gateway) = trace.route(of: outcome) {
      json.key("route")
      json.beginObject()
      json.key("type")
      json.string("\(route.type)")
      json.key("destination")
      json.string("\(route.destination)")
      if let gateway {
        json.key("gateway")
        json.address(gateway)
      }
      place(route.file < ruleset.files.count ? ruleset.files[Int(route.file)].name : "", Int(route.line), &json)
      json.endObject()
    }
    if let name = name(outcome.destination) {
      json.key("destinationName")
      json.string(name)
    }
    json.key("translations")
    json.beginArray()
    for (kind, rule) in [("dnat", outcome.destinationRule), ("snat", outcome.sourceRule)] {
      guard let rule else { continue }
      let found = ruleset[rule]
      let chain = ruleset[found.chain]
      json.beginObject()
      json.key("kind")
      json.string(kind)
      json.key("address")
      json.address(kind == "dnat" ? outcome.destination : outcome.source)
      if let port = kind == "dnat" ? outcome.destinationPort : outcome.sourcePort, port != 0 {
        json.key("port")
        json.number(Int(port))
      }
      json.key("table")
      json.string(ruleset[chain.table].name)
      json.key("chain")
      json.string(ruleset.names[chain.name])
      place(
        ruleset.files.indices.contains(Int(found.file)) ? ruleset.files[Int(found.file)].name : "", Int(found.line),
        &json)
      json.endObject()
    }
    json.endArray()
    json.key("deciding")
    json.beginArray()
    for step in DecidingSteps(trace, ruleset).steps(of: outcome) {
      json.beginObject()
      json.key("step")
      json.number(step.number)
      json.key("effect")
      json.string(step.effect)
      json.key("because")
      json.beginArray()
      for match in step.matches { json.string(match) }
      json.endArray()
      json.key("elements")
      json.beginArray()
      for element in step.elements {
        json.beginObject()
        json.key("set")
        json.string(element.set)
        json.key("text")
        json.string(element.text)
        json.endObject()
      }
      json.endArray()
      json.endObject()
    }
    json.endArray()
    json.endObject()
    // The members alone: they stand in the outcome's object.
    out.literal(",")
    json.bytes.withUnsafeBytes { out.raw(UnsafeRawBufferPointer(rebasing: $0.dropFirst().dropLast())) }
  }

  private func place(_ file: String, _ line: Int, _ json: inout JSONWriter) {
    guard line > 0 else { return }
    json.key("file")
    json.string(file)
    json.key("line")
    json.number(line)
  }

  /// One outcome of a flow.
  mutating func write(_ outcome: Outcome, of flow: Flow, details trace: Trace? = nil, to out: inout TextBuffer) {
    var text = TextBuffer(capacity: 1024)
    var marks: [TraceTemplate.Mark] = []
    write(outcome, flow.ipProtocol.hasPorts, details: trace, to: &text, &marks)
    TraceTemplate(text: Array(text.bytes), marks: marks, answer: .unsure).write(flow, steps, to: &out)
  }

  /// The shortest text that reads back as the same number.
  mutating func number(_ value: Double, to out: inout TextBuffer) {
    if value == 1 { return out.literal("1") }
    let slot = Int(truncatingIfNeeded: (value.bitPattern &* 0x9E37_79B9_7F4A_7C15) >> 56)
    if numbers[slot].value != value {
      var json = JSONWriter()
      json.number(value)
      numbers[slot] = (value, json.bytes)
    }
    numbers[slot].text.withUnsafeBytes { out.raw($0) }
  }

  private mutating func write(
    _ steps: StepPath, to out: inout TextBuffer, _ marks: inout [TraceTemplate.Mark]
  ) {
    path.removeAll(keepingCapacity: true)
    steps.append(to: &path)
    out.literal(",\"steps\":[")
    for (number, step) in path.enumerated() {
      if number > 0 { out.byte(UInt8(ascii: ",")) }
      let kind = TraceTemplate.Mark.firstStep + UInt32(self.steps.number(of: step))
      marks.append(TraceTemplate.Mark(offset: UInt32(out.count), kind: kind))
    }
    out.literal("]")
  }
}

import Diagnosis
import Findings
import Input
import Journey
import PacketPath
import Snapshot
import Wire

/// Writes journeys as the JSON contract has them. One writer serves one thread.
public struct JourneyJSON {
  private let map: BundleMap
  private let withSteps: Bool
  /// What one flow's text tells too.
  private let withDetails: Bool
  private var writers: [Int: TraceJSON] = [:]

  public init(_ map: BundleMap, steps: Bool, details: Bool = false) {
    self.map = map
    withSteps = steps
    withDetails = details
  }

  public mutating func write(_ answer: JourneyAnswer, findings: [Finding] = [], to out: inout TextBuffer) {
    TraceJSON.begin(answer.flow, to: &out)
    out.literal(",\"service\":")
    if let service = answer.service { out.quoted(service) } else { out.literal("null") }
    out.literal(",\"answer\":")
    out.quoted(answer.answer.rawValue)
    out.literal(",\"why\":")
    out.quoted(answer.why)
    TraceJSON.findings(findings, to: &out)
    TraceJSON.list(",\"undecided\":", answer.undecided, to: &out)
    TraceJSON.list(",\"wanted\":", answer.wanted, to: &out)
    out.literal(",\"outcomes\":[")
    if let first = firstLeg(answer.journeys) {
      for (number, outcome) in first.trace.outcomes.enumerated() {
        if number > 0 { out.byte(UInt8(ascii: ",")) }
        write(outcome, of: first, to: &out)
      }
    }
    out.literal("],\"journeys\":[")
    for (number, journey) in answer.journeys.enumerated() {
      if number > 0 { out.byte(UInt8(ascii: ",")) }
      write(journey, to: &out)
    }
    out.literal("]")
    if answer.cut > 0 {
      out.literal(",\"truncatedJourneys\":")
      out.decimal(answer.cut)
    }
    out.literal("}")
  }

  /// The first leg on a node.
  private func firstLeg(_ journeys: [Journey]) -> LegFork? {
    for journey in journeys {
      for case .leg(let fork, _) in journey.parts where map.place(fork.namespace).pod == nil { return fork }
    }
    return nil
  }

  private mutating func write(_ outcome: Outcome, of leg: LegFork, to out: inout TextBuffer) {
    if writers[leg.namespace] == nil {
      writers[leg.namespace] = TraceJSON(map.snapshot(of: leg.namespace), steps: withSteps)
    }
    writers[leg.namespace]!.write(outcome, of: leg.flow, details: withDetails ? leg.trace : nil, to: &out)
  }

  private mutating func write(_ journey: Journey, to out: inout TextBuffer) {
    let ending = journey.ending
    out.literal("{\"answer\":")
    out.quoted(journey.answer.rawValue)
    out.literal(",\"probability\":")
    var json = JSONWriter()
    json.number(journey.probability)
    json.bytes.withUnsafeBytes { out.raw($0) }
    out.literal(",\"what\":")
    out.quoted(journey.what)
    out.literal(",\"failedAt\":")
    if journey.answer.isGood || journey.answer == .unsure {
      out.literal("null")
    } else {
      place(journey.failedAt, to: &out)
      out.literal(",\"direction\":")
      out.quoted(ending.phase.isReply ? "reply" : "request")
      out.literal(",\"what\":")
      out.quoted(journey.what)
      out.literal("}")
    }
    out.literal(",\"endpoint\":")
    if let arrival = ending.arrival {
      out.literal("{\"address\":")
      out.quoted("\(arrival.address)")
      out.literal(",\"port\":")
      out.decimal(UInt64(arrival.port))
      out.literal(",\"node\":")
      optional(arrival.place?.node, to: &out)
      out.literal(",\"pod\":")
      optional(arrival.place?.pod, to: &out)
      if let process = arrival.process, !process.isEmpty {
        out.literal(",\"process\":")
        out.quoted(process)
      }
      out.literal("},\"seenSource\":")
      out.quoted("\(arrival.seenSource)")
    } else {
      out.literal("null,\"seenSource\":null")
    }
    out.literal(",\"pathMTU\":{\"request\":")
    optional(ending.requestMTU, to: &out)
    out.literal(",\"reply\":")
    optional(ending.replyMTU, to: &out)
    out.literal("},\"legs\":[")
    var isFirst = true
    for case .leg(let fork, let number) in journey.parts {
      if !isFirst { out.byte(UInt8(ascii: ",")) }
      isFirst = false
      write(fork, number, to: &out)
    }
    out.literal("],\"crossings\":[")
    isFirst = true
    for case .crossing(let crossing) in journey.parts {
      if !isFirst { out.byte(UInt8(ascii: ",")) }
      isFirst = false
      write(crossing, to: &out)
    }
    out.literal("]}")
  }

  private mutating func write(_ fork: LegFork, _ number: Int, to out: inout TextBuffer) {
    let outcome = fork.trace.outcomes[number]
    place(map.place(fork.namespace), to: &out)
    out.literal(",\"direction\":")
    out.quoted(fork.phase.isReply ? "reply" : "request")
    if fork.phase.isFurther { out.literal(",\"later\":true") }
    out.literal(",\"in\":")
    out.quoted(fork.flow.from)
    out.literal(",\"out\":")
    optional(outcome.outInterface, to: &out)
    out.literal(",\"packetIn\":")
    let hasPorts = fork.flow.ipProtocol.hasPorts
    packet(fork.flow.source, fork.flow.sourcePort, fork.flow.destination, fork.flow.destinationPort, hasPorts, to: &out)
    out.literal(",\"packetOut\":")
    packet(outcome.source, outcome.sourcePort, outcome.destination, outcome.destinationPort, hasPorts, to: &out)
    out.literal(",\"outcome\":")
    write(outcome, of: fork, to: &out)
    out.literal("}")
  }

  private func write(_ crossing: Crossing, to out: inout TextBuffer) {
    out.literal("{\"kind\":")
    out.quoted(crossing.kind.rawValue)
    out.literal(",\"from\":")
    side(crossing.from, to: &out)
    out.literal(",\"to\":")
    if let to = crossing.to { side(to, to: &out) } else { out.literal("null") }
    out.literal(",\"outer\":")
    if let outer = crossing.outer { TraceJSON.write(outer, to: &out) } else { out.literal("null") }
    out.literal(",\"overhead\":")
    out.decimal(crossing.overhead)
    out.literal(",\"mtu\":")
    optional(crossing.mtu, to: &out)
    if let router = crossing.router {
      out.literal(",\"router\":")
      out.quoted("\(router)")
    }
    out.literal("}")
  }

  // MARK: pieces

  /// An object's first members; it stays open.
  private func place(_ place: Place?, to out: inout TextBuffer) {
    out.literal("{\"node\":")
    optional(place?.node, to: &out)
    out.literal(",\"pod\":")
    optional(place?.pod, to: &out)
  }

  private func side(_ side: Crossing.Side, to out: inout TextBuffer) {
    place(side.place, to: &out)
    out.literal(",\"interface\":")
    out.quoted(side.interface)
    out.literal("}")
  }

  private func packet(
    _ source: IPAddress, _ sourcePort: UInt16?, _ destination: IPAddress, _ destinationPort: UInt16, _ hasPorts: Bool,
    to out: inout TextBuffer
  ) {
    out.literal("{\"source\":\"")
    out.address(source)
    out.literal("\"")
    if hasPorts {
      out.literal(",\"sourcePort\":")
      optional(sourcePort.map(Int.init), to: &out)
    }
    out.literal(",\"destination\":\"")
    out.address(destination)
    out.literal("\"")
    if hasPorts {
      out.literal(",\"destinationPort\":")
      out.decimal(UInt64(destinationPort))
    }
    out.literal("}")
  }

  private func optional(_ text: String?, to out: inout TextBuffer) {
    if let text { out.quoted(text) } else { out.literal("null") }
  }

  private func optional(_ number: Int?, to out: inout TextBuffer) {
    if let number { out.decimal(number) } else { out.literal("null") }
  }
}

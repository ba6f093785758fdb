import Diagnosis
import Input
import PacketPath
import Snapshot
import Wire

/// One line a flow, for people who trace many: its id, its addresses, the three likeliest ends and the Service.
struct TraceLine {
  private let text: TraceText
  private static let shown = 3

  init(_ snapshot: Snapshot) { text = TraceText(snapshot, style: Style(coloured: false)) }

  /// What is each flow's own.
  func begin(_ flow: Flow, to out: inout TextBuffer) { Self.begin(flow, to: &out) }

  static func begin(_ flow: Flow, to out: inout TextBuffer) {
    out.printable(flow.id)
    out.literal("  ")
    end(flow.source, flow.sourcePort, flow, to: &out)
    out.literal(" → ")
    end(flow.destination, flow.destinationPort, flow, to: &out)
  }

  /// The rest of the line.
  func template(_ trace: Trace, _ judgement: Judgement) -> TraceTemplate {
    var out = TextBuffer(capacity: 256)
    let groups = OutcomeGroup.of(trace.outcomes)
    out.literal("  ")
    out.raw(judgement.answer.rawValue)
    out.literal(":")
    for (number, group) in groups.prefix(Self.shown).enumerated() {
      out.literal(number == 0 ? " " : ", ")
      result(trace.outcomes[group.first], to: &out)
      if trace.worlds.isEmpty {
        out.byte(UInt8(ascii: " "))
        out.raw(percent(group.probability))
      }
    }
    if groups.count > Self.shown {
      out.literal(", … ")
      out.decimal(groups.count - Self.shown)
      out.literal(" more")
    }
    if let service = judgement.service {
      out.literal("  [")
      out.printable(service)
      out.byte(UInt8(ascii: "]"))
    }
    return TraceTemplate(text: Array(out.bytes), marks: [], answer: judgement.answer)
  }

  private static func end(_ address: IPAddress, _ port: UInt16, _ flow: Flow, to out: inout TextBuffer) {
    if flow.ipProtocol.hasPorts { out.socket(address, port) } else { out.address(address) }
  }

  /// `TraceText.result`, the common ends without making strings.
  private func result(_ outcome: Outcome, to out: inout TextBuffer) {
    switch outcome.verdict {
    case .forward, .deliver:
      out.literal(outcome.verdict == .forward ? "forwarded to " : "delivered at ")
      if outcome.destinationPort == 0 {
        out.address(outcome.destination)
      } else {
        out.socket(outcome.destination, outcome.destinationPort)
      }
      if let name = outcome.outInterface {
        out.literal(" by ")
        out.printable(name)
      }
    case .drop, .reject, .noroute: out.raw(text.result(outcome))
    }
  }
}

import PacketPath
import Ruleset
import Snapshot
import Wire

/// Writes traces as the JSON contract has them. One writer serves one thread: it keeps the text of steps and
/// probabilities it wrote lately, since in a run over many flows the same come again.
public struct TraceJSON {
  private let snapshot: Snapshot
  private let ruleset: Ruleset
  private let withSteps: Bool
  private var lately: [RecentStep]
  private var numbers: [(value: Double, text: [UInt8])]
  private var steps: [Step] = []

  private struct RecentStep {
    var identity = Bits128.ones
    var text: [UInt8] = []
  }

  public init(_ snapshot: Snapshot, steps: Bool = true) {
    self.snapshot = snapshot
    ruleset = snapshot.ruleset
    withSteps = steps
    lately = Array(repeating: RecentStep(), count: steps ? 1 << 12 : 1)
    numbers = Array(repeating: (.nan, []), count: 256)
  }

  public mutating func write(_ trace: Trace, service: String?, to out: inout TextBuffer) {
    out.literal("{\"id\":")
    out.quoted(trace.flow.id)
    out.literal(",\"flow\":")
    Self.write(trace.flow, to: &out)
    out.literal(",\"service\":")
    if let service { out.quoted(service) } else { out.literal("null") }
    out.literal(",\"outcomes\":[")
    let hasPorts = trace.flow.ipProtocol.hasPorts
    for (number, outcome) in trace.outcomes.enumerated() {
      if number > 0 { out.byte(UInt8(ascii: ",")) }
      write(outcome, hasPorts, to: &out)
    }
    out.literal("]")
    if trace.truncated > 0 {
      out.literal(",\"truncatedBranches\":")
      out.decimal(trace.truncated)
    }
    out.literal("}")
  }

  static func write(_ flow: Flow, to out: inout TextBuffer) {
    out.literal("{\"id\":")
    out.quoted(flow.id)
    out.literal(",\"protocol\":")
    switch flow.ipProtocol {
    case .tcp: out.literal("\"tcp\"")
    case .udp: out.literal("\"udp\"")
    default: out.quoted(flow.ipProtocol.description)
    }
    out.byte(UInt8(ascii: ","))
    ends(flow.source, flow.sourcePort, flow.destination, flow.destinationPort, flow.ipProtocol.hasPorts, to: &out)
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
    if let fragment = flow.dontFragment {
      out.literal(",\"dontFragment\":")
      out.raw(fragment ? "true" : "false")
    }
    out.literal("}")
  }

  /// Members `source` to `destinationPort`.
  private static func ends(
    _ source: IPAddress, _ sourcePort: UInt16?, _ destination: IPAddress, _ destinationPort: UInt16, _ hasPorts: Bool,
    to out: inout TextBuffer
  ) {
    out.literal("\"source\":\"")
    out.address(source)
    if hasPorts {
      out.literal("\",\"sourcePort\":")
      if let sourcePort { out.decimal(UInt64(sourcePort)) } else { out.literal("null") }
      out.literal(",\"destination\":\"")
      out.address(destination)
      out.literal("\",\"destinationPort\":")
      out.decimal(UInt64(destinationPort))
    } else {
      out.literal("\",\"destination\":\"")
      out.address(destination)
      out.byte(UInt8(ascii: "\""))
    }
  }

  private mutating func write(_ outcome: Outcome, _ hasPorts: Bool, to out: inout TextBuffer) {
    switch outcome.verdict {
    case .forward: out.literal("{\"verdict\":\"forward\",\"probability\":")
    case .deliver: out.literal("{\"verdict\":\"deliver\",\"probability\":")
    case .drop: out.literal("{\"verdict\":\"drop\",\"probability\":")
    case .reject: out.literal("{\"verdict\":\"reject\",\"probability\":")
    case .noroute: out.literal("{\"verdict\":\"noroute\",\"probability\":")
    }
    number(outcome.probability, to: &out)
    out.literal(",\"assumptions\":[")
    for (number, assumption) in outcome.assumptions.enumerated() {
      if number > 0 { out.byte(UInt8(ascii: ",")) }
      out.quoted(assumption)
    }
    out.literal("],\"packet\":{")
    Self.ends(
      outcome.source, outcome.sourcePort, outcome.destination, outcome.destinationPort, hasPorts, to: &out)
    out.literal("}")
    if let name = outcome.outInterface {
      out.literal(",\"outInterface\":")
      out.quoted(name)
    }
    if let reason = outcome.rejectWith {
      out.literal(",\"rejectWith\":")
      out.quoted(reason)
    }
    if let detail = outcome.detail {
      out.literal(",\"detail\":")
      out.quoted(detail)
    }
    if outcome.balancer != nil, let balancer = BalancerText(outcome, snapshot) {
      var json = JSONWriter()
      balancer.write(to: &json)
      out.literal(",\"balancer\":")
      json.bytes.withUnsafeBytes { out.raw($0) }
    }
    out.literal(",\"mark\":")
    out.decimal(UInt64(outcome.mark))
    if withSteps { write(outcome.steps, to: &out) }
    out.literal("}")
  }

  /// The shortest text that reads back as the same number.
  private mutating func number(_ value: Double, to out: inout TextBuffer) {
    if value == 1 { return out.literal("1") }
    let slot = Int(truncatingIfNeeded: (value.bitPattern &* 0x9E37_79B9_7F4A_7C15) >> 56)
    if numbers[slot].value != value {
      var json = JSONWriter()
      json.number(value)
      numbers[slot] = (value, json.bytes)
    }
    numbers[slot].text.withUnsafeBytes { out.raw($0) }
  }

  private mutating func write(_ path: StepPath, to out: inout TextBuffer) {
    steps.removeAll(keepingCapacity: true)
    path.append(to: &steps)
    out.literal(",\"steps\":[")
    for (number, step) in steps.enumerated() {
      if number > 0 { out.byte(UInt8(ascii: ",")) }
      let identity = step.identity
      let mixed = (identity.high ^ identity.low << 33) &* 0x9E37_79B9_7F4A_7C15
      let slot = Int(truncatingIfNeeded: mixed >> 40) & (lately.count - 1)
      if lately[slot].identity != identity {
        lately[slot] = RecentStep(identity: identity, text: Self.text(step, ruleset))
      }
      lately[slot].text.withUnsafeBytes { out.raw($0) }
    }
    out.literal("]")
  }

  private static func text(_ step: Step, _ ruleset: Ruleset) -> [UInt8] {
    let chain = ruleset[step.chain]
    let table = ruleset[chain.table]
    var out = TextBuffer(capacity: 512)
    out.literal("{\"hook\":")
    out.quoted(step.hook.rawValue)
    out.literal(",\"family\":")
    out.quoted(table.family.rawValue)
    out.literal(",\"table\":")
    out.quoted(table.name)
    out.literal(",\"chain\":")
    out.quoted(ruleset.names[chain.name])
    if step.rule != nil {
      out.literal(",\"rule\":")
      out.decimal(step.position)
    }
    out.literal(",\"verdict\":")
    out.quoted(word(step.verdict, ruleset))
    if let id = step.rule {
      let rule = ruleset[id]
      out.literal(",\"file\":")
      out.quoted(ruleset.files.indices.contains(Int(rule.file)) ? ruleset.files[Int(rule.file)].name : "")
      out.literal(",\"line\":")
      out.decimal(UInt64(rule.line))
      out.literal(",\"text\":")
      out.quoted(ruleset.text(of: rule))
    }
    out.literal("}")
    return Array(out.bytes)
  }

  public static func word(_ verdict: StepVerdict, _ ruleset: Ruleset) -> String {
    switch verdict {
    case .accept: "accept"
    case .drop: "drop"
    case .return: "return"
    case .continue: "continue"
    case .queue: "queue"
    case .jump(let chain): "jump \(ruleset.name(of: chain))"
    case .goto(let chain): "goto \(ruleset.name(of: chain))"
    case .policyAccept: "policy accept"
    case .policyDrop: "policy drop"
    }
  }
}

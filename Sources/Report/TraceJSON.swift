import PacketPath
import Ruleset
import Snapshot
import Wire

/// Writes traces as the JSON contract has them. Keeps the text of steps it has written: in a run over many flows the
/// same rules come again and again.
public struct TraceJSON {
  private let snapshot: Snapshot
  private let ruleset: Ruleset
  private let withSteps: Bool
  private var known: [Step: [UInt8]] = [:]
  /// Bound on the cache: after this many steps it starts anew.
  private static let cacheLimit = 200_000

  public init(_ snapshot: Snapshot, steps: Bool = true) {
    self.snapshot = snapshot
    ruleset = snapshot.ruleset
    withSteps = steps
  }

  public mutating func write(_ trace: Trace, service: String?, names: [String: String] = [:], to json: inout JSONWriter)
  {
    json.beginObject()
    json.key("id")
    json.string(trace.flow.id)
    json.key("flow")
    Self.write(trace.flow, to: &json)
    json.key("service")
    if let service { json.string(service) } else { json.null() }
    json.key("outcomes")
    json.beginArray()
    for outcome in trace.outcomes { write(outcome, trace.flow, to: &json) }
    json.endArray()
    if trace.truncated > 0 {
      json.key("truncatedBranches")
      json.number(trace.truncated)
    }
    json.endObject()
  }

  static func write(_ flow: Flow, to json: inout JSONWriter) {
    json.beginObject()
    json.key("id")
    json.string(flow.id)
    json.key("protocol")
    json.string(flow.ipProtocol.description)
    json.key("source")
    json.address(flow.source)
    if flow.ipProtocol.hasPorts {
      json.key("sourcePort")
      json.number(flow.sourcePort)
    }
    json.key("destination")
    json.address(flow.destination)
    if flow.ipProtocol.hasPorts {
      json.key("destinationPort")
      json.number(flow.destinationPort)
    }
    json.key("from")
    json.string(flow.from)
    if let type = flow.icmpType {
      json.key("icmpType")
      json.number(type)
    }
    if let code = flow.icmpCode {
      json.key("icmpCode")
      json.number(code)
    }
    if let length = flow.length {
      json.key("length")
      json.number(length)
    }
    if let mark = flow.mark {
      json.key("mark")
      json.number(mark)
    }
    if let flags = flow.tcpFlags {
      json.key("tcpFlags")
      json.number(flags)
    }
    if let uid = flow.uid {
      json.key("uid")
      json.number(uid)
    }
    if let fragment = flow.dontFragment {
      json.key("dontFragment")
      json.bool(fragment)
    }
    json.endObject()
  }

  private mutating func write(_ outcome: Outcome, _ flow: Flow, to json: inout JSONWriter) {
    json.beginObject()
    json.key("verdict")
    json.string(outcome.verdict.rawValue)
    json.key("probability")
    json.number(outcome.probability)
    json.key("assumptions")
    json.beginArray()
    for assumption in outcome.assumptions { json.string(assumption) }
    json.endArray()
    json.key("packet")
    json.beginObject()
    json.key("source")
    json.address(outcome.source)
    if flow.ipProtocol.hasPorts {
      json.key("sourcePort")
      if let port = outcome.sourcePort { json.number(port) } else { json.null() }
    }
    json.key("destination")
    json.address(outcome.destination)
    if flow.ipProtocol.hasPorts {
      json.key("destinationPort")
      json.number(outcome.destinationPort)
    }
    json.endObject()
    if let name = outcome.outInterface {
      json.key("outInterface")
      json.string(name)
    }
    if let reason = outcome.rejectWith {
      json.key("rejectWith")
      json.string(reason)
    }
    if let detail = outcome.detail {
      json.key("detail")
      json.string(detail)
    }
    if outcome.balancer != nil, let balancer = BalancerText(outcome, snapshot) {
      json.key("balancer")
      balancer.write(to: &json)
    }
    json.key("mark")
    json.number(outcome.mark)
    if withSteps {
      json.key("steps")
      json.beginArray()
      for step in outcome.steps {
        if let text = known[step] {
          json.raw(text)
        } else {
          let text = Self.text(step, ruleset)
          if known.count >= Self.cacheLimit { known.removeAll(keepingCapacity: true) }
          known[step] = text
          json.raw(text)
        }
      }
      json.endArray()
    }
    json.endObject()
  }

  private static func text(_ step: Step, _ ruleset: Ruleset) -> [UInt8] {
    var json = JSONWriter()
    let chain = ruleset[step.chain]
    let table = ruleset[chain.table]
    json.beginObject()
    json.key("hook")
    json.string(step.hook.rawValue)
    json.key("family")
    json.string(table.family.rawValue)
    json.key("table")
    json.string(table.name)
    json.key("chain")
    json.string(ruleset.names[chain.name])
    if let id = step.rule {
      let rule = ruleset[id]
      json.key("rule")
      json.number(step.position)
      json.key("verdict")
      json.string(Self.word(step.verdict, ruleset))
      json.key("file")
      json.string(ruleset.files.indices.contains(Int(rule.file)) ? ruleset.files[Int(rule.file)].name : "")
      json.key("line")
      json.number(rule.line)
      json.key("text")
      json.string(ruleset.text(of: rule))
    } else {
      json.key("verdict")
      json.string(Self.word(step.verdict, ruleset))
    }
    json.endObject()
    return json.bytes
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

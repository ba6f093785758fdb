import Diagnosis
import Input
import PacketPath
import Snapshot

/// Traces a share of many flows and writes what becomes of them, a line each. Flows that must fare alike share one walk
/// and one text. A report serves one thread at a time; those of several threads share the node's model.
public final class FlowReport: @unchecked Sendable {
  public enum Form: Sendable {
    /// For people: `TraceLine`.
    case line
    /// The JSON contract's objects.
    case json(steps: Bool)

    var hasSteps: Bool {
      if case .json(let steps) = self { steps } else { false }
    }
  }

  private let tracer: PathTracer
  private let judge: Judge
  private var cache: FlowCache<TraceTemplate>
  private var json: TraceJSON
  private let line: TraceLine
  private let form: Form
  private var out = TextBuffer(capacity: 1 << 20)
  /// Of the last `run`: the flows that were traced, by their offset, and where their text ends.
  public private(set) var ends: [(flow: Int, end: Int)] = []
  /// Flows that no earlier one told the result of.
  public private(set) var walks = 0

  /// Bounds on what is kept, in bytes.
  private static let cacheLimit = 64 << 20
  private static let stepLimit = 96 << 20

  /// `model`: all rules read.
  public init(_ model: NodeModel, _ facts: AnswerFacts, _ form: Form, isCaching: Bool = true) {
    tracer = PathTracer(model)
    judge = Judge(tracer, facts)
    cache = FlowCache(model, limit: isCaching ? Self.cacheLimit : 0)
    let steps = if case .json(steps: true) = form { true } else { false }
    json = TraceJSON(model.snapshot, steps: steps)
    line = TraceLine(model.snapshot)
    self.form = form
  }

  /// Traces those of the flows that are this report's: with `parts` reports at work, a flow's `part` is the same for all
  /// flows to one destination. Then `text` has their lines.
  public func run(_ flows: ArraySlice<Flow>, part: Int = 0, of parts: Int = 1) {
    out.removeAll()
    ends.removeAll(keepingCapacity: true)
    for index in flows.indices where parts == 1 || Int(flows[index].digest >> 40) % parts == part {
      write(flows[index])
      ends.append((index - flows.startIndex, out.count))
    }
  }

  /// The lines of the last `run`; valid until the next.
  public var text: UnsafeRawBufferPointer { out.bytes }

  private func write(_ flow: Flow) {
    switch form {
    case .line: line.begin(flow, to: &out)
    case .json: TraceJSON.begin(flow, to: &out)
    }
    if let known = cache.find(flow) {
      known.write(flow, json.steps, to: &out)
    } else {
      if json.steps.size > Self.stepLimit {
        cache.removeAll()
        json.forgetSteps()
      }
      let made = walk(flow)
      made.write(flow, json.steps, to: &out)
    }
    out.newline()
  }

  private func walk(_ flow: Flow) -> TraceTemplate {
    walks += 1
    tracer.inspected = SourceInspection()
    judge.readsClient = false
    let (trace, judgement) = judge.judge(flow)
    if judge.readsClient { tracer.inspected.compareAll() }
    let template =
      switch form {
      case .line: line.template(trace, judgement)
      case .json: json.template(trace, judgement, findings: [])
      }
    cache.insert(flow, template, tracer.inspected, size: template.size)
    return template
  }
}

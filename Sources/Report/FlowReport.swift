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
  }

  private let tracer: PathTracer
  private var labels: ServiceLabels
  private var cache: FlowCache<TraceTemplate>
  private var json: TraceJSON
  private let line: TraceLine
  private let form: Form
  private let objects: ObjectNotes?
  private var out = TextBuffer(capacity: 1 << 20)
  /// Of the last `run`: the flows that were traced, by their offset, and where their text ends.
  public private(set) var ends: [(flow: Int, end: Int)] = []
  /// Whether some flow of any call failed.
  public private(set) var hasFailure = false
  /// Flows that no earlier one told the result of.
  public private(set) var walks = 0

  /// Bounds on what is kept, in bytes.
  private static let cacheLimit = 64 << 20
  private static let stepLimit = 96 << 20

  /// `model`: all rules read.
  public init(_ model: NodeModel, _ form: Form, objects: ObjectNotes? = nil, isCaching: Bool = true) {
    tracer = PathTracer(model)
    labels = ServiceLabels(model.snapshot.ruleset)
    cache = FlowCache(model, limit: isCaching ? Self.cacheLimit : 0)
    let steps = if case .json(steps: true) = form { true } else { false }
    json = TraceJSON(model.snapshot, steps: steps)
    line = TraceLine(model.snapshot)
    self.form = form
    self.objects = objects
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
      hasFailure = hasFailure || known.fails
    } else {
      if json.steps.size > Self.stepLimit {
        cache.removeAll()
        json.forgetSteps()
      }
      let made = walk(flow)
      made.write(flow, json.steps, to: &out)
      hasFailure = hasFailure || made.fails
    }
    out.newline()
  }

  private func walk(_ flow: Flow) -> TraceTemplate {
    walks += 1
    tracer.inspected = SourceInspection()
    let walked = tracer.trace(flow)
    let trace = objects?.completed(walked) ?? walked
    let service = labels.label(of: trace) ?? objects?.service(flow)
    let denials = objects?.denials(trace) ?? []
    // Policies may ask for any bit of it.
    if objects?.denial != nil { tracer.inspected.compareWholeAddress() }
    let template =
      switch form {
      case .line: line.template(trace, service: service, denials: denials)
      case .json: json.template(trace, service: service, denials: denials)
      }
    cache.insert(flow, template, tracer.inspected, size: template.size)
    return template
  }
}

import PacketPath
import Snapshot

/// Traces a share of many flows and writes what becomes of them, a line each. One report serves one thread at a time;
/// those of several threads share the node's model.
public final class FlowReport: @unchecked Sendable {
  public enum Form: Sendable {
    /// For people: `TraceLine`.
    case line
    /// The JSON contract's objects.
    case json(steps: Bool)
  }

  private let tracer: PathTracer
  private var labels: ServiceLabels
  private var json: TraceJSON
  private let line: TraceLine
  private let form: Form
  private var out = TextBuffer(capacity: 1 << 20)
  /// Whether some flow of any call failed.
  public private(set) var hasFailure = false

  public init(_ model: NodeModel, _ form: Form) {
    let ruleset = model.snapshot.ruleset
    tracer = PathTracer(model)
    labels = ServiceLabels(ruleset)
    line = TraceLine(model.snapshot)
    self.form = form
    if case .json(steps: true) = form {
      json = TraceJSON(model.snapshot)
    } else {
      json = TraceJSON(model.snapshot, steps: false)
    }
  }

  /// Traces the flows; `text` then has their lines, in order.
  public func run(_ flows: ArraySlice<Flow>) {
    out.removeAll()
    for flow in flows {
      let trace = tracer.trace(flow)
      let service = labels.label(of: trace)
      if trace.fails { hasFailure = true }
      switch form {
      case .line: line.write(trace, service: service, to: &out)
      case .json: json.write(trace, service: service, to: &out)
      }
      out.newline()
    }
  }

  /// The lines of the last `run`; valid until the next.
  public var text: UnsafeRawBufferPointer { out.bytes }
}

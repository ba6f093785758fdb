import Diagnosis
import Dispatch
import Input
import Intent
import Journey
import PacketPath

/// Follows many flows, some at once, and writes them in order.
public final class JourneyPool: @unchecked Sendable {
  private let map: BundleMap
  private let names: NameResolver?
  private let workers: [Worker]

  private final class Worker: @unchecked Sendable {
    let judge: JourneyJudge
    let form: FlowReport.Form
    var json: JourneyJSON
    var out = TextBuffer(capacity: 1 << 16)

    init(_ map: BundleMap, _ names: NameResolver?, _ form: FlowReport.Form) {
      judge = JourneyJudge(map, names)
      self.form = form
      json = JourneyJSON(map, steps: form.hasSteps)
    }

    func run(_ flows: ArraySlice<Flow>) {
      out.removeAll()
      for flow in flows {
        let answer = judge.judge(flow)
        switch form {
        case .json: json.write(answer, to: &out)
        case .line: line(flow, answer)
        }
        out.newline()
      }
    }

    /// As of one node's flows: id, addresses, answer and why, Service.
    private func line(_ flow: Flow, _ answer: JourneyAnswer) {
      TraceLine.begin(flow, to: &out)
      out.literal("  ")
      out.raw(answer.answer.rawValue)
      out.literal(": ")
      out.printable(answer.why)
      guard let service = answer.service else { return }
      out.literal("  [")
      out.printable(service)
      out.byte(UInt8(ascii: "]"))
    }
  }

  public init(_ map: BundleMap, _ names: NameResolver?, _ form: FlowReport.Form, threads: Int) {
    self.map = map
    self.names = names
    workers = (0..<max(threads, 1)).map { _ in Worker(map, names, form) }
  }

  public func run(_ flows: [Flow], _ write: (UnsafeRawBufferPointer) -> Void) {
    let parts = min(workers.count, max(flows.count, 1))
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      workers[part].run(flows[flows.count * part / parts..<flows.count * (part + 1) / parts])
    }
    for worker in workers[..<parts] { write(worker.out.bytes) }
  }
}

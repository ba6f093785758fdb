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
  private let withSteps: Bool
  private let workers: [Worker]

  private final class Worker: @unchecked Sendable {
    let judge: JourneyJudge
    var json: JourneyJSON
    var out = TextBuffer(capacity: 1 << 16)

    init(_ map: BundleMap, _ names: NameResolver?, steps: Bool) {
      judge = JourneyJudge(map, names)
      json = JourneyJSON(map, steps: steps)
    }

    func run(_ flows: ArraySlice<Flow>) {
      out.removeAll()
      for flow in flows {
        json.write(judge.judge(flow), to: &out)
        out.newline()
      }
    }
  }

  public init(_ map: BundleMap, _ names: NameResolver?, steps: Bool, threads: Int) {
    self.map = map
    self.names = names
    withSteps = steps
    workers = (0..<max(threads, 1)).map { _ in Worker(map, names, steps: steps) }
  }

  public func run(_ flows: [Flow], _ write: (UnsafeRawBufferPointer) -> Void) {
    let parts = min(workers.count, max(flows.count, 1))
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      workers[part].run(flows[flows.count * part / parts..<flows.count * (part + 1) / parts])
    }
    for worker in workers[..<parts] { write(worker.out.bytes) }
  }
}

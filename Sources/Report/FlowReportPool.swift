import Diagnosis
import Dispatch
import PacketPath

/// Several `FlowReport`s at work on one list of flows, a thread each. Flows to one destination always go to the same
/// report, so that each result is kept once.
public struct FlowReportPool: Sendable {
  private let reports: [FlowReport]
  /// Flows at a time: lines are short, objects with all their steps are not.
  private let block: Int

  /// `threads` from 1.
  public init(_ model: NodeModel, _ facts: AnswerFacts, _ form: FlowReport.Form, threads: Int) {
    reports = (0..<max(threads, 1)).map { _ in FlowReport(model, facts, form) }
    block = if case .json(steps: true) = form { 256 } else { 2048 }
  }

  /// Traces the flows and hands `write` their lines in order, many at a time; they are valid during the call.
  public func run(_ flows: [Flow], write: ([UnsafeRawBufferPointer]) -> Void) {
    var start = 0
    while start < flows.count {
      let slice = flows[start..<min(start + block, flows.count)]
      if reports.count == 1 {
        reports[0].run(slice)
      } else {
        DispatchQueue.concurrentPerform(iterations: reports.count) { part in
          reports[part].run(slice, part: part, of: reports.count)
        }
      }
      write(merged(slice.count))
      start += block
    }
  }

  /// The lines of all reports in the order of the flows; neighbours of one report as one piece.
  private func merged(_ count: Int) -> [UnsafeRawBufferPointer] {
    guard reports.count > 1 else { return [reports[0].text] }
    var pieces: [UnsafeRawBufferPointer] = []
    var next = [Int](repeating: 0, count: reports.count)
    var written = [Int](repeating: 0, count: reports.count)
    var flow = 0
    while flow < count {
      for (number, report) in reports.enumerated() {
        let first = next[number]
        while next[number] < report.ends.count, report.ends[next[number]].flow == flow {
          next[number] += 1
          flow += 1
        }
        guard next[number] > first else { continue }
        let end = report.ends[next[number] - 1].end
        pieces.append(UnsafeRawBufferPointer(rebasing: report.text[written[number]..<end]))
        written[number] = end
      }
    }
    return pieces
  }
}

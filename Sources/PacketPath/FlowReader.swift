import Dispatch
import Input
import Snapshot
import Wire

/// Reads flows as the JSON contract has them, one object a line, some thousand lines at a time, so that memory does not
/// grow with the file. Blank lines are skipped; each bad line is a diagnostic and is left out.
public struct FlowReader {
  private let file: SourceFile
  private let threads: Int
  /// A flow that does not say where it enters is an error.
  private let needsFrom: Bool
  private var lines: LineScanner
  private var flowCount = 0

  /// Lines a thread parses at once.
  private static let share = 2048

  /// `threads`, from 1, parse at the same time.
  public init(_ file: SourceFile, threads: Int = 1, needsFrom: Bool = true) {
    self.file = file
    self.needsFrom = needsFrom
    self.threads = max(threads, 1)
    lines = DumpSection(file).lines
  }

  /// The flows of the next lines, in order; nil: the file is at its end.
  public mutating func next(_ diagnostics: inout Diagnostics) -> [Flow]? {
    let lines = nextLines(Self.share * threads)
    guard !lines.isEmpty else { return nil }
    let parsers = (0..<threads).map { part in
      FlowParser(
        file, lines[lines.count * part / threads..<lines.count * (part + 1) / threads],
        needsFrom: needsFrom)
    }
    if threads == 1 || lines.count < 64 {
      for parser in parsers { parser.run() }
    } else {
      DispatchQueue.concurrentPerform(iterations: parsers.count) { parsers[$0].run() }
    }
    var flows = parsers[0].flows
    for parser in parsers.dropFirst() { flows.append(contentsOf: parser.flows) }
    for parser in parsers { diagnostics.add(contentsOf: parser.diagnostics) }
    for index in flows.indices where flows[index].id.isEmpty { flows[index].id = "f\(flowCount + index + 1)" }
    flowCount += flows.count
    return flows
  }

  /// The next lines that are not blank, at most `limit` of them.
  private mutating func nextLines(_ limit: Int) -> [LineScanner.Line] {
    var list: [LineScanner.Line] = []
    list.reserveCapacity(limit)
    while list.count < limit, let line = lines.next() {
      if !line.text.trimmed.isEmpty { list.append(line) }
    }
    return list
  }
}

import ArgumentParser
import Glibc
import Input
import PacketPath
import Report
import Snapshot
import Wire

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "trace", abstract: "Trace a flow.")
  @Option(name: .shortAndLong) var snapshot: String
  @Option var flows: String?
  @Option(name: .shortAndLong) var output = "text"

  func run() throws {
    let loaded = try DevLoader.load(snapshot)
    for d in loaded.diagnostics.list { let t = "\(d)\n"; _ = t.withCString { Glibc.write(2, $0, strlen($0)) } }
    var diagnostics = Diagnostics()
    let list = FlowReader.read(try SourceFile.open(path: flows!), &diagnostics)
    let tracer = PathTracer(loaded, indexed: true)
    var json = TraceJSON(loaded.ruleset)
    var writer = JSONWriter()
    let text = TraceText(loaded, style: Style(coloured: false))
    for flow in list {
      let trace = tracer.trace(flow)
      let service = trace.outcomes.lazy.compactMap { ServiceLabel.of($0.steps, in: loaded.ruleset) }.first
      if output == "text" { print(text.render(trace, service: service)); continue }
      json.write(trace, service: service, to: &writer)
      writer.newline()
      writer.bytes.withUnsafeBytes { _ = Glibc.write(1, $0.baseAddress, $0.count) }
      writer.reset()
    }
  }
}

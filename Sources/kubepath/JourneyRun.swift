import ArgumentParser
import Diagnosis
import Dispatch
import Findings
import Glibc
import Input
import Intent
import Journey
import PacketPath
import Report
import Snapshot
import Wire

/// `trace` over a bundle: journeys instead of one node's walk.
struct JourneyRun {
  private let map: BundleMap
  private let names: NameResolver?
  private let snapshots: [Snapshot]
  /// The node on which a flow of the command line begins.
  private let begin: Snapshot

  init(_ bundle: Bundle, begin: Snapshot, _ cluster: Cluster?, _ names: NameResolver?) {
    snapshots = bundle.snapshots
    self.begin = begin
    map = BundleMap(bundle.snapshots, cluster)
    self.names = names
  }

  /// Nil: many flows, each with its own answer.
  func run(
    flows: String?, _ arguments: FlowArguments, _ output: TraceOutput, steps: Bool, style: Style,
    verbose: Bool
  ) throws -> Answer? {
    if let flows {
      try many(flows, output, steps: steps, verbose: verbose)
      return nil
    }
    let flow = try flow(arguments)
    let judge = JourneyJudge(map, names)
    let answer = judge.judge(flow)
    let findings = judge.findings(answer)
    switch output {
    case .text, .wide:
      let text = JourneyText(map, style: style, wide: output == .wide) { names?.name(of: $0) }
      Terminal.write(text.render(answer, findings: findings))
    case .json, .yaml:
      var json = TextBuffer()
      var writer = JourneyJSON(map, steps: steps, details: true)
      writer.write(answer, findings: findings, to: &json)
      json.newline()
      Terminal.write(output == .json ? Array(json.bytes) : try YAMLText.from(json: Array(json.bytes)))
    case .dot: throw ValidationError("-o dot draws one node's walk: add --no-round-trip.")
    }
    return answer.answer
  }

  /// The flow of the arguments, and where in the bundle it begins.
  private func flow(_ arguments: FlowArguments) throws -> Flow {
    var flow = try arguments.flow(PathTracer(begin), names: names)
    if arguments.interface != nil || arguments.from == nil || arguments.from == Flow.local {
      flow.origin = FlowOrigin(node: begin.name)
    } else {
      flow.from = ""
      // An address of nobody in the bundle comes from outside.
      if isOutside(flow.source) { flow.origin = FlowOrigin(enters: begin.name) }
    }
    return flow
  }

  private func isOutside(_ address: IPAddress) -> Bool {
    if snapshots.contains(where: { $0.addresses?.contains { $0.address == address } ?? false }) { return false }
    if snapshots.contains(where: { $0.pods.contains { $0.addresses?.contains { $0.address == address } ?? false } }) {
      return false
    }
    return names?.cluster.podOfAddress[address] == nil
  }

  private func many(_ path: String, _ output: TraceOutput, steps: Bool, verbose: Bool) throws {
    guard output == .json || output == .text else { throw ValidationError("--flows prints text or json.") }
    let file = path == "-" ? try SourceFile.read(descriptor: 0, name: "stdin") : try SourceFile.open(path: path)
    let threads = min(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1), 16)
    var reader = FlowReader(file, threads: threads, needsFrom: false)
    var diagnostics = Diagnostics()
    let pool = JourneyPool(map, names, output == .json ? .json(steps: steps) : .line, threads: threads)
    while let list = reader.next(&diagnostics) { pool.run(list) { Terminal.write($0) } }
    Terminal.report(diagnostics, verbose: verbose)
    if diagnostics.worst == .error { throw ExitStatus.malformed }
  }
}

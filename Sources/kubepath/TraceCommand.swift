import ArgumentParser
import Diagnosis
import Findings
import Glibc
import Input
import Intent
import PacketPath
import Report
import Snapshot
import Wire

enum TraceOutput: String, OutputFormat { case text, wide, json, yaml, dot }

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Trace a packet through a node: where it goes, by which rules, and what stops it.",
    usage: "kubepath trace <destination> [--from <source>] [-s <path>] [<options>]",
    discussion: """
      EXAMPLES
        kubepath trace 10.96.0.10:80 --from 10.244.1.7 -s node1/
            a Pod's connection to a ClusterIP, through the dumps in folder node1
        kubepath trace 192.0.2.10:30080 --from 203.0.113.5 -i eth0 \\
            -s node1.tar.gz -o wide
            a NodePort from outside, every matched rule shown
        iptables-save | kubepath trace 10.96.0.10:53/udp --from 10.244.1.7 -s -
            rules alone: it still answers, and says what it had to assume
        kubepath trace --flows flows.ndjson -s node1/ -o json
            many flows, one JSON object a line
        kubepath trace svc/shop/cart:http --from pod/shop/web-0 -s bundle/
            names, where the bundle has the cluster's objects
        kubepath trace cart.shop.svc.cluster.local:80 --from 10.244.1.7 \\
            -s bundle/
        kubepath trace http://shop.example/pay --from outside -s bundle/
            an Ingress from outside: address, node, controller, Service, Pod
        kubepath trace 10.96.0.10:80 --from 10.244.1.7
            through the running kernel of this machine
        kubepath trace 10.96.0.10:80 --from 10.244.1.7 -s node1/ \\
            --try 'iptables -I FORWARD -s 10.244.0.0/16 -j ACCEPT'
            what a change would do, to this and to every other flow

      EXIT STATUS
        0 served or passes · 1 refused, dropped, unserved, lost, or only partly
        served · 2 unsure · 64 usage
        65 malformed input · 66 input cannot be opened. With --flows: 0 when all
        flows were read.
      """)

  @OptionGroup var arguments: FlowArguments
  @OptionGroup var source: SnapshotOptions
  @OptionGroup var namespaces: NamespaceOptions
  @OptionGroup var output: OutputOptions<TraceOutput>
  @OptionGroup var trying: TrialOptions
  @OptionGroup var list: ListOptions
  @OptionGroup var view: ViewOptions

  @Option(
    help: ArgumentHelp(
      "A file of flows, one JSON object a line; '-' is standard input. Keys: id, protocol, source, sourcePort, destination, destinationPort (addresses, no names) and from (an interface, or local); also icmpType, icmpCode, length, mark, tcpFlags, uid, gid, dontFragment.",
      valueName: "file"))
  var flows: String?

  @Flag(
    name: .customLong("round-trip"), inversion: .prefixedNo,
    help: "Follow it from node to node, into Pods and back (default: where there are several nodes, or Pods).")
  var roundTrip: Bool?

  @Flag(
    name: .customLong("no-steps"), help: "Leave the matched rules out of the JSON: smaller and faster for many flows.")
  var noSteps = false

  func run() throws {
    try CommandRun.guarding {
      let bundle = try source.load(lazily: flows == nil && trying.isEmpty)
      let malformed = CommandRun.report(bundle, verbose: view.verbose)
      if flows == nil, trying.isEmpty,
        let answer = try ExternalTrace.run(bundle, arguments, output.format, view.style)
      {
        if malformed { throw ExitStatus.malformed }
        return try ExitStatus.leave(answer)
      }
      let cluster = bundle.objectFiles.isEmpty ? nil : ObjectReader.read(bundle.objectFiles)
      let names = cluster.map { namespaces.resolver($0) }
      let node = try chosen(bundle, names)
      if trying.isEmpty, roundTrip ?? (bundle.snapshots.count > 1 || !node.pods.isEmpty), output.format != .dot {
        let run = JourneyRun(bundle, begin: node, cluster, names)
        let answer = try run.run(
          flows: flows, arguments, output.format, steps: !noSteps, style: view.style, verbose: view.verbose)
        if malformed { throw ExitStatus.malformed }
        if let answer { try ExitStatus.leave(answer) }
        return
      }
      let answer: Answer?
      if let trial = try trying.trial(on: node, cluster: cluster) {
        answer = try traceTrial(trial, before: node, names)
      } else {
        answer = try flows == nil ? traceOne(node, names) : traceMany(node, names)
      }
      if malformed { throw ExitStatus.malformed }
      if let answer { try ExitStatus.leave(answer) }
    }
  }

  /// The node on which the flow begins.
  private func chosen(_ bundle: Bundle, _ names: NameResolver?) throws -> Snapshot {
    guard source.files.node == nil, flows == nil, bundle.snapshots.count > 1 else { return try source.choose(bundle) }
    let all = bundle.snapshots.map { printable($0.name) }.joined(separator: ", ")
    switch NodeChoice.choose(bundle.snapshots, from: arguments.from, to: arguments.destination, names) {
    case .node(let snapshot): return snapshot
    case .unclear(let snapshot):
      Terminal.say(
        "nothing tells on which node this begins: traced on \(printable(snapshot.name)); --node chooses (\(all))"
      )
      return snapshot
    case .missing(let sender, let node):
      throw ValidationError(
        "\(printable(sender)) runs on \(printable(node)); the bundle has \(all) only. --node traces on one of them.")
    }
  }

  /// Traces the flow of the arguments.
  private func traceOne(_ start: Snapshot, _ names: NameResolver?) throws -> Answer? {
    let tracer = PathTracer(start)
    let judge = Judge(tracer, AnswerFacts(start, names: names))
    let (trace, judgement) = judge.judge(try arguments.flow(tracer, names: names))
    // A running kernel's rules were read on the way.
    let node = tracer.model.snapshot
    var messages = Diagnostics()
    if let name = arguments.interface, name != Flow.local, let links = node.links,
      !links.contains(where: { $0.name == name })
    {
      messages.add(
        Diagnostic(
          .warning, file: node.name, .whole,
          "has no interface “\(escaped(name))”: what rules and routes ask of it is not known"))
    }
    for message in node.diagnostics.list.dropFirst(start.diagnostics.list.count) { messages.add(message) }
    Terminal.report(messages, verbose: view.verbose)
    let findings = try causes(judgement, trace, node, names)
    switch output.format {
    case .text, .wide:
      let text = TraceText(
        node, style: view.style, wide: output.format == .wide, top: list.top, name: { names?.name(of: $0) })
      Terminal.write(text.render(trace, judgement, findings: findings))
    case .json, .yaml:
      var json = TextBuffer()
      var writer = TraceJSON(node, steps: !noSteps) { names?.name(of: $0) }
      writer.write(trace, judgement, findings: findings, to: &json)
      json.newline()
      Terminal.write(output.format == .json ? Array(json.bytes) : try YAMLText.from(json: Array(json.bytes)))
    case .dot: Terminal.write(GraphDOT.trace(trace, node.ruleset))
    }
    return judgement.answer
  }

  /// A fix is tried on all rules: those of a running kernel are read as a whole for it.
  private func causes(
    _ judgement: Judgement, _ trace: Trace, _ node: Snapshot, _ names: NameResolver?
  ) throws -> [Finding] {
    guard !judgement.answer.isGood, node.unreadRules != nil else {
      return AnswerCauses.findings(judgement, trace, node, names)
    }
    let whole = try source.choose(try source.load())
    let again = Judge(whole, names: names).judge(trace.flow)
    return AnswerCauses.findings(again.judgement, again.trace, whole, names)
  }

  /// Flows in blocks, as many at once as there are processors, printed in input order. Each has its own answer: the
  /// status tells only whether all could be read.
  private func traceMany(_ node: Snapshot, _ names: NameResolver?) throws -> Answer? {
    guard output.format == .json || output.format == .text else {
      throw ValidationError("--flows prints text or json.")
    }
    let file = flows == "-" ? try SourceFile.read(descriptor: 0, name: "stdin") : try SourceFile.open(path: flows!)
    let threads = min(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1), 16)
    var reader = FlowReader(file, threads: threads)
    var diagnostics = Diagnostics()
    var list = reader.next(&diagnostics)
    let model = NodeModel(node, indexed: (list ?? []).count > 20)
    let pool = FlowReportPool(
      model, AnswerFacts(node, names: names), output.format == .json ? .json(steps: !noSteps) : .line, threads: threads)
    while let flows = list {
      pool.run(flows) { Terminal.write($0) }
      list = reader.next(&diagnostics)
    }
    Terminal.report(diagnostics, verbose: view.verbose)
    if diagnostics.worst == .error { throw ExitStatus.malformed }
    return nil
  }
}

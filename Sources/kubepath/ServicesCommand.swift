import ArgumentParser
import Diagnosis
import Input
import Intent
import PacketPath
import Report
import ServiceMap
import Snapshot

struct ServicesCommand: ParsableCommand {
  enum Output: String, ExpressibleByArgument, CaseIterable { case text, wide, json, yaml }

  static let configuration = CommandConfiguration(
    commandName: "services",
    abstract: "What a node's rules serve: each frontend, where its packets go, with which probability.",
    usage: "kubepath services [-s <path> ...] [--node <name>] [<options>]",
    discussion: """
      EXAMPLES
        kubepath services -s node1/
            the frontends of a node and their endpoints
        kubepath services -s node1/ -o wide
            with shares, and whether the client's address is kept
        kubepath services -s bundle/ --node b   one node of several
        kubepath services -s node1/ --try 'sysctl -w net.ipv4.ip_forward=1'
            what they would be, and what changes
      """)

  @OptionGroup var source: SnapshotOptions
  @OptionGroup var trying: TrialOptions
  @Option(name: .shortAndLong, help: ArgumentHelp("text, wide, json or yaml.", valueName: "format"))
  var output: Output = .text

  func run() throws {
    try source.guarding {
      let bundle = try source.load()
      let malformed = source.reportDiagnostics(bundle)
      var node = try source.choose(bundle)
      if source.node == nil, bundle.snapshots.count > 1 {
        let all = bundle.snapshots.map { printable($0.name) }.joined(separator: ", ")
        Terminal.note("kubepath: the services of \(printable(node.name)); --node chooses (\(all))")
      }
      let intent = ObjectReader.read(bundle.objectFiles)
      if let trial = try trying.trial(on: node, cluster: intent.isEmpty ? nil : intent) {
        let comparison = TrialComparison(
          before: node, after: trial.snapshot, names: intent.isEmpty ? nil : NameResolver(intent))
        node = trial.snapshot
        if output == .text || output == .wide {
          Terminal.write(TrialText.render(trial, comparison, style: Terminal.style(source.color)) + "\n")
        }
      }
      let names = intent.isEmpty ? nil : NameResolver(intent)
      let facts = AnswerFacts(node, names: names)
      let map = ServiceMap(NodeModel(node, indexed: true), intent: names?.cluster) { tracer in
        let judge = Judge(tracer, facts)
        return { judge.judge($0).answer }
      }
      let gap = facts.gap
      if let gap { Terminal.note("kubepath: unsure: \(gap)") }
      switch output {
      case .text, .wide:
        Terminal.write(
          ServicesText.render(map, node: node.name, style: Terminal.style(source.color), wide: output == .wide))
      case .json: Terminal.write(ServicesText.json(map, node: node.name))
      case .yaml: Terminal.write(try YAMLText.from(json: ServicesText.json(map, node: node.name)))
      }
      if malformed { throw ExitStatus.malformed }
      if gap != nil { throw ExitStatus.unsure }
    }
  }
}

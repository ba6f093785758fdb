import ArgumentParser
import Diagnosis
import Input
import Intent
import PacketPath
import Report
import ServiceMap
import Snapshot

struct ServicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "services",
    abstract: "What a node's rules serve: each frontend, where its packets go, with which probability.",
    usage: "kubepath services [svc/<name> ...] [-s <path> ...] [<options>]",
    discussion: """
      EXAMPLES
        kubepath services -s node1/
            the frontends of a node and their endpoints
        kubepath services -s node1/ -o wide
            with shares, and whether the client's address is kept
        kubepath services svc/shop/cart -s node1/
        kubepath services -n shop -s node1/
            one Service; those of a namespace
        kubepath services -s bundle/ --node b   one node of several
        kubepath services -s node1/ --try 'sysctl -w net.ipv4.ip_forward=1'
            what they would be, and what changes

      EXIT STATUS
        0 told · 2 unsure: rules are missing · 64 usage · 65 malformed input ·
        66 input cannot be opened
      """)

  @Argument(
    help: ArgumentHelp("Only these Services: svc/NAMESPACE/NAME.", valueName: "service"),
    completion: .custom(SnapshotNames.services))
  var services: [String] = []

  @OptionGroup var source: SnapshotOptions
  @OptionGroup var namespaces: NamespaceOptions
  @OptionGroup var output: OutputOptions<PlainFormat>
  @OptionGroup var trying: TrialOptions
  @OptionGroup var list: ListOptions
  @OptionGroup var view: ViewOptions

  func run() throws {
    try CommandRun.guarding {
      let bundle = try source.load()
      let malformed = CommandRun.report(bundle, verbose: view.verbose)
      var node = try source.choose(bundle)
      if source.files.node == nil, bundle.snapshots.count > 1 {
        let all = bundle.snapshots.map { printable($0.name) }.joined(separator: ", ")
        Terminal.say("the services of \(printable(node.name)); --node chooses (\(all))")
      }
      let intent = ObjectReader.read(bundle.objectFiles)
      if let trial = try trying.trial(on: node, cluster: intent.isEmpty ? nil : intent) {
        let comparison = TrialComparison(
          before: node, after: trial.snapshot, names: intent.isEmpty ? nil : NameResolver(intent))
        node = trial.snapshot
        if output.format == .text || output.format == .wide {
          Terminal.write(TrialText.render(trial, comparison, style: view.style) + "\n")
        }
      }
      let names = intent.isEmpty ? nil : namespaces.resolver(intent)
      let facts = AnswerFacts(node, names: names)
      var map = ServiceMap(NodeModel(node, indexed: true), intent: names?.cluster) { tracer in
        let judge = Judge(tracer, facts)
        return { judge.answer(to: $0) }
      }
      let known = map.entries.compactMap { $0.service.map { String($0.prefix { $0 != ":" }) } }
      let selection = try ServiceSelection(services, namespaces, known: known + intent.services.map(\.fullName))
      if !selection.isAll { map.entries.removeAll { !($0.service.map { selection.contains($0) } ?? false) } }
      if !services.isEmpty, map.entries.isEmpty {
        Terminal.say(
          "no rule of node \(node.name) serves \(services.joined(separator: ", ")): 'kubepath why' tells the cause")
      }
      let gap = facts.gap
      if let gap { Terminal.say("unsure: \(gap)") }
      switch output.format {
      case .text, .wide:
        Terminal.write(
          ServicesText.render(
            map, node: node.name, style: view.style, wide: output.format == .wide, top: list.top))
      case .json: Terminal.write(ServicesText.json(map, node: node.name))
      case .yaml: Terminal.write(try YAMLText.from(json: ServicesText.json(map, node: node.name)))
      }
      if malformed { throw ExitStatus.malformed }
      if gap != nil { throw ExitStatus.unsure }
    }
  }
}

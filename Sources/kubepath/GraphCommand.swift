import ArgumentParser
import Input
import Report
import Snapshot

struct GraphCommand: ParsableCommand {
  enum Output: String, OutputFormat { case text = "dot" }

  static let configuration = CommandConfiguration(
    commandName: "graph",
    abstract: "Draw the rule graph: chains as nodes, jumps as edges with their count.",
    usage: "kubepath graph [-s <path> ...] [--from <chain>] [<options>]",
    discussion: """
      EXAMPLES
        kubepath graph -s node1/ | dot -Tsvg > rules.svg
        kubepath graph -s node1/ --from nat/KUBE-SVC-XPGD46QRK7WJZT7O \\
            | dot -Tsvg > service.svg

      EXIT STATUS
        0 drawn · 64 usage · 65 malformed input · 66 input cannot be opened
      """)

  @OptionGroup var source: SnapshotOptions
  @OptionGroup var output: OutputOptions<Output>
  @OptionGroup var view: ViewOptions

  @Option(help: ArgumentHelp("Only what this chain reaches: NAME or TABLE/NAME.", valueName: "chain"))
  var from: String?

  func run() throws {
    try CommandRun.guarding {
      let bundle = try source.load()
      let malformed = CommandRun.report(bundle, verbose: view.verbose)
      let node = try source.choose(bundle)
      guard let dot = GraphDOT.rules(node.ruleset, from: from) else {
        let name = from ?? ""
        let all = node.ruleset.chains.map { node.ruleset.names[$0.name] }
        let bare = name.split(separator: "/").last.map(String.init) ?? name
        throw ValidationError("No chain '\(printable(name))' in the snapshot\(NearestName.question(bare, in: all))")
      }
      Terminal.write(dot)
      if malformed { throw ExitStatus.malformed }
    }
  }
}

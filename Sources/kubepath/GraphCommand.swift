import ArgumentParser
import Report
import Snapshot

struct GraphCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph",
    abstract: "Draw the rule graph: chains as nodes, jumps as edges with their count.",
    usage: "kubepath graph [-s <path> ...] [--from <chain>] [<options>]",
    discussion: """
      EXAMPLES
        kubepath graph -s node1/ | dot -Tsvg > rules.svg
        kubepath graph -s node1/ --from nat/KUBE-SVC-XPGD46QRK7WJZT7O \\
            | dot -Tsvg > service.svg
      """)

  @OptionGroup var source: SnapshotOptions

  @Option(help: ArgumentHelp("Only what this chain reaches: NAME or TABLE/NAME.", valueName: "chain"))
  var from: String?

  func run() throws {
    try source.guarding {
      let bundle = try source.load()
      let malformed = source.reportDiagnostics(bundle)
      let node = try source.choose(bundle)
      guard let dot = GraphDOT.rules(node.ruleset, from: from) else {
        throw ValidationError("No chain '\(from ?? "")' in the snapshot.")
      }
      Terminal.write(dot)
      if malformed { throw ExitStatus.malformed }
    }
  }
}

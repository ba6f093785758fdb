import ArgumentParser
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
    discussion: """
      EXAMPLES
        kubepath services -s node1/             the frontends of a node and their endpoints
        kubepath services -s node1/ -o wide     with shares, and whether the client's address is kept
        kubepath services -s bundle/ --node b   one node of several
      """)

  @OptionGroup var source: SnapshotOptions
  @Option(name: .shortAndLong, help: ArgumentHelp("text, wide, json or yaml.", valueName: "format"))
  var output: Output = .text

  func run() throws {
    try source.guarding {
      let bundle = try source.load()
      let malformed = source.reportDiagnostics(bundle)
      let node = try source.choose(bundle)
      let intent = ObjectReader.read(bundle.objectFiles)
      let map = ServiceMap(NodeModel(node, indexed: true), intent: intent.isEmpty ? nil : intent)
      switch output {
      case .text, .wide:
        Terminal.write(
          ServicesText.render(map, node: node.name, style: Terminal.style(source.color), wide: output == .wide))
      case .json: Terminal.write(ServicesText.json(map, node: node.name))
      case .yaml: Terminal.write(try YAMLText.from(json: ServicesText.json(map, node: node.name)))
      }
      if malformed { throw ExitStatus.malformed }
    }
  }
}

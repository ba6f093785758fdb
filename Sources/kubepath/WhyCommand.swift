import ArgumentParser
import Diagnosis
import Findings
import Input
import Intent
import Report
import Snapshot
import Wire

struct WhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "One screen: does it work, for whom not, the cause, the fix.",
    usage: "kubepath why <what> [-s <path> ...] [<options>]",
    discussion: """
      EXAMPLES
        kubepath why svc/shop/cart -s bundle/
            all ports of a Service, asked on every node by Pods, by the node
            and from outside
        kubepath why svc/shop/cart:http -s bundle/
        kubepath why cart.shop.svc.cluster.local -s bundle/
        kubepath why 10.96.0.10:53/udp -s node1/
        kubepath why http://shop.example/cart -s bundle/
            the Service behind an Ingress path

      EXIT STATUS
        0 it works for all who were asked for · 1 it fails for some · 2 unsure ·
        64 usage · 65 malformed input · 66 input cannot be opened
      """)

  @Argument(
    help: ArgumentHelp(
      "svc/NAMESPACE/NAME[:PORT], NAME.NAMESPACE.svc[:PORT], ADDRESS:PORT[/PROTOCOL] or http://HOST/PATH.",
      valueName: "what"), completion: .custom(SnapshotNames.services))
  var what: String

  @OptionGroup var source: SnapshotOptions
  @OptionGroup var namespaces: NamespaceOptions
  @OptionGroup var output: OutputOptions<PlainFormat>
  @OptionGroup var list: ListOptions
  @OptionGroup var view: ViewOptions

  func run() throws {
    try CommandRun.guarding {
      let bundle = try source.load()
      let malformed = CommandRun.report(bundle, verbose: view.verbose)
      let names = bundle.objectFiles.isEmpty ? nil : namespaces.resolver(ObjectReader.read(bundle.objectFiles))
      // On the node that was named, or on all; what goes on from there is followed through all.
      let node = source.files.node == nil ? nil : try source.choose(bundle).name
      let nodes = bundle.snapshots
      guard !nodes.isEmpty else {
        throw source.files.missesNode
      }
      let asked = try targets(names)
      let answers = Activity.during("asking \(counted(nodes.count, "node"))") {
        asked.map { WhyAnswer($0, nodes, names, on: node) }
      }
      switch output.format {
      case .text, .wide:
        let style = output.format == .wide ? view.style.unlimited : view.style
        Terminal.write(answers.map { WhyText.render($0, style: style, top: list.top) }.joined(separator: "\n"))
      case .json: for answer in answers { Terminal.write(WhyText.json(answer)) }
      case .yaml: for answer in answers { Terminal.write(try YAMLText.from(json: WhyText.json(answer))) }
      }
      if malformed { throw ExitStatus.malformed }
      let worst = answers.map(\.answer.exitStatus)
      if worst.contains(1) { throw ExitStatus.failing }
      if worst.contains(2) { throw ExitStatus.unsure }
    }
  }

  /// One a Service port.
  private func targets(_ names: NameResolver?) throws -> [WhyAnswer.Target] {
    let text = FlowText(names: names)
    do {
      if NameResolver.isName(what), let cluster = names?.cluster {
        let target = try text.resolve(what, anyPort: true)
        // Without a port, every port of the Service.
        guard let address = target.addresses.first, let owner = cluster.owner(of: address), owner.hasPrefix("svc/"),
          let index = cluster.serviceIndex[String(owner.dropFirst("svc/".count))]
        else { return [try socket(text)] }
        let service = cluster.services[index]
        let named = what.contains("://") || what.contains(":")
        let ports = service.ports.indices.filter { number in
          !named
            || service.ports[number].port == target.port && service.ports[number].ipProtocol == target.ipProtocol
        }
        return ports.map { .service(index, port: $0) }
      }
      return [try socket(text)]
    } catch let failure as FlowText.Failure {
      throw ValidationError(failure.description)
    }
  }

  private func socket(_ text: FlowText) throws -> WhyAnswer.Target {
    let (socket, name) = try text.destination(what)
    guard let port = socket.port else { throw ValidationError("'\(printable(what))' needs a port.") }
    guard let ipProtocol = IPProtocol((name ?? "tcp").lowercased()) else {
      throw ValidationError("'\(printable(name ?? ""))' is no protocol.")
    }
    // An address of a Service is asked as that Service.
    if let names = text.names, let label = names.service(at: socket.address, port, ipProtocol) {
      let parts = label.split(separator: ":")
      if let index = names.cluster.serviceIndex[String(parts[0])],
        let number = names.cluster.services[index].ports.firstIndex(where: {
          names.cluster.services[index].portName($0) == label && $0.ipProtocol == ipProtocol
        })
      {
        return .service(index, port: number)
      }
    }
    return .socket(socket.address, port, ipProtocol)
  }
}

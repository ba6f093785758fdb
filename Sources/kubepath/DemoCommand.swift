import ArgumentParser
import Diagnosis
import Glibc
import Input
import PacketPath
import Report
import Snapshot
import Wire

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Trace four Services of a small cluster node that is built into kubepath.",
    usage: "kubepath demo [--write <folder>] [<options>]",
    discussion: """
      The node's dumps were recorded from a real kernel. One Service works, one has
      no endpoint, one is a NodePort with externalTrafficPolicy Local and no local
      endpoint, one has lost the route to its endpoint.

      EXAMPLES
        kubepath demo
        kubepath demo --write example/ && kubepath trace 10.96.12.34:80 \\
            --from 10.244.1.10 -s example/
      """)

  @Option(help: ArgumentHelp("Write the example's files into this folder instead.", valueName: "folder"))
  var write: String?

  @OptionGroup var view: ViewOptions

  func run() throws {
    if let write { return try writeFiles(to: write) }
    let snapshot = SnapshotLoader.load(
      EmbeddedExample.files.map { SourceFile(name: $0.name, text: $0.text) }, name: "node-a")
    let tracer = PathTracer(snapshot)
    let style = view.style
    let text = TraceText(snapshot, style: style)
    let judge = Judge(tracer, AnswerFacts(snapshot, names: nil))
    for (number, scene) in Self.scenes.enumerated() {
      let command = "kubepath trace \(scene.destination) --from \(scene.source) -s example/"
      Terminal.write(
        (number == 0 ? "" : "\n") + style.bold("\(number + 1). \(scene.title)") + "\n" + style.dim("   $ \(command)")
          + "\n\n")
      let target = try FlowText.socket(Substring(scene.destination))
      let source = try FlowText.socket(Substring(scene.source)).address
      var flow = Flow(
        ipProtocol: .tcp, source: source, sourcePort: 40000, destination: target.address,
        destinationPort: target.port ?? 0, from: tracer.inputInterface(from: source) ?? "eth0")
      flow.isFrame = !flow.isLocal
      let (trace, judgement) = judge.judge(flow)
      Terminal.write(
        text.render(trace, judgement, findings: AnswerCauses.findings(judgement, trace, tracer.model.snapshot, nil)))
    }
    Terminal.write("\nTry your own node: iptables-save | kubepath trace ADDRESS:PORT --from ADDRESS -s -\n")
  }

  private static let scenes = [
    Scene(title: "A Pod connects to a Service that works", destination: "10.96.12.34:80", source: "10.244.1.10"),
    Scene(
      title: "From outside to a NodePort with externalTrafficPolicy Local: it times out",
      destination: "192.168.40.11:30080",
      source: "203.0.113.9"),
    Scene(
      title: "A Service without endpoints: connection refused", destination: "10.96.30.7:80", source: "10.244.1.10"),
    Scene(title: "A Service whose endpoint cannot be reached", destination: "10.96.40.9:443", source: "10.244.1.10"),
  ]

  private struct Scene {
    var title: String
    var destination: String
    var source: String
  }

  private func writeFiles(to folder: String) throws {
    mkdir(folder, 0o755)
    for file in EmbeddedExample.files {
      let path = folder + "/" + file.name
      let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else {
        Terminal.say("\(path): \(String(cString: strerror(errno)))")
        throw ExitStatus.noOutput
      }
      defer { close(descriptor) }
      var text = file.text
      let complete = text.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) == $0.count }
      guard complete else { throw ExitStatus.noOutput }
    }
    Terminal.say("\(counted(EmbeddedExample.files.count, "file")) written to \(folder)")
  }
}

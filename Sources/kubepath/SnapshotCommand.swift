import ArgumentParser
import Glibc
import Input
import Intent
import KernelSource
import Report
import Ruleset
import Snapshot

/// `kubepath snapshot`: this node's state in the formats of the standard tools.
struct SnapshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot",
    abstract: "Collect this node's network state into a folder or a .tar.gz.",
    usage: "kubepath snapshot [--output <path>] [<options>]",
    discussion: """
      EXAMPLES
        kubepath snapshot -o node1.tar.gz
        kubepath snapshot --all-pods -o node1.tar.gz
            with the network namespace of every Pod
        kubepath snapshot --netns pod1 -o pod1/
        kubepath snapshot --script > collect.sh
            for nodes where kubepath cannot be installed

      EXIT STATUS
        0 collected · 2 collected without some rules · 64 usage ·
        66 the kernel cannot be asked · 73 it cannot be written
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder or .tar.gz to write.", valueName: "path"))
  var output: String?

  @Option(
    help: ArgumentHelp("Another network namespace: a name of 'ip netns' or a process's number.", valueName: "name"))
  var netns: String?

  @Flag(help: "Print a POSIX shell script that collects the same with standard tools.")
  var script = false

  @Flag(name: .customLong("no-objects"), help: "Leave out the cluster's objects (kubectl).")
  var noObjects = false

  @Flag(
    name: .customLong("all-pods"),
    help: "Collect the network namespaces of all Pods too, in folders pods/NAMESPACE_NAME (as root).")
  var allPods = false

  @OptionGroup var view: ViewOptions

  func run() throws { try CommandRun.guarding { try collect() } }

  private func collect() throws {
    if script {
      print(CollectScript.text, terminator: "")
      return
    }
    guard let output else { throw ValidationError("Name the folder or .tar.gz to write with -o.") }
    var collected = try Activity.during("collecting") { try NodeCollector.collect(netns: netns, objects: !noObjects) }
    if allPods {
      let cluster = ObjectReader.read(collected.files.filter { $0.name == "pods.json" }.map(\.contents))
      let pods = Activity.during("collecting the Pods") {
        NodeCollector.collectPods { snapshot in
          (snapshot.addresses ?? []).lazy.compactMap { cluster.podOfAddress[$0.address] }.first.map {
            "\(cluster.pods[$0].namespace)/\(cluster.pods[$0].name)"
          }
        }
      }
      collected.files += pods.files
      collected.notes += pods.notes
    }
    for note in collected.notes { Terminal.say(note) }
    if output.hasSuffix(".tar.gz") || output.hasSuffix(".tgz") {
      try SnapshotWriter.writeArchive(collected.files, name: collected.name, to: output)
    } else {
      try SnapshotWriter.writeFolder(collected.files, to: output)
    }
    let bytes = collected.files.reduce(0) { $0 + $1.bytes.count }
    Terminal.say(
      "\(counted(collected.files.count, "file")) of \(collected.name), \(bytes / 1000) kB, written to \(output)")
    if collected.missesRules {
      Terminal.say("the snapshot lacks rules of this node: what is asked of it may be unsure")
      throw ExitStatus.unsure
    }
  }
}

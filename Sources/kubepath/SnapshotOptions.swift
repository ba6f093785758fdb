import ArgumentParser
import Input
import Intent
import KernelSource
import Snapshot
import Wire

/// Where the facts come from; shared by all commands that look at a node.
struct SnapshotOptions: ParsableArguments {
  @Option(
    name: [.customShort("s"), .long],
    help: ArgumentHelp(
      "Files, folders or archives with a node's dumps; '-' reads one dump from standard input. May be repeated.",
      valueName: "path"))
  var snapshot: [String] = []

  @Option(
    help: ArgumentHelp(
      "Look at the running kernel in another network namespace: a name of 'ip netns' or a process's number.",
      valueName: "name"))
  var netns: String?

  @Option(help: ArgumentHelp("Which node, where the snapshot holds several.", valueName: "name"))
  var node: String?

  @Option(
    name: .customLong("node-ip"),
    help: ArgumentHelp(
      "An address of the node that the dumps do not show, e.g. 192.0.2.10/24@eth0. May be repeated.",
      valueName: "address"))
  var nodeIP: [String] = []

  @Option(
    help: ArgumentHelp(
      "A sysctl that the dumps do not show, e.g. net.ipv4.ip_forward=1. May be repeated.", valueName: "key=value"))
  var sysctl: [String] = []

  @Option(help: ArgumentHelp("Colour the output: auto, always or never.", valueName: "when"))
  var color: ColorChoice = .auto

  @Flag(name: .shortAndLong, help: "Print every message about the input, notes included.")
  var verbose = false

  /// Loads what the options name; of a running kernel's rules at first only what every packet meets, if `lazily`.
  /// Throws usage errors, and `InputError` where something cannot be opened.
  func load(lazily: Bool = false) throws -> Bundle {
    var bundle: Bundle
    if snapshot.isEmpty {
      bundle = Bundle()
      bundle.snapshots = [try KernelSource.read(netns: netns, lazily: lazily)]
    } else {
      guard netns == nil else { throw ValidationError("--netns asks the running kernel; leave out -s.") }
      bundle = try SnapshotLoader.load(snapshot)
    }
    for index in bundle.snapshots.indices { try supply(&bundle.snapshots[index]) }
    return bundle
  }

  /// The node that the cluster calls so, whatever its folder is called.
  private func byObjects(_ name: String, _ bundle: Bundle) -> Snapshot? {
    guard !bundle.objectFiles.isEmpty else { return nil }
    let intent = ObjectReader.read(bundle.objectFiles)
    return bundle.snapshots.first { snapshot in
      intent.node(addresses: (snapshot.addresses ?? []).map(\.address), name: snapshot.name)?.name == name
    }
  }

  /// The one node to look at.
  func choose(_ bundle: Bundle) throws -> Snapshot {
    if let node {
      guard let found = bundle.snapshots.first(where: { $0.name == node }) ?? byObjects(node, bundle) else {
        throw ValidationError(
          "No node '\(node)' in the snapshot; it has: \(bundle.snapshots.map(\.name).joined(separator: ", ")).")
      }
      return found
    }
    guard let first = bundle.snapshots.first else {
      throw InputError(path: snapshot.joined(separator: " "), reason: "holds objects but no dumps of a node")
    }
    return first
  }

  private func supply(_ snapshot: inout Snapshot) throws {
    for text in nodeIP {
      let parts = text.split(separator: "@", maxSplits: 1)
      guard let first = parts.first, let address = IPAddress(first.prefix { $0 != "/" }) else {
        throw ValidationError("'\(text)' is no ADDRESS[/LENGTH][@INTERFACE].")
      }
      let length = first.firstIndex(of: "/").flatMap { Int(first[first.index(after: $0)...]) } ?? address.version.width
      guard (0...address.version.width).contains(length) else {
        throw ValidationError("'\(text)' has a wrong prefix length.")
      }
      snapshot.addresses =
        (snapshot.addresses ?? [])
        + [
          InterfaceAddress(
            interface: parts.count > 1 ? String(parts[1]) : "eth0", address: address, prefixLength: length)
        ]
    }
    for text in sysctl {
      guard let equals = text.firstIndex(of: "=") else { throw ValidationError("'\(text)' is no KEY=VALUE.") }
      snapshot.sysctls[String(text[..<equals])] = String(text[text.index(after: equals)...])
    }
  }

  /// Runs a command's body, turning what it throws into messages and exit statuses.
  func guarding(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as InputError {
      Terminal.note("kubepath: \(printable(error.path)): \(error.reason)")
      throw ExitStatus.noInput
    } catch let error as Diagnostic {
      Terminal.note("kubepath: error: \(printable(error.description, limit: 500))")
      throw ExitStatus.malformed
    }
  }

  func reportDiagnostics(_ bundle: Bundle) -> Bool {
    var all = bundle.diagnostics
    for snapshot in bundle.snapshots { all.add(contentsOf: snapshot.diagnostics) }
    Terminal.report(all, verbose: verbose)
    return all.worst == .error
  }
}

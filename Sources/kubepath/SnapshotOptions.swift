import ArgumentParser
import Input
import Intent
import KernelSource
import Snapshot
import Wire

/// The files that hold the facts; shared by all commands that look at a node or compare with one.
struct SourceOptions: ParsableArguments {
  @Option(
    name: [.customShort("s"), .long],
    help: ArgumentHelp(
      "Files, folders or archives with dumps of nodes and objects of the cluster; '-' reads one from standard input. May be repeated.",
      valueName: "path"), completion: .file())
  var snapshot: [String] = []

  @Option(
    help: ArgumentHelp("Only this node, where there are several.", valueName: "name"),
    completion: .custom(SnapshotNames.nodes))
  var node: String?

  /// The nodes by their names, or by those that the objects have for them.
  private func named(_ name: String, _ bundle: Bundle) -> Snapshot? {
    if let found = bundle.snapshots.first(where: { $0.name == name }) { return found }
    guard !bundle.objectFiles.isEmpty else { return nil }
    let intent = ObjectReader.read(bundle.objectFiles)
    return bundle.snapshots.first { snapshot in
      intent.node(addresses: (snapshot.addresses ?? []).map(\.address), name: snapshot.name)?.name == name
    }
  }

  /// The one node to look at.
  func choose(_ bundle: Bundle) throws -> Snapshot {
    if let node {
      if let found = named(node, bundle) { return found }
      let all = bundle.snapshots.map(\.name)
      throw ValidationError(
        "No node '\(printable(node))' in the snapshot\(NearestName.question(node, in: all)) It has: \(all.map { printable($0) }.joined(separator: ", "))."
      )
    }
    guard let first = bundle.snapshots.first else {
      throw missesNode
    }
    return first
  }

  /// Where a node is needed and there is none.
  var missesNode: InputError {
    InputError(
      path: snapshot.joined(separator: " "),
      reason: "holds no dumps of a node: give iptables-save or nft list ruleset, ip addr and ip route of one, too")
  }

  /// Leaves the chosen node alone.
  func restrict(_ bundle: inout Bundle) throws {
    guard node != nil else { return }
    let chosen = try choose(bundle).name
    bundle.snapshots.removeAll { $0.name != chosen }
  }
}

/// Where the facts come from: files, or the running kernel, and what neither tells.
struct SnapshotOptions: ParsableArguments {
  @OptionGroup var files: SourceOptions

  @Option(
    help: ArgumentHelp(
      "Look at the running kernel in another network namespace: a name of 'ip netns' or a process's number.",
      valueName: "name"))
  var netns: String?

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

  /// Loads what the options name; of a running kernel's rules at first only what every packet meets, if `lazily`.
  /// Throws usage errors, and `InputError` where something cannot be opened.
  func load(lazily: Bool = false) throws -> Bundle {
    var bundle: Bundle
    if files.snapshot.isEmpty {
      bundle = Bundle()
      do { bundle.snapshots = [try KernelSource.read(netns: netns, lazily: lazily)] } catch let error as InputError {
        throw InputError(
          path: error.path,
          reason:
            "\(error.reason); without -s the running kernel is asked, give dumps with -s FOLDER ('kubepath snapshot' collects one)"
        )
      }
    } else {
      guard netns == nil else { throw ValidationError("--netns asks the running kernel; leave out -s.") }
      bundle = try Activity.during("reading \(files.snapshot.joined(separator: " "))") {
        try SnapshotLoader.load(files.snapshot)
      }
    }
    for index in bundle.snapshots.indices { try supply(&bundle.snapshots[index]) }
    return bundle
  }

  func choose(_ bundle: Bundle) throws -> Snapshot { try files.choose(bundle) }

  private func supply(_ snapshot: inout Snapshot) throws {
    for text in nodeIP {
      let parts = text.split(separator: "@", maxSplits: 1)
      guard let first = parts.first, let address = IPAddress(first.prefix { $0 != "/" }) else {
        throw ValidationError("'\(printable(text))' is no ADDRESS[/LENGTH][@INTERFACE].")
      }
      let length = first.firstIndex(of: "/").flatMap { Int(first[first.index(after: $0)...]) } ?? address.version.width
      guard (0...address.version.width).contains(length) else {
        throw ValidationError("'\(printable(text))' has a wrong prefix length.")
      }
      snapshot.addresses =
        (snapshot.addresses ?? [])
        + [
          InterfaceAddress(
            interface: parts.count > 1 ? String(parts[1]) : "eth0", address: address, prefixLength: length)
        ]
    }
    for text in sysctl {
      guard let equals = text.firstIndex(of: "=") else {
        throw ValidationError("'\(printable(text))' is no KEY=VALUE.")
      }
      snapshot.sysctls[String(text[..<equals])] = String(text[text.index(after: equals)...])
    }
  }
}

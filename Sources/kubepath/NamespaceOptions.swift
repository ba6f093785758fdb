import ArgumentParser
import Findings
import Input
import Intent
import ServiceMap
import Snapshot

/// Which namespace is meant, as kubectl takes it; shared by the commands that know names.
struct NamespaceOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The namespace of names that give none (default: default); where all Services are shown, only its own.",
      valueName: "namespace"), completion: .custom(SnapshotNames.namespaces))
  var namespace: String?

  @Flag(name: [.customShort("A"), .customLong("all-namespaces")], help: "All namespaces: what is shown without -n.")
  var all = false

  func validate() throws {
    if all, namespace != nil { throw ValidationError("-n and -A exclude each other.") }
  }

  func resolver(_ cluster: Cluster) -> NameResolver { NameResolver(cluster, namespace: namespace ?? "default") }
}

/// The Services that a command is asked about, by `-n` and by names; empty: all.
struct ServiceSelection {
  /// `namespace/name`.
  private let services: Set<String>
  private let namespace: String?

  /// `names`: `svc/NAMESPACE/NAME`, `svc/NAME`, `NAME.NAMESPACE.svc`. `known`: the Services that there are.
  init(_ names: [String], _ options: NamespaceOptions, known: [String]) throws {
    namespace = options.namespace
    let namespaces = Set(known.map { String($0.prefix { $0 != "/" }) })
    if names.isEmpty, let namespace = options.namespace, !namespaces.isEmpty, !namespaces.contains(namespace) {
      throw ValidationError(
        "No Service is in a namespace '\(printable(namespace))'\(NearestName.question(namespace, in: namespaces))")
    }
    var services: Set<String> = []
    for name in names {
      let full = try Self.full(name, options.namespace ?? "default")
      guard known.contains(full) else {
        let short = full.split(separator: "/").last.map(String.init) ?? full
        let namesakes = Set(known.filter { $0.hasSuffix("/\(short)") })
        let near = namesakes.isEmpty ? NearestName.find(full, in: Set(known)) : Array(namesakes.sorted().prefix(3))
        throw ValidationError(
          "There is no Service \(printable(full))\(NearestName.question(near.map { "svc/\(printable($0))" }))")
      }
      services.insert(full)
    }
    self.services = services
  }

  private static func full(_ name: String, _ namespace: String) throws -> String {
    var text = name
    if let slash = text.firstIndex(of: "/"), ["svc", "service", "services"].contains(text[..<slash]) {
      text = String(text[text.index(after: slash)...])
    } else {
      let labels = text.split(separator: ".")
      if labels.count >= 3, labels[2] == "svc" { text = "\(labels[1])/\(labels[0])" }
    }
    if let colon = text.lastIndex(of: ":") {
      throw ValidationError(
        "'\(printable(name))': leave out the port, all ports are shown: svc/\(printable(String(text[..<colon]))).")
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    switch parts.count {
    case 1: return "\(namespace)/\(text)"
    case 2: return text
    default: throw ValidationError("'\(printable(name))': expected svc/NAMESPACE/NAME.")
    }
  }

  var isAll: Bool { services.isEmpty && namespace == nil }

  /// `label`: `namespace/name`, perhaps with a port behind a colon.
  func contains(_ label: String) -> Bool {
    let full = String(label.prefix { $0 != ":" })
    if !services.isEmpty { return services.contains(full) }
    guard let namespace else { return true }
    return full.hasPrefix("\(namespace)/")
  }

  /// What is about them, or hurts them.
  func contains(_ finding: Finding) -> Bool {
    if isAll { return true }
    let subject = finding.subject
    if let own = subject.namespace {
      if services.isEmpty, own == namespace { return true }
      if let name = subject.name, contains("\(own)/\(name)"), subject.kind == "Service" { return true }
    }
    return finding.occurrences.contains { $0.service.map { contains($0) } ?? false }
  }
}

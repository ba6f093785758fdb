import Input
import Intent
import Snapshot

/// Names that a shell completes: those of the snapshot that `-s` names on the line so far. Nothing where there is none.
enum SnapshotNames {
  @Sendable static func services(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
    objects(words).map { $0.services.map { "svc/\($0.fullName)" } }.map { sorted($0, prefix) } ?? []
  }

  @Sendable static func nodes(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
    bundle(words).map { sorted($0.snapshots.map(\.name), prefix) } ?? []
  }

  /// What a packet may be sent to.
  @Sendable static func destinations(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
    guard let cluster = objects(words) else { return [] }
    return sorted(cluster.services.map { "svc/\($0.fullName)" } + pods(cluster), prefix)
  }

  /// Whence it may come.
  @Sendable static func sources(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
    sorted(["local", "outside"] + (objects(words).map { pods($0) } ?? []), prefix)
  }

  @Sendable static func namespaces(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
    objects(words).map { sorted(Array(Set($0.services.map(\.namespace) + $0.pods.map(\.namespace))), prefix) } ?? []
  }

  private static func pods(_ cluster: Cluster) -> [String] { cluster.pods.map { "pod/\($0.namespace)/\($0.name)" } }

  /// Shells break at blanks and obey more than names have: other names are left out.
  private static func sorted(_ names: [String], _ prefix: String) -> [String] {
    names.filter { name in
      name.hasPrefix(prefix) && name.utf8.allSatisfy { (0x21..<0x7F).contains($0) && !"\"'`$\\".utf8.contains($0) }
    }.sorted()
  }

  private static func objects(_ words: [String]) -> Cluster? {
    bundle(words).map { ObjectReader.read($0.objectFiles) }
  }

  private static func bundle(_ words: [String]) -> Bundle? {
    var paths: [String] = []
    for (option, value) in zip(words, words.dropFirst()) where option == "-s" || option == "--snapshot" {
      if value != "-" { paths.append(value) }
    }
    return paths.isEmpty ? nil : try? SnapshotLoader.load(paths)
  }
}

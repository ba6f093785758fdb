import Foundation
import Input
import Ruleset
import Snapshot
import Testing

/// The shared corpus beside the package, where it is present.
enum Corpus {
  static let root: URL? = {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let dumps = package.deletingLastPathComponent().appending(path: "shared/corpus/dumps")
    return FileManager.default.fileExists(atPath: dumps.appending(path: "INDEX.tsv").path) ? dumps : nil
  }()

  struct Dump: Sendable, CustomTestStringConvertible {
    var path: String
    var kind: String
    /// What the real nft says: `yes`, `no`, `n/a` …
    var loads: String
    var testDescription: String { path }
  }

  static let dumps: [Dump] = {
    guard let root, let index = try? String(contentsOf: root.appending(path: "INDEX.tsv"), encoding: .utf8) else {
      return []
    }
    return index.split(separator: "\n").dropFirst().compactMap { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard columns.count > 9, columns[1].hasPrefix("nft-") else { return nil }
      return Dump(path: String(columns[0]), kind: String(columns[1]), loads: String(columns[9]))
    }
  }()

  static func open(_ dump: Dump) throws -> SourceFile {
    try SourceFile.open(path: root!.appending(path: dump.path).path, name: dump.path)
  }
}

/// What a ruleset holds that is not modelled.
struct Unmodelled {
  var texts: [String] = []

  init(_ ruleset: Ruleset) {
    for clause in ruleset.clauses {
      switch clause {
      case .match(let match): if case .unknown(let text) = match.test { texts.append(ruleset[text]) }
      case .statement(.unknown(let text)): texts.append(ruleset[text])
      default: break
      }
    }
  }
}

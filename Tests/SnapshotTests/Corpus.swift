import Foundation
import Input

/// Real dumps beside the package, where they are present.
enum Corpus {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/corpus").path

  static var isPresent: Bool { FileManager.default.fileExists(atPath: root) }

  static func files(_ kind: String) -> [SourceFile] {
    let folder = root + "/dumps/" + kind
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().compactMap { try? SourceFile.open(path: folder + "/" + $0, name: kind + "/" + $0) }
  }

  static var nodes: [String] {
    let folder = root + "/kube-proxy"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.contains("--") }.sorted().map { folder + "/" + $0 }
  }
}

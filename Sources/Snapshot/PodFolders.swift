/// The folders `pods/NAMESPACE_NAME/` of a node: what the network namespace of each Pod says of itself.
struct PodFolders {
  /// What the folder above them is called.
  static let name = "pods"

  private var pods: [(name: String, contents: [NodeLoader.Content])] = []
  /// Files that lie in no such folder.
  private(set) var others: [NodeLoader.Content] = []

  /// `depth`: how many folders lead to `pods`, itself included.
  init(_ contents: [NodeLoader.Content], depth: Int) {
    var places: [String: Int] = [:]
    for content in contents {
      guard content.entry.folders.count > depth, let pod = Self.pod(content.entry.folders[depth]) else {
        others.append(content)
        continue
      }
      if let place = places[pod] {
        pods[place].contents.append(content)
      } else {
        places[pod] = pods.count
        pods.append((pod, [content]))
      }
    }
  }

  func load() -> [Snapshot] { pods.map { NodeLoader.load(name: $0.name, $0.contents) } }

  /// Neither name may hold an underscore; nil: the folder is not named so.
  private static func pod(_ folder: String) -> String? {
    let parts = folder.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    return "\(parts[0])/\(parts[1])"
  }
}

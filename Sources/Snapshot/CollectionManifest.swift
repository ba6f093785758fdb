import Input

/// What a collector says of its own run (`manifest.json`): which files it wrote and what it could not read.
enum CollectionManifest {
  /// Whether a folder without any dump of rules is one of a node without rules: the collector read all it wanted, and tools
  /// that printed nothing left no file.
  static func saysThatThereAreNoRules(_ content: NodeLoader.Content) -> Bool {
    let file = content.entry.file
    guard content.entry.name == "manifest.json", file.bytes.count < 1 << 20,
      let document = try? JSONDocument(file)
    else { return false }
    return document.withRoot { root in
      guard root["tool"]?.string?.contains("kubepath") ?? false, let notRead = root["notRead"], notRead.isArray else {
        return false
      }
      // A file of rules that was written and is not here is not known to be empty.
      return !(root["files"]?.elements.contains { $0.string.map(ruleFiles.contains) ?? false } ?? false)
        && notRead.elements.allSatisfy { note in !(note.string.map(isAboutRules) ?? true) }
    }
  }

  private static let ruleFiles = Set(
    DumpFormat.allCases.map(\.descriptor).filter(\.holdsRules).flatMap(\.collected).map(\.file))

  private static func isAboutRules(_ note: String) -> Bool {
    let word = note.prefix { $0 != ":" }
    return ruleFiles.contains(String(word)) || word.contains("tables") || word.contains("nft")
      || word.contains("netlink")
  }
}

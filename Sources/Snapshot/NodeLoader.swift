import Input
import Ruleset
import Wire

/// Reads the files of one node.
enum NodeLoader {
  /// A file and the dumps in it.
  struct Content {
    var entry: SnapshotLoader.Entry
    var dumps: [RecognisedDump]
    var unread: [UnreadPart]
    var isBinary: Bool
    /// What had to be mended before it could be read.
    var repairs: [StaticString] = []

    init(_ entry: SnapshotLoader.Entry) {
      self.entry = entry
      if let decoded = PastedText.decoded(entry.file) {
        self.entry.file = decoded
        repairs = ["UTF-16"]
      }
      isBinary = Recognition.isBinary(self.entry.file.bytes)
      guard !isBinary else {
        dumps = []
        unread = []
        return
      }
      if let (file, repairs) = PastedText.restored(self.entry.file) {
        self.entry.file = file
        self.repairs += repairs
      }
      let found = Recognition.divide(self.entry.file)
      dumps = found.dumps
      unread = found.unread
    }

    /// A part of it: the dumps of one of several nodes.
    func part(_ dumps: [RecognisedDump], _ unread: [UnreadPart]) -> Content {
      var copy = self
      copy.dumps = dumps
      copy.unread = unread
      return copy
    }

    /// Tells something about a node, not only about the cluster.
    var isOfNode: Bool { dumps.contains { $0.format.descriptor.role != .objects } || emptyFormat != nil }

    /// An empty file says that there are none, where its name tells of what.
    var emptyFormat: DumpFormat? {
      guard entry.file.bytes.isEmpty else { return nil }
      let name = entry.name.lowercased()
      return DumpFormat.allCases.first { format in
        format.descriptor.empty != nil && format.descriptor.isNamed?(name) ?? false
      }
    }

    /// Other text that belongs to a folder of dumps: what a collector says of itself, a licence.
    var isAboutTheFolder: Bool {
      ["manifest.json", "hostname", "readme", "readme.md", "readme.txt", "license"].contains(entry.name.lowercased())
    }

    /// A sosreport has thousands of files; these folders tell of the network.
    var isOfInterestInReport: Bool {
      let path = (entry.folders + [entry.name]).joined(separator: "/")
      guard path.contains("sos_commands/") else { return false }
      return [
        "networking/", "firewall", "kernel/sysctl", "kernel/dmesg", "ipvs", "conntrack", "ipset", "kubernetes/",
        "nftables", "cilium",
      ]
      .contains { path.contains($0) }
    }
  }

  static func load(name: String, _ contents: [Content], isReport: Bool = false) -> Snapshot {
    var snapshot = Snapshot(name: name)
    var rules: [RecognisedDump] = []
    for content in contents {
      WorkMeter.advance(content.entry.file.bytes.count)
      if !isReport, !content.isAboutTheFolder { for part in content.unread { leaveOut(part, &snapshot) } }
      if !content.repairs.isEmpty {
        snapshot.diagnostics.add(
          Diagnostic(
            .note, file: escaped(content.entry.file.name), .whole,
            "was mended before it was read: \(content.repairs.map(\.description).joined(separator: ", "))"))
      }
      if content.dumps.isEmpty {
        applyEmpty(content, isReport: isReport, &snapshot)
        continue
      }
      for dump in content.dumps {
        let descriptor = dump.format.descriptor
        switch descriptor.role {
        case .rules:
          if let part = EthernetRules.part(dump) {
            if !isReport, part.holdsRules { leaveOut(part.unread, &snapshot) }
          } else {
            rules.append(dump)
          }
        case .objects: addObjects(dump, content, &snapshot.objectFiles)
        case .facts: descriptor.read(dump, &snapshot)
        }
      }
    }
    var notes: [Diagnostic] = []
    let chosen = RuleSelection.choose(rules) { section, message, severity in
      notes.append(Diagnostic(severity, file: escaped(section.file.name), .line(section.firstLine), message))
    }
    for note in notes { snapshot.diagnostics.add(note) }
    for dump in chosen { readRules(dump, into: &snapshot) }
    snapshot.tablesNotGiven = GivenTables.missing(rules, snapshot.ruleset)
    if chosen.count > 1 { snapshot.ruleset.creationOrder = RuleSelection.creationOrder(rules) }
    snapshot.rulesRead =
      snapshot.rulesRead || !chosen.isEmpty || contents.contains(where: CollectionManifest.saysThatThereAreNoRules)
    snapshot.ruleset.finish()
    return snapshot
  }

  /// Files beside the folders of a bundle's nodes.
  static func loadShared(_ contents: [Content], _ bundle: inout Bundle) {
    for content in contents {
      for dump in content.dumps where dump.format.descriptor.role == .objects {
        addObjects(dump, content, &bundle.objectFiles)
      }
      if content.dumps.isEmpty { bundle.diagnostics.add(unrecognised(content, isReport: false)) }
    }
  }

  /// What no reader took, with its lines: a warning, since it may decide.
  private static func leaveOut(_ part: UnreadPart, _ snapshot: inout Snapshot) {
    snapshot.unread.append(part)
    snapshot.diagnostics.add(
      Diagnostic(.warning, file: escaped(part.file), .line(part.lines.lowerBound), part.sentence))
  }

  private static func addObjects(_ dump: RecognisedDump, _ content: Content, _ files: inout [SourceFile]) {
    let file = content.entry.file
    if content.dumps.allSatisfy({ $0.format == .objects }) {
      if files.last !== file { files.append(file) }
    } else {
      files.append(SourceFile(name: file.name, partOf: file, range: dump.section.range))
    }
  }

  private static func unrecognised(_ content: Content, isReport: Bool) -> Diagnostic {
    let isText = !content.entry.file.bytes.isEmpty && !content.isBinary
    let reason =
      content.entry.file.bytes.isEmpty
      ? "is empty" : content.isBinary ? "is a binary file, not a dump" : "is no dump that kubepath knows; not used"
    return Diagnostic(
      isText && !isReport && !content.isAboutTheFolder ? .warning : .note, file: escaped(content.entry.file.name),
      .whole, reason)
  }

  private static func applyEmpty(_ content: Content, isReport: Bool, _ snapshot: inout Snapshot) {
    if let format = content.emptyFormat {
      format.descriptor.empty?(&snapshot)
      return
    }
    let diagnostic = unrecognised(content, isReport: isReport)
    // The lines that nobody reads were told already.
    if diagnostic.severity == .note || content.unread.isEmpty { snapshot.diagnostics.add(diagnostic) }
    snapshot.unrecognised.append(diagnostic.description)
  }

  static func read(_ dump: RecognisedDump, into snapshot: inout Snapshot) {
    dump.format.descriptor.read(dump, &snapshot)
  }

  /// The one place that calls the rule readers.
  static func readRules(_ dump: RuleDump, into snapshot: inout Snapshot) {
    switch dump {
    case .iptables(let section, let version, let backend):
      IptablesSaveReader.read(section, version: version, backend: backend, into: &snapshot)
    case .parts(let dumps, let version, let backend, let skipping):
      IptablesSaveReader.read(parts: dumps, version: version, backend: backend, skipping: skipping, into: &snapshot)
    case .nftText(let section, let isExcerpt):
      NftTextReader.read(section.file, range: section.range, isExcerpt: isExcerpt, into: &snapshot)
    case .nftJSON(let section, let skipping):
      if !skipping.isEmpty, let rest = NftJSONFilter.without(skipping, section) {
        NftJSONReader.read(rest, range: 0..<rest.bytes.count, into: &snapshot)
      } else {
        NftJSONReader.read(section.file, range: section.range, into: &snapshot)
      }
    }
  }
}

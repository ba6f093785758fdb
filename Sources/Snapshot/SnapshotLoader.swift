import Input
import Ruleset
import Wire

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Snapshots of several nodes, and the cluster's objects.
public struct Bundle: Sendable {
  public var snapshots: [Snapshot] = []
  public var objectFiles: [SourceFile] = []
  public var diagnostics = Diagnostics()
  public init() {}
}

/// Loads what `-s` names: folders, files, archives, `-`. What a file is, its content tells.
public enum SnapshotLoader {
  /// Bounds on what a folder may hold.
  static let maximumFiles = 100_000
  static let maximumDepth = 16

  public static func load(_ paths: [String]) throws(InputError) -> Bundle {
    var bundle = Bundle()
    /// Files named one by one are one node.
    var loose: [Entry] = []
    let budget = Archive.Budget()
    for path in paths {
      if path == "-" {
        let file = try SourceFile.read(descriptor: 0, name: "stdin")
        try add(file, path: path, budget, &bundle, &loose)
        continue
      }
      var status = stat()
      guard stat(path, &status) == 0 else { throw InputError(path: path, errno: errno) }
      if status.st_mode & S_IFMT == S_IFDIR {
        var entries: [Entry] = []
        try collect(Array(path.utf8), [], &entries, &bundle.diagnostics)
        try unpack(&entries, budget, &bundle.diagnostics)
        try addTree(entries, name: folderName(path), path: path, &bundle)
      } else {
        try add(try SourceFile.open(path: path), path: path, budget, &bundle, &loose)
      }
    }
    if !loose.isEmpty {
      try unpack(&loose, budget, &bundle.diagnostics)
      try addLoose(loose, &bundle)
    }
    for snapshot in bundle.snapshots { bundle.objectFiles += snapshot.objectFiles }
    return bundle
  }

  /// One node from files that are in memory already.
  public static func load(_ files: [SourceFile], name: String) -> Snapshot {
    NodeLoader.load(name: name, files.map { NodeLoader.Content(Entry(file: $0, folders: [], name: $0.name)) })
  }

  /// A file and its place below the argument.
  struct Entry {
    var file: SourceFile
    var folders: [String]
    var name: String
  }

  /// A log or dump that was compressed on its own becomes what is in it. An archive among the files of a node is left out.
  private static func unpack(
    _ entries: inout [Entry], _ budget: Archive.Budget, _ diagnostics: inout Diagnostics
  ) throws(InputError) {
    for index in entries.indices {
      guard Archive.isArchive(entries[index].file.bytes) else {
        try budget.admit(entries[index].file)
        continue
      }
      let file = entries[index].file
      let members: [SourceFile]
      do {
        budget.allow(file.isMember ? 0 : file.bytes.count)
        members = try Archive.members(of: file, budget: budget)
      } catch {
        // A budget that is used up ends the load; damage costs the file.
        if error.isBudget { throw error }
        diagnostics.add(Diagnostic(.warning, file: escaped(file.name), .whole, error.reason))
        continue
      }
      guard members.count == 1 else {
        diagnostics.add(
          Diagnostic(
            .warning, file: escaped(file.name), .whole, "is an archive in a folder or an archive; name it with -s"))
        continue
      }
      entries[index].file = members[0]
    }
  }

  private static func add(
    _ file: SourceFile, path: String, _ budget: Archive.Budget, _ bundle: inout Bundle, _ loose: inout [Entry]
  ) throws(InputError) {
    let name = file.name.split(separator: "/").last.map(String.init) ?? file.name
    guard Archive.isArchive(file.bytes) else {
      loose.append(Entry(file: file, folders: [], name: name))
      return
    }
    budget.allow(file.bytes.count)
    let members = try Archive.members(of: file, budget: budget)
    var entries = members.map { member -> Entry in
      let parts = member.name.split(separator: "/").map(String.init).filter { $0 != "." && $0 != ".." }
      return Entry(file: member, folders: Array(parts.dropLast().prefix(maximumDepth)), name: parts.last ?? member.name)
    }
    if entries.count == 1, entries[0].folders.isEmpty || entries[0].file.name.hasPrefix(path) {
      loose.append(Entry(file: entries[0].file, folders: [], name: entries[0].name))
      return
    }
    var base = name
    for suffix in [".gz", ".zst", ".xz", ".tgz", ".tar"] where base.hasSuffix(suffix) { base.removeLast(suffix.count) }
    if base.hasSuffix(".tar") { base.removeLast(4) }
    try unpack(&entries, budget, &bundle.diagnostics)
    try addTree(entries, name: base, path: path, &bundle)
  }

  private static func folderName(_ path: String) -> String {
    let resolved = path.split(separator: "/").last.map(String.init) ?? path
    guard resolved == "." || resolved == ".." || resolved.isEmpty else { return resolved }
    guard let real = realpath(path, nil) else { return "node" }
    defer { free(real) }
    return String(cString: real).split(separator: "/").last.map(String.init) ?? "node"
  }

  /// Names need not be UTF-8: paths are bytes here, and text only where they are printed.
  private static func collect(
    _ path: [UInt8], _ folders: [String], _ entries: inout [Entry], _ diagnostics: inout Diagnostics
  ) throws(InputError) {
    let shown = String(decoding: path, as: UTF8.self)
    guard folders.count < maximumDepth else {
      diagnostics.add(
        Diagnostic(.warning, file: escaped(shown), .whole, "is nested deeper than \(maximumDepth) folders; left out"))
      return
    }
    guard let directory = withPath(path, { opendir($0) }) else { throw InputError(path: shown, errno: errno) }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    while let item = readdir(directory) {
      let name = withUnsafeBytes(of: &item.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name.first != UInt8(ascii: ".") { names.append(name) }
    }
    for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let full = path.last == UInt8(ascii: "/") ? path + name : path + [UInt8(ascii: "/")] + name
      let text = String(decoding: name, as: UTF8.self)
      let fullText = String(decoding: full, as: UTF8.self)
      var status = stat()
      guard withPath(full, { lstat($0, &status) }) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try collect(full, folders + [text], &entries, &diagnostics)
      case S_IFREG, S_IFLNK:
        // A link to a folder may lead round in a circle; one to a file is the file.
        var target = stat()
        guard withPath(full, { stat($0, &target) }) == 0, target.st_mode & S_IFMT == S_IFREG else { continue }
        guard entries.count < maximumFiles else {
          throw InputError(path: shown, reason: "holds more than \(maximumFiles) files; name the node's folder")
        }
        do {
          entries.append(Entry(file: try SourceFile.open(bytes: full, name: fullText), folders: folders, name: text))
        } catch {
          diagnostics.add(Diagnostic(.warning, file: escaped(fullText), .whole, "cannot be read: \(error.reason)"))
        }
      default: continue
      }
    }
  }

  private static func withPath<R>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> R) -> R {
    (path + [0]).withUnsafeBytes { body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
  }

  // MARK: Nodes

  /// A folder that holds dumps is a node, its subfolders belong to it; a folder of such folders is a bundle.
  private static func addTree(
    _ entries: [Entry], name: String, path: String, _ bundle: inout Bundle
  ) throws(InputError) {
    WorkMeter.expect(entries.reduce(0) { $0 + $1.file.bytes.count })
    let before = bundle.snapshots.count
    let objects = bundle.objectFiles.count
    let contents = entries.map { NodeLoader.Content($0) }
    divide(contents, depth: 0, name: name, &bundle)
    guard bundle.snapshots.count > before || bundle.objectFiles.count > objects else {
      throw InputError(path: path, reason: nothingKnown(entries.count))
    }
  }

  private static func divide(
    _ contents: [NodeLoader.Content], depth: Int, name: String, _ bundle: inout Bundle
  ) {
    let direct = contents.filter { $0.entry.folders.count == depth }
    let isReport = contents.contains { $0.entry.folders.count > depth && $0.entry.folders[depth] == "sos_commands" }
    if isReport {
      bundle.snapshots.append(
        NodeLoader.load(
          name: hostname(contents, depth) ?? name, contents.filter(\.isOfInterestInReport), isReport: true))
      return
    }
    var folders: [String] = []
    var inside: [String: [NodeLoader.Content]] = [:]
    for content in contents where content.entry.folders.count > depth {
      let folder = content.entry.folders[depth]
      if inside[folder] == nil { folders.append(folder) }
      inside[folder, default: []].append(content)
    }
    if let nodes = NodeIdentity.divide(direct) {
      for (node, own) in nodes.nodes { bundle.snapshots.append(NodeLoader.load(name: node, own + nodes.shared)) }
      bundle.diagnostics.add(nodes.warning(in: name))
      for folder in folders { divide(inside[folder] ?? [], depth: depth + 1, name: folder, &bundle) }
      return
    }
    if direct.contains(where: \.isOfNode) {
      var own = direct
      let pods = PodFolders(folders.contains(PodFolders.name) ? inside[PodFolders.name] ?? [] : [], depth: depth + 1)
      let names = Set(direct.filter(\.isOfNode).map(\.entry.name))
      for folder in folders {
        let inner = folder == PodFolders.name ? pods.others : inside[folder] ?? []
        guard !inner.isEmpty else { continue }
        // The same file names again: not more of this node, but another state of it or another node.
        if inner.filter({ names.contains($0.entry.name) }).count >= 2 {
          bundle.diagnostics.add(
            Diagnostic(
              .note, file: inner[0].entry.file.name.split(separator: "/").dropLast().joined(separator: "/"), .whole,
              "holds the same dumps as the folder above it: not part of this node; name it with -s to load it"))
        } else {
          own += inner
        }
      }
      var node = NodeLoader.load(name: name, own)
      node.pods = pods.load()
      for pod in node.pods { node.diagnostics.add(contentsOf: pod.diagnostics) }
      bundle.snapshots.append(node)
      return
    }
    // Objects and notes beside the nodes' folders.
    NodeLoader.loadShared(direct, &bundle)
    for folder in folders {
      let inner = inside[folder] ?? []
      if inner.contains(where: \.isOfNode) {
        divide(inner, depth: depth + 1, name: folder, &bundle)
      } else {
        NodeLoader.loadShared(inner, &bundle)
      }
    }
  }

  private static func hostname(_ contents: [NodeLoader.Content], _ depth: Int) -> String? {
    for content in contents
    where content.entry.name == "hostname" && content.entry.folders.count <= depth + 2
      && content.entry.file.bytes.count < 300
    {
      let text = ByteText(bytes: content.entry.file.bytes)
      let name = (text.split(at: 10)?.before ?? text).trimmed
      if !name.isEmpty { return name.printable }
    }
    return nil
  }

  private static func addLoose(_ entries: [Entry], _ bundle: inout Bundle) throws(InputError) {
    WorkMeter.expect(entries.reduce(0) { $0 + $1.file.bytes.count })
    let contents = entries.map { NodeLoader.Content($0) }
    for content in contents where content.dumps.isEmpty {
      let bytes = content.entry.file.bytes
      let path = content.entry.file.name
      if bytes.isEmpty && content.emptyFormat == nil {
        throw InputError(path: path, reason: "is empty; expected \(expected)")
      }
      if Recognition.isBinary(bytes) { throw InputError(path: path, reason: "is a binary file; expected \(expected)") }
      if !bytes.isEmpty && contents.count == 1 {
        throw InputError(path: path, reason: "is nothing that kubepath knows; expected \(expected)")
      }
    }
    if let nodes = NodeIdentity.divide(contents) {
      for (node, own) in nodes.nodes { bundle.snapshots.append(NodeLoader.load(name: node, own + nodes.shared)) }
      bundle.diagnostics.add(nodes.warning(in: "-s"))
    } else if contents.contains(where: \.isOfNode) {
      // With one node's folder given, further files tell more about that node.
      bundle.snapshots.append(NodeLoader.load(name: "node", contents))
    } else {
      NodeLoader.loadShared(contents, &bundle)
    }
  }

  /// What may be handed over, by the command that prints it.
  static let expected: String = {
    let commands = DumpFormat.allCases.filter { $0 != .objects && $0 != .objectText }.map { $0.descriptor.commands[0] }
    return commands.joined(separator: ", ") + " or " + DumpFormat.objects.descriptor.commands[0]
  }()

  private static func nothingKnown(_ count: Int) -> String {
    count == 0
      ? "is empty; expected files with \(expected)"
      : "holds nothing that kubepath knows in \(count) files; expected \(expected)"
  }
}

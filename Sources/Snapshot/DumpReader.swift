import Input

/// One dump format. A line that it cannot take is one diagnostic; everything else is kept.
public protocol DumpReader {
  static func read(_ section: DumpSection, into snapshot: inout Snapshot)
}

extension DumpReader {
  public static func read(_ file: SourceFile, into snapshot: inout Snapshot) {
    read(DumpSection(file), into: &snapshot)
  }

  /// Parses a section that holds one JSON text and hands its root on; malformed JSON is one diagnostic.
  static func withJSON(
    _ section: DumpSection, into snapshot: inout Snapshot, _ body: (JSONValue, inout Snapshot) -> Void
  ) {
    do {
      let document = try JSONDocument(section.file, range: section.range)
      document.withRoot { body($0, &snapshot) }
    } catch {
      snapshot.diagnostics.add(error)
    }
  }
}

extension DumpSection {
  var isJSON: Bool { firstByte == UInt8(ascii: "[") || firstByte == UInt8(ascii: "{") }
}

extension Snapshot {
  mutating func warn(_ section: DumpSection, _ line: Int, _ message: String) {
    diagnostics.add(Diagnostic(.warning, file: section.file.name, .line(line), message))
  }

  /// The index of a file in `ruleset.files`, added where it is new.
  mutating func fileIndex(_ file: SourceFile) -> UInt32 {
    if let index = ruleset.files.lastIndex(where: { $0 === file }) { return UInt32(index) }
    return ruleset.addFile(file)
  }
}

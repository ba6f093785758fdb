import Input
import Synchronization

/// The lines of objects in the files that they were read from, for evidence. Objects do not keep theirs: a file is gone through
/// once, when a finding asks for the first of its objects.
public final class ObjectLines: Sendable {
  private struct Key: Hashable {
    var kind: String
    var name: String
  }

  private let known = Mutex<[Int: [Key: Int]]>([:])

  /// In larger files a line says little.
  private static let searched = 64 << 20
  private static let searchedForText = 1 << 20

  /// The line of `metadata.name`; nil: not found.
  func line(of kind: String, _ name: String, in file: SourceFile, index: Int) -> Int? {
    guard !name.isEmpty, file.bytes.count <= Self.searched else { return nil }
    return known.withLock { known in
      if known[index] == nil {
        let lines = Self.lines(file)
        // What kubectl prints for people has no members.
        known[index] = lines.isEmpty ? Self.words(file) : lines
      }
      return known[index]![Key(kind: kind, name: name)] ?? known[index]![Key(kind: "", name: name)]
    }
  }

  /// Of each name the first line, with the nearest kind before it: what refers to an object stands in another, behind that one's
  /// own name.
  private static func lines(_ file: SourceFile) -> [Key: Int] {
    var lines: [Key: Int] = [:]
    var kind = ""
    /// Of the kinds of the objects themselves; those of what they refer to stand further in, or behind in the same line.
    var indent = Int.max
    for line in DumpSection(file).lines {
      var at = 0
      let own = line.text.bytes.prefix { $0 == 0x20 || $0 == 0x2D }.count
      var isFirst = true
      while let (word, value, end) = member(line.text, from: at) {
        at = end
        if word == .kind {
          guard isFirst, own <= indent, !value.hasSuffix("List") else { continue }
          (kind, indent, isFirst) = (value, own, false)
        } else if !kind.isEmpty {
          let key = Key(kind: kind, name: value)
          if lines[key] == nil { lines[key] = line.number }
        }
      }
    }
    return lines
  }

  /// Of each word the first line; in `pod/web-0` the word is the name.
  private static func words(_ file: SourceFile) -> [Key: Int] {
    var lines: [Key: Int] = [:]
    for line in DumpSection(file).lines {
      var words = line.words
      while let word = words.next() {
        let name = word.split(at: UInt8(ascii: "/"))?.after ?? word
        guard name.count <= longestName, lines.count < manyWords else { continue }
        let key = Key(kind: "", name: name.string)
        if lines[key] == nil { lines[key] = line.number }
      }
    }
    return lines
  }

  private static let longestName = 253
  private static let manyWords = 1 << 20

  private enum Word { case kind, name }

  /// The next `"kind": "…"` or `name: …` of a line, and where it ends.
  private static func member(_ text: ByteText, from: Int) -> (Word, String, end: Int)? {
    let bytes = text.bytes
    var at = from
    while at + 5 < bytes.count {
      let first = bytes[at]
      guard first == UInt8(ascii: "k") || first == UInt8(ascii: "n"), at == 0 || !isLetter(bytes[at - 1]) else {
        at += 1
        continue
      }
      let word = text[at..<at + 4]
      guard word == "kind" || word == "name" else {
        at += 1
        continue
      }
      var start = at + 4
      if start < bytes.count, bytes[start] == UInt8(ascii: "\"") { start += 1 }
      guard start < bytes.count, bytes[start] == UInt8(ascii: ":") else {
        at += 4
        continue
      }
      start += 1
      while start < bytes.count,
        bytes[start] == 0x20 || bytes[start] == UInt8(ascii: "\"") || bytes[start] == UInt8(ascii: "'")
      {
        start += 1
      }
      var end = start
      while end < bytes.count, !isEnd(bytes[end]) { end += 1 }
      return (word == "kind" ? .kind : .name, text[start..<end].string, max(end, at + 4))
    }
    return nil
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (65...90).contains(byte) }

  private static func isEnd(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: ","), UInt8(ascii: "}"), 0x20, 0x09, 0x0D: true
    default: false
    }
  }

  /// The line that holds a text, be it the beginning of one.
  static func line(holding text: String, in file: SourceFile) -> Int? {
    guard file.bytes.count <= searchedForText else { return nil }
    // What is escaped in JSON ends it.
    let needle = Array(text.utf8.prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20 })
    guard let first = needle.first, needle.count >= 8 else { return nil }
    let bytes = file.bytes
    var at = 0
    while at + needle.count <= bytes.count, let found = bytes[at...].firstIndex(of: first),
      found + needle.count <= bytes.count
    {
      if bytes[found..<found + needle.count].elementsEqual(needle) {
        return bytes[..<found].reduce(file.firstLine) { $1 == 10 ? $0 + 1 : $0 }
      }
      at = found + 1
    }
    return nil
  }
}

extension Cluster {
  /// The line of an object in the file that it was read from; nil: not found.
  public func line(of kind: String, _ name: String, in file: Int) -> Int? {
    guard files.indices.contains(file) else { return nil }
    return lines.line(of: kind, name, in: files[file], index: file)
  }

  public func line(holding text: String, in file: Int) -> Int? {
    files.indices.contains(file) ? ObjectLines.line(holding: text, in: files[file]) : nil
  }
}

import CSimdjson

/// The elements of a long list, parsed some at a time, so that the parsed form, many times the text, never stands in
/// memory as a whole.
public enum JSONElements {
  /// Calls `body` for each element of `{"NAME": [ … ]}`, and lets go of the file's pages behind it. False where the
  /// text is of another form or malformed; a part may have been visited then. Values must not leave `body`.
  /// `runLength`: bytes of text that are parsed at once; with their parsed form they fit into a core's own cache.
  public static func visit(
    _ name: StaticString, in file: SourceFile, range: Range<Int>, runLength: Int = 1 << 17, _ body: (JSONValue) -> Void
  ) -> Bool {
    guard let first = listStart(name, file.bytes, range) else { return false }
    guard let last = visit(in: file, first..<range.upperBound, runLength: runLength, body) else { return false }
    return isEnd(file.bytes, last, range.upperBound)
  }

  /// Calls `body` for each element of a list whose text begins behind its bracket: where it ends, or nil where it is
  /// malformed. The elements of the runs before that were visited.
  public static func visit(
    in file: SourceFile, _ range: Range<Int>, runLength: Int, _ body: (JSONValue) -> Void
  ) -> Int? {
    let bytes = file.bytes
    let (first, end) = (range.lowerBound, range.upperBound)
    guard let parser = csimdjson_parser_make() else { return nil }
    defer { csimdjson_parser_free(parser) }
    var at = first
    // The elements between brackets of our own, and the padding.
    var copy: [UInt8] = []
    copy.reserveCapacity(runLength * 2)
    while true {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[at..<end])
      let length = csimdjson_elements(rest.bindMemory(to: UInt8.self).baseAddress!, rest.count, runLength)
      guard length < rest.count else { return nil }
      copy.removeAll(keepingCapacity: true)
      copy.append(UInt8(ascii: "["))
      copy.append(contentsOf: rest[..<length])
      copy.append(UInt8(ascii: "]"))
      let used = copy.count
      copy.append(contentsOf: repeatElement(0, count: Int(csimdjson_padding)))
      let isLast = rest[length] != UInt8(ascii: ",")
      let parsed = copy.withUnsafeBufferPointer { csimdjson_parser_parse(parser, $0.baseAddress!, used) }
      guard let tape = parsed.tape, let strings = parsed.strings else { return nil }
      let list = JSONValue(tape: tape, strings: strings, at: 1)
      // A comma asks for an element before and behind it.
      if list.count == 0, !isLast || at != first { return nil }
      for element in list.elements { body(element) }
      at += length + 1
      file.releasePages(before: at)
      if isLast { return rest[length] == UInt8(ascii: "]") ? at : nil }
    }
  }

  /// Behind `{"NAME": [`.
  private static func listStart(
    _ name: StaticString, _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
  ) -> Int? {
    var at = range.lowerBound
    func take(_ text: StaticString) -> Bool {
      let stop = at + text.utf8CodeUnitCount
      guard stop < range.upperBound, UnsafeRawBufferPointer(rebasing: bytes[at..<stop]).equals(text) else {
        return false
      }
      at = stop
      return true
    }
    func skipSpace() { while at < range.upperBound, JSONValidator.isSpace(bytes[at]) { at += 1 } }
    skipSpace()
    guard take("{") else { return nil }
    skipSpace()
    guard take("\""), take(name), take("\"") else { return nil }
    skipSpace()
    guard take(":") else { return nil }
    skipSpace()
    return take("[") ? at : nil
  }

  /// Whether only the brace that closes the text is left.
  private static func isEnd(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
    var braces = 0
    for byte in bytes[start..<end] where !JSONValidator.isSpace(byte) {
      guard byte == UInt8(ascii: "}"), braces == 0 else { return false }
      braces = 1
    }
    return braces == 1
  }
}

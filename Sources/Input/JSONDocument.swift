import CSimdjson

/// A JSON text, parsed once as a whole by simdjson; `withRoot` gives the cursor that walks it. Memory: eight bytes a
/// token and the strings, until the object goes away. Nesting is limited to 1024.
public final class JSONDocument {
  public let file: SourceFile
  private let parsed: csimdjson_document

  /// Parses one JSON text that fills the file, or the given range of it. On malformed input throws a diagnostic with
  /// the line and what was expected there.
  public init(_ file: SourceFile, range: Range<Int>? = nil) throws(Diagnostic) {
    var range = (range ?? 0..<file.bytes.count).clamped(to: 0..<file.bytes.count)
    // A byte order mark is not JSON, but editors leave it.
    if file.bytes[range].starts(with: [0xEF, 0xBB, 0xBF]) { range = range.lowerBound + 3..<range.upperBound }
    self.file = file
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
    let parsed =
      file.bytes.count - range.upperBound + file.readablePadding >= Int(csimdjson_padding)
      ? Self.parse(bytes) : Self.parseCopy(bytes)
    if parsed.owner == nil { throw Self.diagnose(parsed.error, file, range) }
    self.parsed = parsed
  }

  deinit { if let owner = parsed.owner { csimdjson_free(owner) } }

  /// The cursor, and every cursor and text taken from it, must not leave `body`.
  @inlinable public func withRoot<Result, Failure: Error>(
    _ body: (JSONValue) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(root)
  }

  @usableFromInline var root: JSONValue { JSONValue(tape: parsed.tape!, strings: parsed.strings!, at: 1) }

  private static func parse(_ bytes: UnsafeRawBufferPointer) -> csimdjson_document {
    guard let base = bytes.baseAddress else { return csimdjson_document() }
    return csimdjson_parse(base.assumingMemoryBound(to: UInt8.self), bytes.count)
  }

  private static func parseCopy(_ bytes: UnsafeRawBufferPointer) -> csimdjson_document {
    let copy = UnsafeMutableRawBufferPointer.allocate(
      byteCount: bytes.count + Int(csimdjson_padding), alignment: 64)
    defer { copy.deallocate() }
    copy.copyMemory(from: bytes)
    UnsafeMutableRawBufferPointer(rebasing: copy[bytes.count...]).initializeMemory(as: UInt8.self, repeating: 0)
    return parse(UnsafeRawBufferPointer(rebasing: copy[..<bytes.count]))
  }

  /// simdjson names only the kind of the error; the place is found by reading once more, slowly.
  private static func diagnose(_ error: Int32, _ file: SourceFile, _ range: Range<Int>) -> Diagnostic {
    if let problem = JSONValidator.firstProblem(in: file.bytes, range: range) {
      return Diagnostic(.error, file: file.name, .line(file.line(at: problem.offset)), problem.message)
    }
    return Diagnostic(
      .error, file: file.name, .line(file.line(at: range.lowerBound)), String(cString: csimdjson_message(error)))
  }
}

extension Diagnostic: Error {}

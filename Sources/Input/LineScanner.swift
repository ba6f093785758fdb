#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// A dump: a file, or a part of one that holds several.
public struct DumpSection: Sendable {
  public var file: SourceFile
  public var range: Range<Int>
  /// The number of its first line in the file.
  public var firstLine: Int

  public init(_ file: SourceFile) { self.init(file, range: 0..<file.bytes.count, firstLine: file.firstLine) }

  public init(_ file: SourceFile, range: Range<Int>, firstLine: Int) {
    self.file = file
    self.range = range.clamped(to: 0..<file.bytes.count)
    self.firstLine = firstLine
  }

  public var lines: LineScanner { LineScanner(self) }

  /// The first byte that is not white space.
  public var firstByte: UInt8? { file.bytes[range].first { !JSONValidator.isSpace($0) } }
}

/// Lines of a dump, without their ends (`\n` or `\r\n`), in place.
public struct LineScanner: Sequence, IteratorProtocol {
  public struct Line {
    public let text: ByteText
    /// From 1, in the file.
    public let number: Int
    /// Where it begins in the file.
    public let offset: Int
    public var words: Words { Words(text) }
    public var isIndented: Bool { text.first == 0x20 || text.first == 0x09 }
  }

  private let bytes: UnsafeRawBufferPointer
  private var at: Int
  private let end: Int
  private var number: Int

  public init(_ section: DumpSection) {
    bytes = section.file.bytes
    at = section.range.lowerBound
    end = section.range.upperBound
    number = section.firstLine - 1
  }

  public mutating func next() -> Line? {
    guard at < end else { return nil }
    let start = at
    var stop = end
    if let newline = bytes[at..<end].firstIndexOfNewline() {
      stop = newline
      at = newline + 1
    } else {
      at = end
    }
    if stop > start, bytes[stop - 1] == 0x0D { stop -= 1 }
    number += 1
    return Line(
      text: ByteText(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<stop])), number: number, offset: start)
  }
}

/// Words of a line, divided by blanks and tabs.
public struct Words: Sequence, IteratorProtocol {
  private let text: ByteText
  private var at = 0

  public init(_ text: ByteText) { self.text = text }

  public mutating func next() -> ByteText? {
    let bytes = text.bytes
    while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
    guard at < bytes.count else { return nil }
    let start = at
    while at < bytes.count, bytes[at] != 0x20, bytes[at] != 0x09 { at += 1 }
    return text[start..<at]
  }

  public var peek: ByteText? {
    var copy = self
    return copy.next()
  }

  /// What has not been taken.
  public var rest: ByteText { text[at..<text.count].trimmed }
}

extension Slice<UnsafeRawBufferPointer> {
  fileprivate func firstIndexOfNewline() -> Int? {
    guard let base = base.baseAddress, !isEmpty, let found = memchr(base + startIndex, 10, count) else { return nil }
    return UnsafeRawPointer(found) - base
  }
}

/// Several captures read as one, frames in order of time; frames of one file keep their order. Numbers stay those of
/// their file.
public final class MergedCapture {
  private final class Source {
    var reader: CaptureReader
    var frame = Frame.empty
    var alive = true
    init(_ reader: consuming CaptureReader) { self.reader = reader }
  }

  private var sources: [Source] = []
  private var last = -1

  public init() {}

  public func add(_ reader: consuming CaptureReader) {
    let source = Source(reader)
    source.alive = source.reader.next(&source.frame)
    source.frame.file = sources.count
    sources.append(source)
  }

  public var count: Int { sources.count }
  public var consumed: Int { sources.reduce(0) { $0 + $1.reader.consumed } }

  public func next(_ frame: inout Frame) -> Bool {
    if last >= 0 { sources[last].alive = sources[last].reader.next(&sources[last].frame) }
    var best = -1
    for index in sources.indices where sources[index].alive {
      if best < 0 || sources[index].frame.time < sources[best].frame.time { best = index }
    }
    last = best
    guard best >= 0 else { return false }
    frame = sources[best].frame
    return true
  }

  /// Looks at one of the readers, for what its file says of itself.
  public func withReader<R>(_ index: Int, _ body: (borrowing CaptureReader) -> R) -> R { body(sources[index].reader) }
}

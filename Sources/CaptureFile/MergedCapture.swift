/// Several captures read as one, frames in order of time; frames of one file keep their order. Numbers stay those of
/// their file.
public final class MergedCapture {
  private final class Source {
    var reader: CaptureReader
    var frame = Frame.empty
    var alive = true
    let ahead: Int64
    init(_ reader: consuming CaptureReader, ahead: Int64) {
      self.reader = reader
      self.ahead = ahead
    }

    func advance() {
      alive = reader.next(&frame)
      if frame.time != 0 { frame.time &-= ahead }
    }
  }

  private var sources: [Source] = []
  private var last = -1

  public init() {}

  /// `ahead`: nanoseconds that the capture's clock is to be put back.
  public func add(_ reader: consuming CaptureReader, ahead: Int64 = 0) {
    let source = Source(reader, ahead: ahead)
    source.advance()
    source.frame.file = sources.count
    sources.append(source)
  }

  public var count: Int { sources.count }
  public var consumed: Int { sources.reduce(0) { $0 + $1.reader.consumed } }

  /// Moves on by as many frames as can be had without moving the bytes of those before, at least one if there is one, at
  /// most `frames.count`; their bytes are good until the next call. 0 at the end.
  public func next(_ frames: UnsafeMutableBufferPointer<Frame>) -> Int {
    var count = 0
    while count < frames.count {
      if last >= 0 {
        guard count == 0 || sources[last].reader.holdsFrame else { break }
        sources[last].advance()
      }
      last = -1
      for index in sources.indices where sources[index].alive {
        if last < 0 || sources[index].frame.time < sources[last].frame.time { last = index }
      }
      guard last >= 0 else { break }
      frames[count] = sources[last].frame
      count += 1
    }
    return count
  }

  /// Looks at one of the readers, for what its file says of itself.
  public func withReader<R>(_ index: Int, _ body: (borrowing CaptureReader) -> R) -> R { body(sources[index].reader) }
}

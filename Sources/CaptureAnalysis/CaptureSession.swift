import CaptureFile
import Findings
import Input

/// What one of the files read turned out to be.
public struct CaptureSummary: Sendable {
  public var file: String
  public var format: String
  public var linkTypes: [String]
  public var packets: Int
  public var dropped: Int
  /// Of the frames on the wire, before snapping; those that passed the filter.
  public var bytes = 0
  public var snapped = 0
  /// Nanoseconds that its clock is ahead of the first capture's; all its times were put back by them.
  public var ahead: Int64 = 0
  /// Nanoseconds since 1970; 0 where no frame has a time.
  public var start: Int64 = 0
  public var end: Int64 = 0
  /// What stopped the reading before the file's end.
  public var damage: Diagnostic?
  /// Escaped; empty where the file does not name them.
  public var interfaces: [String]

  public init(
    file: String, format: String, linkTypes: [String], packets: Int, dropped: Int, damage: Diagnostic?,
    interfaces: [String]
  ) {
    self.file = file
    self.format = format
    self.linkTypes = linkTypes
    self.packets = packets
    self.dropped = dropped
    self.damage = damage
    self.interfaces = interfaces
  }
}

/// Reads captures through the analysis.
public enum CaptureSession {
  /// Reads all frames of the open captures, merged by time when there are several, at most `limit` of those that pass the
  /// filter. `progress` is called now and then
  /// with the bytes consumed; returning false stops the reading.
  public static func run(
    paths: [String], filter: CaptureFilter?, limit: Int = .max, analyzer: inout CaptureAnalyzer,
    progress: ((Int) -> Bool)? = nil
  ) throws(CaptureError) -> [CaptureSummary] {
    if paths.count == 1 {
      var reader = try CaptureReader.open(path: paths[0])
      read(&reader, filter, &analyzer, limit: limit, progress)
      var summary = summary(reader)
      analyzer.describe(&summary)
      return [summary]
    }
    let merged = MergedCapture()
    let ahead = ClockComparison.offsets(paths)
    for (path, ahead) in zip(paths, ahead) { merged.add(try CaptureReader.open(path: path), ahead: ahead) }
    var tallies = [FrameTally](repeating: FrameTally(), count: paths.count)
    walk(filter, &analyzer, limit: limit, progress) { frames in
      (merged.next(frames), merged.consumed, true)
    } passed: { frame in
      tallies[frame.file].add(frame)
    }
    return (0..<merged.count).map { index in
      var summary = merged.withReader(index, summary)
      tallies[index].describe(&summary)
      summary.ahead = ahead[index]
      return summary
    }
  }

  public static func read(
    _ reader: inout CaptureReader, _ filter: CaptureFilter?, _ analyzer: inout CaptureAnalyzer, limit: Int = .max,
    _ progress: ((Int) -> Bool)?
  ) {
    walk(
      filter, &analyzer, limit: limit, progress,
      next: { (reader.next($0), reader.consumed, reader.interfaces.count > 1) })
  }

  /// Batch by batch, until `next` has no more or `progress` says to stop. `next` fills the buffer from its start, says how
  /// many frames it holds, how many bytes were consumed for it, and whether there are several places where a packet may show,
  /// from the first frame on; `passed` sees each frame that the filter lets through.
  @inline(__always) private static func walk(
    _ filter: CaptureFilter?, _ analyzer: inout CaptureAnalyzer, limit: Int, _ progress: ((Int) -> Bool)?,
    next: (UnsafeMutableBufferPointer<Frame>) -> (count: Int, consumed: Int, hasCopies: Bool),
    passed: ((Frame) -> Void)? = nil
  ) {
    withUnsafeTemporaryAllocation(of: Frame.self, capacity: CaptureAnalyzer.batch) { frames in
      frames.initialize(repeating: .empty)
      var ticks = 0
      while true {
        let (read, consumed, hasCopies) = next(frames)
        guard read > 0 else { return }
        if hasCopies { analyzer.expectCopies() }
        var count = read
        if let filter {
          var kept = 0
          for index in 0..<read where filter.matches(frames[index]) {
            frames[kept] = frames[index]
            kept += 1
          }
          count = kept
        }
        count = min(count, limit - analyzer.counts.packets)
        if let passed { for index in 0..<count { passed(frames[index]) } }
        analyzer.consume(UnsafeMutableBufferPointer(rebasing: frames[..<count]))
        if analyzer.counts.packets >= limit { return }
        ticks &+= 1
        if ticks & 0xFFF == 0, let progress, !progress(consumed) { return }
      }
    }
  }

  public static func summary(_ reader: borrowing CaptureReader) -> CaptureSummary {
    CaptureSummary(
      file: reader.name, format: reader.header.name, linkTypes: reader.linkTypes.map(\.description),
      packets: reader.frames, dropped: Int(clamping: reader.dropped), damage: reader.damage,
      interfaces: reader.interfaceNames.map { printable($0) })
  }
}

/// What of several files' frames is told file by file.
private struct FrameTally {
  private var bytes = 0
  private var snapped = 0
  private var start: Int64 = .max
  private var end: Int64 = .min

  mutating func add(_ frame: Frame) {
    bytes &+= frame.bytes.wireCount
    if frame.bytes.count < frame.bytes.wireCount { snapped &+= 1 }
    guard frame.time != 0 else { return }
    start = min(start, frame.time)
    end = max(end, frame.time)
  }

  func describe(_ summary: inout CaptureSummary) {
    summary.bytes = bytes
    summary.snapped = snapped
    guard start <= end else { return }
    summary.start = start
    summary.end = end
  }
}

extension CaptureAnalyzer {
  /// The figures of the only source that was read.
  public func describe(_ summary: inout CaptureSummary) {
    summary.bytes = counts.bytes
    summary.snapped = counts.snapped
    guard start <= end else { return }
    summary.start = start
    summary.end = end
  }
}

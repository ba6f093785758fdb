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
  /// Reads all frames of the open captures, merged by time when there are several. `progress` is called now and then
  /// with the bytes consumed; returning false stops the reading.
  public static func run(
    paths: [String], filter: CaptureFilter?, analyzer: inout CaptureAnalyzer, progress: ((Int) -> Bool)? = nil
  ) throws(CaptureError) -> [CaptureSummary] {
    var frame = Frame.empty
    if paths.count == 1 {
      var reader = try CaptureReader.open(path: paths[0])
      read(&reader, &frame, filter, &analyzer, progress)
      return [summary(reader)]
    }
    let merged = MergedCapture()
    for path in paths { merged.add(try CaptureReader.open(path: path)) }
    var tick = 0
    while merged.next(&frame) {
      if filter?.matches(frame) ?? true { analyzer.consume(frame) }
      tick &+= 1
      if tick & 0xFFFF == 0, let progress, !progress(merged.consumed) { break }
    }
    return (0..<merged.count).map { merged.withReader($0, summary) }
  }

  public static func read(
    _ reader: inout CaptureReader, _ frame: inout Frame, _ filter: CaptureFilter?, _ analyzer: inout CaptureAnalyzer,
    _ progress: ((Int) -> Bool)?
  ) {
    if filter == nil {
      while reader.next(&frame) {
        analyzer.consume(frame)
        if frame.number & 0xFFFF == 0, let progress, !progress(reader.consumed) { break }
      }
    } else {
      while reader.next(&frame) {
        if filter!.matches(frame) { analyzer.consume(frame) }
        if frame.number & 0xFFFF == 0, let progress, !progress(reader.consumed) { break }
      }
    }
  }

  public static func summary(_ reader: borrowing CaptureReader) -> CaptureSummary {
    CaptureSummary(
      file: reader.name, format: reader.header.name, linkTypes: reader.linkTypes.map { $0.0.description },
      packets: reader.frames, dropped: Int(clamping: reader.dropped), damage: reader.damage,
      interfaces: reader.interfaceNames.map { printable($0) })
  }
}

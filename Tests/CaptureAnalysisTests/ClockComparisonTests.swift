import CaptureAnalysis
import Foundation
import Testing

/// Two taps on one way whose hosts' clocks differ.
@Suite struct ClockComparisonTests {
  /// Requests and answers, a hop of 2 ms apart on the second tap; one answer is lost before it reaches the first.
  private static func tap(_ delay: Int, isFirst: Bool) -> Script {
    var script = Script()
    script.tcp(at: delay, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn)
    script.tcp(at: 10 - delay, from: (2, 80), to: (1, 40_000), seq: 500, ack: 101, flags: Script.synAck)
    for number in 0..<8 {
      let (at, offset) = (20 + number * 500, UInt32(number * 100))
      let id = UInt16(number * 2 + 10)
      script.tcp(
        at: at + delay, from: (1, 40_000), to: (2, 80), seq: 101 + offset, ack: 501 + offset, flags: Script.pushAck,
        count: 100, id: id)
      for retry in 0..<(number == 4 ? 2 : 1) where !(isFirst && number == 4 && retry == 0) {
        script.tcp(
          at: at + 10 - delay + retry * 250, from: (2, 80), to: (1, 40_000), seq: 501 + offset, ack: 201 + offset,
          flags: Script.pushAck, count: 100, id: id + UInt16(retry) + 1)
      }
    }
    return script
  }

  /// Whatever the difference: 18 packets and the one lost and sent again, none of them twice.
  @Test(arguments: [0, 300, -5000, 7_200_000]) func copiesAreRecognised(ahead: Int) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let paths = ["a.pcap", "b.pcap"].map { folder.appendingPathComponent($0).path }
    try Data(Self.tap(0, isFirst: true).pcap()).write(to: URL(fileURLWithPath: paths[0]))
    try Data(Self.tap(2, isFirst: false).pcap(ahead: ahead)).write(to: URL(fileURLWithPath: paths[1]))
    var analyzer = CaptureAnalyzer()
    let captures = try CaptureSession.run(paths: paths, filter: nil, analyzer: &analyzer)
    let findings = analyzer.finish(captures: captures)
    let report = analyzer.report(captures: captures, findings: findings, top: 5)
    #expect(captures.map(\.ahead) == [0, Int64(ahead) * 1_000_000])
    #expect(report.conversations.map { $0.packets } == [19])
    #expect(findings.flatMap(\.evidence).contains { $0.text.contains("times were corrected") } == (ahead != 0))
  }
}

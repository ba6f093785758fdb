import CaptureAnalysis
import Foundation
import Testing

/// Two taps on one way whose hosts' clocks differ.
@Suite struct ClockComparisonTests {
  /// A pcap file of raw IPv4 frames, its clock `ahead` milliseconds.
  private static func write(_ script: Script, ahead: Int, to folder: URL, _ name: String) throws -> String {
    func little(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) } }
    var bytes = little(0xA1B2_C3D4) + [2, 0, 4, 0] + little(0) + little(0) + little(262_144) + little(228)
    for frame in script.frames {
      let micro = Int(frame.time / 1000) + ahead * 1000 + 1_700_000_000_000_000
      let length = UInt32(frame.bytes.count)
      bytes += little(UInt32(micro / 1_000_000)) + little(UInt32(micro % 1_000_000)) + little(length) + little(length)
      bytes += frame.bytes
    }
    let path = folder.appendingPathComponent(name).path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

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
    let paths = [
      try Self.write(Self.tap(0, isFirst: true), ahead: 0, to: folder, "a.pcap"),
      try Self.write(Self.tap(2, isFirst: false), ahead: ahead, to: folder, "b.pcap"),
    ]
    var analyzer = CaptureAnalyzer()
    let captures = try CaptureSession.run(paths: paths, filter: nil, analyzer: &analyzer)
    let findings = analyzer.finish(captures: captures)
    let report = analyzer.report(captures: captures, findings: findings, top: 5)
    #expect(captures.map(\.ahead) == [0, Int64(ahead) * 1_000_000])
    #expect(report.conversations.map { $0.packets } == [19])
    #expect(findings.flatMap(\.evidence).contains { $0.text.contains("times were corrected") } == (ahead != 0))
  }
}

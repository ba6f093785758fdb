import CaptureAnalysis
import CaptureFile
import Foundation
import Testing

/// Several files at once, and filters: the same analysis as over one file without.
@Suite struct SessionTests {
  /// Connections to two ports, more bytes than a reader holds at once.
  private static let script: Script = {
    var script = Script()
    for number in 0..<300 {
      let port = UInt16(40_000 + number)
      let start = number * 20
      let server: (UInt8, UInt16) = (2, number % 3 == 0 ? 443 : 80)
      script.handshake(at: start, port: port, server: server)
      script.tcp(at: start + 3, from: (1, port), to: server, seq: 101, ack: 501, flags: Script.pushAck, count: 900)
      script.tcp(at: start + 4, from: server, to: (1, port), seq: 501, ack: 1001, flags: Script.pushAck, count: 1400)
      script.tcp(at: start + 5, from: (1, port), to: server, seq: 1001, ack: 1901, flags: Script.ack)
    }
    return script
  }()

  /// A pcap file of link type IPv4 with every frame whose index `take` wants.
  private static func write(_ folder: URL, _ name: String, _ take: (Int) -> Bool) throws -> String {
    let file = folder.appendingPathComponent(name)
    try Data(script.pcap(take)).write(to: file)
    return file.path
  }

  private static func run(_ paths: [String], _ expression: String? = nil) throws -> (CaptureReport, [CaptureSummary]) {
    var analyzer = CaptureAnalyzer()
    let filter = try expression.map { try CaptureFilter($0) }
    let captures = try CaptureSession.run(paths: paths, filter: filter, analyzer: &analyzer)
    let findings = analyzer.finish(captures: captures)
    return (analyzer.report(captures: captures, findings: findings, top: 1000), captures)
  }

  @Test func filesAreMergedByTime() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "session-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let whole = try Self.run([Self.write(folder, "all.pcap") { _ in true }])
    // Both directions of each connection are spread over the files; pieces of uneven length.
    let parts = try Self.run([
      Self.write(folder, "a.pcap") { $0 % 7 < 3 }, Self.write(folder, "b.pcap") { $0 % 7 == 3 },
      Self.write(folder, "c.pcap") { $0 % 7 > 3 },
    ])
    #expect(parts.0.counts.packets == whole.0.counts.packets)
    #expect(parts.0.counts.tcpRetransmissions == 0)
    #expect(parts.0.counts.tcpLostSegments == 0)
    #expect(parts.0.conversations.map(\.bytes) == whole.0.conversations.map(\.bytes))
    #expect(parts.0.conversations.map(\.handshake) == whole.0.conversations.map(\.handshake))
    #expect(parts.1.map(\.packets).reduce(0, +) == whole.1[0].packets)
    #expect(parts.1.map(\.bytes).reduce(0, +) == whole.1[0].bytes)
  }

  /// From the first packet on, though only the second shows that there is another interface.
  @Test func interfacesOfOneFileShowPacketsTwice() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).pcapng")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(Self.script.twiceInOneFile).write(to: file)
    let report = try Self.run([file.path]).0
    #expect(report.conversations.allSatisfy { $0.packets == 6 && $0.duplicates == 6 && $0.retransmissions == 0 })
    #expect(report.conversationCount == 300)
  }

  @Test func filtersLetThroughWhatTheySay() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "session-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = try Self.write(folder, "all.pcap") { _ in true }
    let report = try Self.run([path], "port 443").0
    #expect(report.counts.packets == 600)
    #expect(report.conversationCount == 100)
    #expect(report.conversations.allSatisfy { $0.serverPort == 443 && $0.packets == 6 })
  }
}

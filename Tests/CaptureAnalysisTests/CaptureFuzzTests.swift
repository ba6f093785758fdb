import CaptureAnalysis
import CaptureFile
import Foundation
import FuzzSupport
import Testing

/// Whole capture files with bytes changed, cut and repeated: a report or one message, never a trap, never more memory than
/// the input justifies.
@Suite struct CaptureFuzzTests {
  private static func walk(_ bytes: [UInt8]) {
    guard var reader = try? CaptureReader.open(stream: MemoryStream(bytes), name: "fuzz") else { return }
    var options = CaptureOptions()
    options.maximumConversations = 64
    var analyzer = CaptureAnalyzer(options: options)
    CaptureSession.read(&reader, nil, &analyzer, nil)
    let summary = CaptureSession.summary(reader)
    // Each frame takes a header at least.
    #expect(summary.packets <= bytes.count / 16 + 1)
    let findings = analyzer.finish(captures: [summary])
    let report = analyzer.report(captures: [summary], findings: findings, top: 5)
    _ = analyzer.failedConversations()
    #expect(report.counts.packets == summary.packets)
  }

  @Test(arguments: CapturesFolderTests.rows.map(\.file)) func captures(file: String) throws {
    let bytes = try [UInt8](Data(contentsOf: CapturesFolderTests.folder.appendingPathComponent(file)))
    for input in Mutator(seed: 6, limit: 1 << 14).mutations(of: bytes, count: 12) { Self.walk(input) }
  }

  /// The same frames as pcapng, whose blocks can lie in more ways.
  @Test func blocks() throws {
    var blocks = Self.block(0x0A0D_0D0A, Self.word(0x1A2B_3C4D) + [1, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
    blocks += Self.block(1, [1, 0, 0, 0] + Self.word(262_144) + [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0])
    var reader = try CaptureReader.open(
      path: CapturesFolderTests.folder.appendingPathComponent("healthy-vxlan.pcap").path)
    var frame = Frame.empty
    while blocks.count < 8192, reader.next(&frame) {
      let bytes = Array(frame.bytes.buffer)
      let time = UInt64(bitPattern: frame.time)
      blocks += Self.block(
        6,
        Self.word(0) + Self.word(UInt32(truncatingIfNeeded: time >> 32)) + Self.word(UInt32(truncatingIfNeeded: time))
          + Self.word(UInt32(bytes.count)) + Self.word(UInt32(bytes.count)) + bytes)
    }
    Self.walk(blocks)
    for input in Mutator(seed: 7, tokens: ["\u{0A}\u{0D}\u{0D}\u{0A}"]).mutations(of: blocks, count: 400) {
      Self.walk(input)
    }
  }

  private static func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  private static func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
    let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
    let length = word(UInt32(padded.count + 12))
    return word(type) + length + padded + length
  }
}

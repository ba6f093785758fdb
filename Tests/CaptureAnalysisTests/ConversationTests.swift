import CaptureFile
import Testing
import Wire

@testable import CaptureAnalysis

/// What is kept of each conversation, and where.
@Suite struct ConversationTests {
  /// The TCP state of an evicted conversation is used again, also when another protocol took its place in between.
  @Test func stateOfEvictedConversationsIsBounded() {
    var options = CaptureOptions()
    options.maximumConversations = 64
    var analyzer = CaptureAnalyzer(options: options)
    for index in 0..<5000 {
      let port = UInt16(1024 + index)
      let packet =
        index / 100 % 2 == 0
        ? AnalyzerTests.ipv4(6, AnalyzerTests.tcp(port, 80, seq: 1, ack: 0, flags: 2))
        : AnalyzerTests.ipv4(17, AnalyzerTests.udp(port, 7000, [1, 2, 3]))
      packet.withUnsafeBytes {
        analyzer.consume(
          Frame(bytes: PacketBytes($0), time: Int64(index + 1) * 1_000_000, number: index + 1, linkType: .ipv4))
      }
    }
    #expect(analyzer.shared.count <= 64)
    #expect(analyzer.halves.count == analyzer.shared.count * 2)
  }

  @Test func bytesBeyondFourGigabytesAreCounted() {
    var conversation = Conversation(
      key: ConversationKey(addresses: 1, rest: 2, proto: 6), pair: nil, time: 1, frame: .none,
      remarks: .allocate(capacity: 1))
    defer { conversation.remarks.deallocate() }
    for _ in 0..<70_000 { conversation.count(bytes: 65_535, 1) }
    conversation.count(bytes: 100, 0)
    #expect(conversation.bytes(0) == 100)
    #expect(conversation.bytes(1) == 70_000 * 65_535)
    #expect(conversation.totalBytes == 70_000 * 65_535 + 100)
  }

  /// Conversations of IPv6 keep their addresses beside the record, which lasts as long as the record does.
  @Test func addressesOfEvictedConversationsAreNotMixedUp() {
    var options = CaptureOptions()
    options.maximumConversations = 64
    var analyzer = CaptureAnalyzer(options: options)
    for index in 0..<1000 {
      let last = UInt8(index & 0xFF)
      let packet: [UInt8] =
        index % 3 == 0
        ? AnalyzerTests.ipv4(17, from: [10, 0, 0, last], to: [10, 0, 1, 1], AnalyzerTests.udp(1000, 7000, [1]))
        : [0x60, 0, 0, 0, 0, 8, 59, 64] + [0x20, 1] + [UInt8](repeating: 0, count: 13) + [last]
          + [0x20, 2] + [UInt8](repeating: 0, count: 13) + [UInt8(index >> 8)] + [UInt8](repeating: 0, count: 8)
      packet.withUnsafeBytes {
        analyzer.consume(
          Frame(
            bytes: PacketBytes($0), time: Int64(index + 1) * 1_000_000, number: index + 1,
            linkType: index % 3 == 0 ? .ipv4 : .ipv6))
      }
    }
    var wide = 0
    analyzer.forEachConversation { row in
      if row.client.version == .v6 { wide += 1 }
      let index = row.firstFrame.number - 1
      #expect(
        row.client.description
          == (index % 3 == 0
            ? "10.0.0.\(index & 0xFF)" : IPAddress("2001::\(String(index & 0xFF, radix: 16))")?.description))
    }
    #expect(wide > 16)
  }
}

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

  /// A question that was answered makes room for others after a while; one that was not, or only the second time, stays.
  @Test func questionsThatEndedWellAreForgotten() {
    var table = DNSTable()
    func take(_ number: Int, isResponse: Bool, at second: Double, version: UInt8 = 4) {
      let id = [UInt8(number >> 8), UInt8(number & 0xFF)]
      let name = Array("\u{1}a".utf8) + [0, 0, 1, 0, 1]
      let message = id + [isResponse ? 0x81 : 1, isResponse ? 0x80 : 0, 0, 1, 0, 0, 0, 0, 0, 0] + name
      let client = Bits128(high: version == 4 ? 0 : 0x2001 << 48, low: UInt64(number % 7 + 1))
      let server = Bits128(high: version == 4 ? 0 : 0x2001 << 48, low: 53)
      message.withUnsafeBytes {
        _ = table.take(
          PacketBytes($0),
          DNSTable.Message(
            source: isResponse ? server : client, destination: isResponse ? client : server,
            sourcePort: isResponse ? 53 : 4000, destinationPort: isResponse ? 4000 : 53, version: version, proto: 17,
            scope: 0, time: Int64(second * 1e9), frame: FrameReference(file: 0, number: number + 1)))
      }
    }
    for number in 0..<20_000 {
      let version: UInt8 = number / 1000 % 2 == 0 ? 4 : 6
      let second = Double(number + 1)
      take(number, isResponse: false, at: second, version: version)
      switch number {
      case 100: break
      case 200:
        take(number, isResponse: false, at: second + 5, version: version)
        take(number, isResponse: true, at: second + 5.1, version: version)
      default: take(number, isResponse: true, at: second + 0.01, version: version)
      }
    }
    #expect(table.queries.count < 50)
    #expect(table.unanswered == 1)
    #expect(table.asked.reduce(0) { $0 + $1.questions } == 20_000)
    #expect(table.asked.reduce(0) { $0 + $1.answers } == 19_999)
    var kept: [Int] = []
    for index in 0..<table.queries.count where !table.queries[index].endedWell {
      kept.append(table.queries[index].firstFrame.number)
    }
    #expect(kept.sorted() == [101, 201])
    #expect(table.strangers.isEmpty)
  }
}

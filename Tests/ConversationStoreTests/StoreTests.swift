import CaptureAnalysis
import CaptureFile
import ConversationStore
import Foundation
import GRDB
import Testing
import Wire

@Suite struct StoreTests {
  /// A TCP SYN from 10.0.0.1:1000 to 10.0.0.2:`port` behind a raw IPv4 header.
  private func syn(to port: UInt8) -> [UInt8] {
    [0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0x66, 0xCE, 10, 0, 0, 1, 10, 0, 0, 2]
      + [3, 0xE8, 0, port, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0x20, 0, 0, 0, 0, 0]
  }

  private func store(_ ports: [UInt8], at path: String) throws {
    var analyzer = CaptureAnalyzer()
    for (index, port) in ports.enumerated() {
      syn(to: port).withUnsafeBytes {
        analyzer.consume(
          Frame(
            bytes: PacketBytes($0), time: 1_000_000_000 * Int64(index + 1), number: index + 1, linkType: .ipv4))
      }
    }
    let summary = CaptureSummary(
      file: "a.pcap", format: "pcap-le-us", linkTypes: ["RAW"], packets: ports.count, dropped: 0, damage: nil,
      interfaces: [])
    let findings = analyzer.finish(captures: [summary])
    try ConversationStore.write(analyzer, captures: [summary], findings: findings, to: path)
  }

  private func temporary() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("kubepath-\(UUID().uuidString).sqlite").path
  }

  @Test func rowsCanBeAskedForWithSQL() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    // The second time in place of the first.
    for ports in [[7], [80, 81, 80]] as [[UInt8]] { try store(ports, at: path) }
    try DatabaseQueue(path: path).read { database in
      #expect(try Int.fetchOne(database, sql: "PRAGMA user_version") == ConversationStore.schemaVersion)
      #expect(try Int.fetchAll(database, sql: "SELECT server_port FROM conversations ORDER BY 1") == [80, 81])
      let row = try #require(
        try Row.fetchOne(database, sql: "SELECT * FROM conversations WHERE server = '10.0.0.2' AND server_port = 80"))
      #expect(row["client"] == "10.0.0.1")
      #expect(row["packets_out"] == 2)
      #expect(row["state"] == "syn-only")
      #expect(row["duration"] == 2.0)
      #expect((row["handshake_ms"] as Double?) == nil)
      #expect(try Int.fetchOne(database, sql: "SELECT frames FROM captures") == 3)
      let finding = "SELECT count(*) FROM findings WHERE finding = 'syn-unanswered'"
      #expect(try Int.fetchOne(database, sql: finding) == 1)
      #expect(try database.indexes(on: "conversations").count == 5)
    }
  }

  @Test func anotherFileIsNotReplaced() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("not a database".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: (any Error).self) { try store([80], at: path) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "not a database")
  }
}

import CaptureAnalysis
import CaptureFile
import Findings
import Foundation
import Testing

/// The table of Captures/README.md: what kubepath must say about each file.
@Suite struct CapturesFolderTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Captures")

  struct Row: Sendable, CustomTestStringConvertible {
    var file: String
    var expected: String
    var testDescription: String { file }
  }

  static let rows: [Row] = {
    let text = (try? String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 3, cells[0].hasSuffix(".pcap") else { return nil }
      return Row(file: cells[0], expected: cells[2])
    }
  }()

  static func findings(_ path: String) throws -> [Finding] {
    var analyzer = CaptureAnalyzer()
    let captures = try CaptureSession.run(paths: [path], filter: nil, analyzer: &analyzer)
    return analyzer.finish(captures: captures)
  }

  @Test func everyCaptureHasALine() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { $0.hasSuffix(".pcap") }
    #expect(Set(files) == Set(Self.rows.map(\.file)))
  }

  @Test(arguments: rows) func firstFinding(row: Row) throws {
    let found = try Self.findings(Self.folder.appendingPathComponent(row.file).path)
    if row.expected == "healthy" {
      #expect(found.filter { $0.severity != .info }.map(\.id) == [])
    } else {
      #expect(found.first?.id == row.expected)
      #expect(found.first?.evidence.isEmpty == false)
    }
  }
}

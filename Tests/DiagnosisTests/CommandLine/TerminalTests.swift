import ArgumentParser
import CaptureAnalysis
import CaptureFile
import Foundation
import Report
import Testing

@testable import kubepath

/// The program on the terminal it is on.
@Suite struct TerminalTests {
  private static func services(columns: Int?, _ arguments: [String] = [], environment: [String: String]) throws
    -> String
  {
    let folder = try TerminalRun.example()
    defer { try? FileManager.default.removeItem(at: folder) }
    return try TerminalRun.run(
      ["check", "-s", "example", "--only", "no-endpoints"] + arguments, columns: columns, folder: folder,
      environment: environment
    ).output
  }

  /// COLUMNS is what the user says; the terminal's own width counts without it, and neither does in a pipe.
  @Test func width() throws {
    let narrow = try Self.services(columns: 120, environment: ["NO_COLOR": "1", "COLUMNS": "60"])
    #expect(
      narrow.split(separator: "\n").filter { !$0.contains("kubectl") && !$0.contains("https:") }.allSatisfy {
        $0.count <= 60
      }, "\(narrow)")
    let wide = try Self.services(columns: 120, environment: ["NO_COLOR": "1"])
    #expect(wide.split(separator: "\n").contains { (61...120).contains($0.count) })
    let pipe = try Self.services(columns: nil, environment: ["NO_COLOR": "1", "COLUMNS": "60"])
    #expect(pipe.contains("every connection is refused (ICMP port unreachable)  [no-endpoints]\n"))
  }

  @Test func colours() throws {
    let escape = "\u{1B}["
    #expect(try Self.services(columns: 80, environment: [:]).contains(escape))
    #expect(try !Self.services(columns: 80, environment: ["NO_COLOR": "1"]).contains(escape))
    #expect(try !Self.services(columns: nil, environment: [:]).contains(escape))
    #expect(try Self.services(columns: nil, ["--color", "always"], environment: ["NO_COLOR": "1"]).contains(escape))
    #expect(try !Self.services(columns: 80, ["--color", "never"], environment: [:]).contains(escape))
    // What the colour says, a word says, too.
    #expect(try Self.services(columns: nil, environment: [:]).contains("ERROR  "))
  }

  /// A live capture tells a finding once, in one line, when its window is over.
  @Test func newsOfALiveCapture() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Captures/refused.pcap")
      .standardized.path
    var news = LiveNews(
      CaptureOptions(), text: CaptureText(Style(coloured: false, width: 200)), try FindingOptions.parse([]), at: 1000)
    func feed(_ news: inout LiveNews) throws {
      var reader = try CaptureReader.open(path: path)
      let frames = UnsafeMutableBufferPointer<Frame>.allocate(capacity: 64)
      defer { frames.deallocate() }
      frames.initialize(repeating: .empty)
      while case let count = reader.next(frames), count > 0 { for frame in frames[..<count] { news.consume(frame) } }
    }
    try feed(&news)
    #expect(news.lines(at: 1005) == [])
    let lines = news.lines(at: 1010)
    #expect(
      lines.count == 1 && lines[0].hasPrefix("10 s  ERROR  ") && lines[0].hasSuffix("[connection-refused]"), "\(lines)")
    try feed(&news)
    #expect(news.lines(at: 1020) == [])
  }
}

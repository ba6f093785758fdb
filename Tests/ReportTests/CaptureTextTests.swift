import CaptureAnalysis
import Findings
import Foundation
import Report
import Testing

@Suite struct CaptureTextTests {
  /// What is said of one file of several names it, once.
  @Test(arguments: ["5 packets were dropped", "b.pcap: byte 7: the file ends"]) func evidenceOfAFile(text: String) {
    var analyzer = CaptureAnalyzer()
    let captures = ["a.pcap", "b.pcap"].map {
      CaptureSummary(file: $0, format: "pcap", linkTypes: [], packets: 0, dropped: 0, damage: nil, interfaces: [])
    }
    _ = analyzer.finish(captures: captures)
    let finding = Finding(
      id: "capture-damaged", severity: .info, confidence: .certain, subject: .init(kind: "Capture"),
      problem: "it is cut",
      cause: "the disk was full", evidence: [.init(file: "b.pcap", text: text)], fix: [])
    let report = analyzer.report(captures: captures, findings: [finding], top: 1)
    let lines = CaptureText(Style(coloured: false)).render(report).split(separator: "\n").filter {
      $0.contains("evidence: ")
    }
    #expect(lines.first?.components(separatedBy: "b.pcap: ").count == 2)
  }
}

import CaptureAnalysis
import CaptureFile
import Findings
import Report

/// What a live capture shows while it runs: a second analysis over a few seconds at a time, each of whose findings is told once,
/// in one line. The report at the end is the whole capture's.
struct LiveNews: ~Copyable {
  private var analyzer: CaptureAnalyzer
  private let options: CaptureOptions
  private let text: CaptureText
  private let chosen: FindingOptions
  private var told: Set<Told> = []
  /// Of the capture, and of the window; seconds.
  private let start: Int
  private var began: Int

  private struct Told: Hashable {
    var id: String
    var subject: Finding.Subject
  }

  /// Long enough for the repetitions after one and three seconds that tell a drop from a delay.
  private static let window = 10
  /// What is told of one capture; the report has all.
  private static let most = 200
  /// Kept at once in a window.
  private static let conversations = 16_384

  init(_ options: CaptureOptions, text: CaptureText, _ chosen: FindingOptions, at now: Int) {
    (start, began) = (now, now)
    var options = options
    options.maximumConversations = min(options.maximumConversations, Self.conversations)
    self.options = options
    self.text = text
    self.chosen = chosen
    analyzer = CaptureAnalyzer(options: options)
  }

  mutating func consume(_ frame: Frame) { analyzer.consume(frame) }

  /// What is new, when a window is over. `now`: seconds.
  mutating func lines(at now: Int) -> [String] {
    guard now >= began + Self.window else { return [] }
    began = now
    var lines: [String] = []
    for finding in chosen.filter(analyzer.finish()) where finding.severity > .info && told.count < Self.most {
      if told.insert(Told(id: finding.id, subject: finding.subject)).inserted {
        lines.append(text.news(finding, after: now - start))
      }
    }
    analyzer = CaptureAnalyzer(options: options)
    return lines
  }
}

import Findings

/// Fixes for people. Commands stay whole, however long: people copy them.
enum FixText {
  /// `headings`: what stands before a command and before an advice, of one length.
  static func lines(
    _ fix: Fix, headings: (command: String, advice: String), width: Int, clean: (String) -> String
  ) -> [String] {
    let indent = String(repeating: " ", count: headings.advice.count)
    func paragraph(_ heading: String, _ text: String) -> [String] {
      wrapped(clean(text), width - heading.count).enumerated().map { ($0.offset == 0 ? heading : indent) + $0.element }
    }
    let lines =
      switch fix.action {
      case .command(let command): [headings.command + command.text]
      case .advice(let text): paragraph(headings.advice, text)
      }
    return lines + (fix.why.map { paragraph(indent, "(\($0))") } ?? [])
  }
}

import Findings

/// Why something fails and what to do about it: a finding's own, or the end of another's chain of causes.
struct Explanation: Sendable {
  /// Causes chained with “ ← ”, the root last.
  var cause: String
  var evidence: [Finding.Evidence] = []
  /// At the root, the smallest change first.
  var fix: [Fix] = []
  var verify: [ShellCommand] = []
  var confidence = Finding.Confidence.certain

  /// Words of others, fit for one line: what a component writes may hold line breaks and be long.
  static func quoted(_ text: String) -> String {
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return words.utf8.count <= limit ? words : String(words.prefix(limit)) + "…"
  }

  private static let limit = 600
}

extension Fix {
  /// A command that mends nothing by itself and shows what to mend; `why` tells what to look for.
  static func look(_ command: ShellCommand, why: String = "look") -> Fix { .advice("\(why): \(command)") }
}

import Findings
import Snapshot

/// The causes behind an answer, and what to do about them, as findings of `check`.
struct CauseText {
  let style: Style

  /// The causes that objects and sockets tell, as far as they are findings of `check`.
  func lines(_ findings: [Finding]) -> [String] {
    guard !findings.isEmpty else { return [] }
    var out = ["", style.bold("Why")]
    for finding in findings {
      out += wrapped("\(printable(finding.problem, limit: .max))", 96).enumerated().map {
        ($0.offset == 0 ? "  " : "    ") + $0.element
      }
      out += wrapped("cause: \(printable(finding.cause, limit: .max))", 94).enumerated().map {
        ($0.offset == 0 ? "    " : "      ") + $0.element
      }
      for evidence in finding.evidence.prefix(3) {
        let place = evidence.file.map { "\(baseName($0))\(evidence.line.map { ":\($0)" } ?? "")  " } ?? ""
        out.append(style.dim("    " + place + printable(evidence.text, limit: 400)))
      }
    }
    out += ["", style.bold("What to do")]
    for fix in findings.flatMap(\.fix) {
      out += FixText.lines(fix, headings: ("  ", "  "), width: 98) { printable($0, limit: .max) }
    }
    return out
  }

  private func baseName(_ path: String) -> String {
    printable(path.split(separator: "/").last.map(String.init) ?? path)
  }
}

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
      out += style.paragraph("  ", "\(printable(finding.problem, limit: .max))  [\(finding.id)]", hanging: 4)
      out += style.paragraph("    cause: ", printable(finding.cause, limit: .max), hanging: 6)
      for evidence in finding.evidence.prefix(style.width == nil ? .max : 3) {
        let place = evidence.file.map { "\(baseName($0))\(evidence.line.map { ":\($0)" } ?? "")  " } ?? ""
        out += style.paragraph("    ", place + printable(evidence.fullText, limit: .max), hanging: 6).map {
          style.dim($0)
        }
      }
    }
    let fixes = findings.flatMap(\.fix)
    guard !fixes.isEmpty else { return out }
    out += ["", style.bold("What to do")]
    for fix in fixes { out += FixText(style).lines(fix, headings: ("  ", "  ")) }
    return out
  }

  private func baseName(_ path: String) -> String {
    printable(path.split(separator: "/").last.map(String.init) ?? path)
  }
}

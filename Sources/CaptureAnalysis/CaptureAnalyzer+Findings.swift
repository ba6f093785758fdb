import Findings

/// Findings among each other: which of them hold, and in what order they are shown.
extension CaptureAnalyzer {
  /// Where many headers are corrupt (a fuzzed or damaged capture), addresses and ports cannot be believed: what would be
  /// an error is a warning.
  func doubted(_ findings: [Finding]) -> [Finding] {
    guard corruptHeaders >= 5, corruptHeaders * 50 > counts.packets else { return findings }
    return findings.map { finding in
      guard finding.severity == .error else { return finding }
      var finding = finding
      finding.severity = .warning
      finding.confidence = .possible
      finding.evidence.append(
        Finding.Evidence(
          text:
            "\(corruptHeaders) of \(counts.packets) frames have a corrupt IPv4 header: the capture itself is damaged"))
      return finding
    }
  }

  /// Where nothing at all of the other direction was captured, a question that nobody repeats may well have been answered.
  func withoutUnheard(_ findings: [Finding]) -> [Finding] {
    guard findings.contains(where: { $0.id == "one-direction-only" }), counts.dnsResponses == 0 else { return findings }
    return findings.filter { $0.id != "dns-unanswered" || $0.confidence != .possible }
  }

  /// Leaves out what another finding explains: unanswered SYNs to a frontend whose answers come untranslated, or while
  /// the conntrack table is full; DNS questions repeated to a server whose answers are lost so, or that is refused.
  static func withoutSymptoms(_ findings: [Finding]) -> [Finding] {
    let untranslated = Set(findings.filter { $0.id == "reply-not-translated" }.map(\.subject))
    let tableFull = findings.contains { $0.id == "conntrack-table-full" }
    let refused = Set(findings.filter { $0.id == "rejected-by-icmp" && $0.severity == .error }.map(\.subject))
    let plain = Set(findings.filter { $0.id == "plaintext-to-tls" }.map(\.subject))
    return findings.filter { finding in
      if finding.id == "connection-reset" { return !plain.contains(finding.subject) }
      if finding.id.hasPrefix("dns-") {
        return !untranslated.union(refused).contains {
          $0.name == finding.subject.name && $0.port == "53" && finding.subject.port == "53"
        } || finding.id == "dns-service"
      }
      guard finding.id == "syn-unanswered" else { return true }
      if untranslated.contains(where: { $0.name == finding.subject.name && $0.port == finding.subject.port }) {
        return false
      }
      return !(tableFull && finding.confidence == .likely)
    }
  }

  /// What is only possible, and a stranger's single refused attempt, stand behind what hurts those who are served.
  private static func isLess(_ finding: Finding) -> Bool {
    finding.confidence == .possible || finding.id == "connection-refused" && finding.severity == .warning
  }

  /// Errors first; among equals what is sure before what is only possible, then the detectors' order, which puts causes
  /// before symptoms.
  public static func ordered(_ findings: [Finding]) -> [Finding] {
    findings.enumerated().sorted { a, b in
      if a.element.severity != b.element.severity { return a.element.severity > b.element.severity }
      let isLess = (a: isLess(a.element), b: isLess(b.element))
      return isLess.a != isLess.b ? isLess.b : a.offset < b.offset
    }.map(\.element)
  }
}

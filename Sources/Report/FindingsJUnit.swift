import Findings

/// Findings as JUnit XML: one test case a check, and one an expectation; failing where it found errors or warnings.
public enum FindingsJUnit {
  public typealias Case = (name: String, findings: [Finding])

  public static func render(_ findings: [Finding], checks: [String], expectations: [Case] = []) -> String {
    let byCheck = checks.map { id in Case(name: id, findings: findings.filter { $0.id == id }) }
    let failures = (byCheck + expectations).count { $0.findings.contains { $0.severity > .info } }
    var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    out +=
      "<testsuite name=\"kubepath check\" tests=\"\(checks.count + expectations.count)\" failures=\"\(failures)\">\n"
    for item in byCheck { write(item, className: "kubepath", &out) }
    for item in expectations { write(item, className: "kubepath.expect", &out) }
    return out + "</testsuite>\n"
  }

  private static func write(_ item: Case, className: String, _ out: inout String) {
    out += "  <testcase classname=\"\(className)\" name=\"\(escape(item.name))\""
    let own = item.findings.filter { $0.severity > .info }
    guard !own.isEmpty else {
      out += "/>\n"
      return
    }
    out += ">\n    <failure message=\"\(escape(own[0].problem))\" type=\"\(own[0].severity.rawValue)\">"
    out += escape(own.map { "\($0.problem): \($0.cause)" }.joined(separator: "\n")) + "</failure>\n  </testcase>\n"
  }

  private static func escape(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "\n": out += "&#10;"
      default:
        // XML 1.0 has no other control characters.
        let isAllowed = scalar.value >= 0x20 && scalar.value != 0x7F && !(0xFFFE...0xFFFF).contains(scalar.value)
        if isAllowed { out.unicodeScalars.append(scalar) } else { out += "?" }
      }
    }
    return out
  }
}

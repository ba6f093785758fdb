import Findings
import Report
import Testing

/// What a pipeline counts: one test case a check and one an expectation, failing where it should.
@Suite struct JUnitTests {
  static func finding(_ id: String, _ severity: Finding.Severity) -> Finding {
    Finding(
      id: id, severity: severity, confidence: .certain, subject: Finding.Subject(kind: "Node"), problem: "a < b",
      cause: "c & d")
  }

  @Test func expectationsAreCasesOfTheirOwn() {
    let failed = Self.finding("expectation-failed", .error)
    let text = FindingsJUnit.render(
      [Self.finding("stale-rules", .warning), Self.finding("topology-hints", .info), failed],
      checks: ["stale-rules", "topology-hints"], expectations: [("holds", []), ("“x” → y", [failed])])
    #expect(text.contains(#"tests="4" failures="2""#))
    #expect(text.contains(#"<testcase classname="kubepath" name="topology-hints"/>"#))
    #expect(text.contains(#"<testcase classname="kubepath.expect" name="holds"/>"#))
    #expect(text.contains(#"<testcase classname="kubepath.expect" name="“x” → y">"#))
    #expect(text.contains("<failure message=\"a &lt; b\" type=\"error\">a &lt; b: c &amp; d</failure>"))
  }
}

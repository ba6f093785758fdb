import Diagnosis
import Findings
import Foundation
import Report
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What a pipeline sees of `kubepath check`: exit status, JUnit, the choice of checks.
@Suite struct CheckOutputTests {
  @Test func onlyAndSkipChooseChecks() {
    let context = ClusterFixture.context([("a", ClusterFixture(.iptables))])
    #expect(Set(Diagnosis.run(context).map(\.id)).isSuperset(of: ["no-endpoints", "pod-not-ready"]))
    #expect(Set(Diagnosis.run(context, only: ["pod-not-ready"]).map(\.id)) == ["pod-not-ready"])
    #expect(!Diagnosis.run(context, skip: ["pod-not-ready"]).contains { $0.id == "pod-not-ready" })
  }

  /// One test case a check, failing where it found something; hostile text stays inside its attribute.
  @Test func junitIsWellFormed() throws {
    let finding = Finding(
      id: "stale-rules", severity: .error, confidence: .certain, subject: Finding.Subject(kind: "Node", name: "a"),
      problem: "\"><script>&\u{1}\u{1B}[31m", cause: "]]>")
    let text = FindingsJUnit.render([finding], checks: ["no-endpoints", "stale-rules"])
    let reader = Reader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "") in \(text)")
    #expect(reader.cases == ["no-endpoints", "stale-rules"])
    #expect(reader.failures == ["\"><script>&??[31m"])
    #expect(reader.suite["tests"] == "2" && reader.suite["failures"] == "1")
  }

  private final class Reader: NSObject, XMLParserDelegate {
    var cases: [String] = []
    var failures: [String] = []
    var suite: [String: String] = [:]
    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      if name == "testsuite" { suite = attributes }
      if name == "testcase" { cases.append(attributes["name"] ?? "") }
      if name == "failure" { failures.append(attributes["message"] ?? "") }
    }
  }

  @Test(
    arguments: [
      // The fixture's Service without endpoints is an error.
      ([], 1), (["--skip", "no-endpoints", "--skip", "pod-not-ready"], 0), (["--only", "pod-not-ready"], 1),
      (["--only", "no-such-check"], 64), (["--only", "hairpin", "--fail-on", "warning"], 0),
      (["--node", "nobody"], 64), (["-s", "/nonexistent"], 66), (["-o", "junit", "--only", "stale-rules"], 0),
    ] as [([String], Int32)]
  ) func exitStatus(_ arguments: [String], _ status: Int32) throws {
    let path = try BundleTests.folder(["a": ClusterFixture(.iptables)])
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Self.run(["check", "-s", path] + arguments) == status)
  }

  /// A finding of severity warning alone fails only where it is asked to.
  @Test func warningsFailOnRequest() throws {
    var fixture = ClusterFixture(.iptables)
    fixture.remove("iptables-save", "-A INPUT -j KUBE-FIREWALL")
    let path = try BundleTests.folder(["a": fixture])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let only = ["check", "-s", path, "--only", "rules-flushed"]
    #expect(try Self.run(only) == 0)
    #expect(try Self.run(only + ["--fail-on", "warning"]) == 1)
  }

  /// The executable beside the test bundle.
  static func run(_ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appending(path: "kubepath")
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}

import Diagnosis
import Findings
import Input
import Intent
import Snapshot
import Testing

/// Somebody pastes `kubectl get events`, and nothing else.
@Suite struct EventsAloneTests {
  private static func findings(_ rows: String) -> [Finding] {
    let text = "LAST SEEN   TYPE      REASON             OBJECT                  MESSAGE\n" + rows
    let intent = ObjectReader.read([SourceFile(name: "events.txt", text: text)])
    return Diagnosis.run(CheckContext(Bundle(), intent: intent))
  }

  @Test(arguments: [
    (
      "5m          Warning   FailedScheduling   pod/web-0               0/3 nodes are available: 3 Insufficient cpu.",
      "not enough cpu"
    ),
    (
      "5m          Warning   FailedMount        pod/web-0               MountVolume.SetUp failed for volume \"c\" : secret \"tls\" not found",
      "the Secret of a volume"
    ),
    (
      "5m          Warning   Failed             pod/web-0               Failed to pull image \"reg.example/x:2\": reg.example/x:2: not found",
      "no such image or tag"
    ),
    (
      "5m          Warning   FailedCreate       replicaset/web-6c9f7d   Error creating: pods is forbidden: exceeded quota: q, requested: pods=1",
      "ResourceQuota q"
    ),
  ])
  func aWarningIsACause(_ row: String, _ words: String) throws {
    let finding = try #require(Self.findings(row + "\n").first { $0.severity == .error })
    #expect(finding.cause.contains(words), "\(finding.cause)")
    #expect(finding.evidence.contains { $0.line == 2 }, "\(finding.evidence)")
    #expect(!finding.fix.isEmpty)
  }

  @Test func whatIsNormalIsSilent() {
    #expect(Self.findings("5m          Normal    Scheduled          pod/web-0               placed on a\n").isEmpty)
  }
}

import Diagnosis
import Findings
import Testing

/// Each check on a small cluster: silent while it is healthy, firing on the one thing that is broken, about the right
/// subject.
@Suite struct CheckTests {
  /// What the fixture holds on purpose: a Service whose only Pod has no image.
  static let expected: Set<String> = ["no-endpoints", "pod-not-ready"]

  @Test(arguments: ClusterFixture.Mode.allCases)
  func healthyClusterHasNothingElse(_ mode: ClusterFixture.Mode) {
    let findings = ClusterFixture(mode).findings().filter {
      !Self.expected.contains($0.id) || $0.subject.name != "empty"
    }
    for finding in findings where finding.severity > .info {
      Issue.record("\(mode): \(finding.id): \(finding.problem): \(finding.cause)")
    }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var id: String
    var mode: ClusterFixture.Mode
    /// Words that problem, cause or evidence must hold.
    var words: [String]
    var severity: Finding.Severity
    var breaks: @Sendable (inout ClusterFixture) -> Void
    var testDescription: String { "\(id) in \(mode) (\(words.joined(separator: ", ")))" }

    init(
      _ id: String, _ mode: ClusterFixture.Mode, _ words: String..., severity: Finding.Severity = .warning,
      breaks: @escaping @Sendable (inout ClusterFixture) -> Void
    ) {
      self.id = id
      self.mode = mode
      self.words = words
      self.severity = severity
      self.breaks = breaks
    }
  }

  @Test(arguments: cases) func firesOnWhatIsBroken(_ broken: Case) {
    var fixture = ClusterFixture(broken.mode)
    let before = Set(fixture.findings(only: [broken.id]))
    broken.breaks(&fixture)
    let new = fixture.findings(only: [broken.id]).filter { !before.contains($0) }
    let fitting = new.filter { finding in
      let text = ([finding.problem, finding.cause] + finding.evidence.map(\.text)).joined(separator: "\n")
      return finding.severity == broken.severity && broken.words.allSatisfy { text.contains($0) }
    }
    #expect(!fitting.isEmpty, "found: \(new.map { "\($0.severity) \($0.problem): \($0.cause)" })")
    for finding in fitting {
      #expect(!finding.fix.isEmpty || finding.severity == .info)
      #expect(!finding.verify.isEmpty)
    }
  }

  /// Before 1.18 one rule asked for the mark and masqueraded: nothing is missing but the clearing of the mark, and that
  /// counts where there is a tunnel.
  @Test func oldReleasesMasqueradeInOneRule() {
    var fixture = ClusterFixture(.iptables)
    fixture.remove("iptables-save", "-A KUBE-POSTROUTING", "-j RETURN")
    fixture.remove("iptables-save", "-A KUBE-POSTROUTING -j MARK")
    fixture.replace("iptables-save", "-j MASQUERADE --random-fully", "-m mark --mark 0x4000/0x4000 -j MASQUERADE")
    fixture.remove("iptables-save", "-A FORWARD", "-j KUBE-EXTERNAL-SERVICES")
    fixture.remove("iptables-save", "-j KUBE-NODEPORTS", "-A INPUT")
    fixture.remove("iptables-save", "health check node port")
    // Only nat has NodePorts in such a release.
    fixture.replace("iptables-save", ":KUBE-NODEPORTS - [0:0]\n", "")
    let ids: Set = ["masquerade-scope", "rules-flushed", "health-check-node-port"]
    #expect(fixture.findings(only: ids).map(\.problem) == [])
    #expect(fixture.findings(only: ["vxlan-checksum"]).count == 1)
    fixture.remove("ip-d-link", "vxlan id 1")
    #expect(fixture.findings(only: ["vxlan-checksum"]).isEmpty)
  }

  /// A check without a case here could be dead.
  @Test func everyCheckHasACase() {
    // VirtualServerTests breaks Cilium's tables, PodNamespaceTests and SidecarRedirectTests a Pod's namespace, which are no
    // part of the fixture.
    let covered = Set(Self.cases.map(\.id)).union(Self.expected).union([
      "ebpf-map-diverged", "pod-namespace", "sidecar-redirect",
      // PathBrokenTests walk two nodes.
      "path-broken",
      // NewestReleaseTests has these.
      "deprecation", "policy-not-evaluated",
    ])
    for check in Checks.all { #expect(covered.contains(check.id), "no test makes \(check.id) fire") }
  }
}

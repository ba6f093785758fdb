import Diagnosis
import Findings
import Input
import Intent
import Snapshot
import Testing

@Suite struct HealthyTests {
  /// What is wrong in a scenario, on purpose or by its program's own fault.
  static let exceptions: [(prefix: String, ids: Set<String>)] = [
    // Services without endpoints are these scenarios' subject.
    ("churn-partial-sync", ["no-endpoints"]), ("dual-stack", ["no-endpoints", "selector-mismatch"]),
    ("manual-endpoints", ["no-endpoints", "selector-mismatch"]),
    ("no-endpoints", ["no-endpoints", "selector-mismatch", "pod-not-ready"]),
    ("terminating-serving", ["no-endpoints", "pod-not-ready"]),
    ("leftover", ["no-endpoints", "selector-mismatch", "mode-leftovers", "mixed-iptables-backends"]),
    // One of its Services waits for an address that nobody gives; a NodePort is dialled where its Service has no endpoint.
    ("lb-many-ingress", ["load-balancer-address"]), ("nodeport-etp-local-no-local", ["no-local-endpoints-external"]),
    // Two Services claim one address.
    ("conflicting-externalips", ["host-port-shadowing"]),
    // A host firewall in the way; nftables mode opens nothing for health checks.
    ("host-firewall", ["forward-drop", "health-check-node-port", "apiserver-unreachable"]),
    // nft alone does not print the matches of xtables, and FORWARD's policy is DROP.
    ("coexist-kubelet-flannel-docker--v1.34.9", ["forward-drop", "apiserver-unreachable"]),
  ]

  /// 1.21 and 1.24 mark packets to be dropped and leave the drop to kubelet, which did not run.
  static func needsKubelet(_ scenario: String) -> Bool {
    scenario.contains("--v1.24.0") || scenario.contains("--v1.21.1")
  }

  /// kube-proxy itself could not load its rules.
  static func syncFailed(_ scenario: String) -> Bool {
    guard let folder = Corpus.folder, let index = try? SourceFile.open(path: "\(folder)/INDEX.jsonl") else {
      return false
    }
    return index.text(0..<index.bytes.count).split(separator: "\n").contains {
      $0.contains("\"dir\": \"\(scenario)\"") && $0.contains("\"sync_failed\": true")
    }
  }

  /// JSON of nft says the same as its text.
  @Test(arguments: ["affinity-clientip", "boutique-cluster", "dual-stack", "lb-source-ranges"])
  func recordedClusterInJSONHasNoFinding(_ name: String) throws {
    let scenario = "\(name)--v1.34.9-nftables"
    guard let json = Corpus.text(scenario, "nft-j.json") else { return }
    var files = Corpus.files(scenario)
    files["nft-list-ruleset.txt"] = nil
    files["nft-j.json"] = json
    let allowed = Self.exceptions.first { scenario.hasPrefix($0.prefix) }?.ids ?? []
    for finding in try Corpus.findings(files) where !allowed.contains(finding.id) {
      Issue.record("\(scenario): \(finding.id): \(finding.problem): \(finding.cause)")
    }
  }

  /// nft prints the tables of iptables mode without some of their parts: nothing is concluded from what it leaves out.
  @Test(arguments: ["affinity-clientip", "clusterip-3ep", "no-endpoints"])
  func partsThatNftLeavesOutAreNoFault(_ name: String) throws {
    let scenario = "\(name)--v1.30.3-iptables-nft"
    guard let rules = Corpus.text(scenario, "nft-list-ruleset.txt") else { return }
    var files = Corpus.files(scenario)
    files["iptables-save.txt"] = nil
    files["ip6tables-save.txt"] = nil
    files["nft-list-ruleset.txt"] = rules
    let ids = Set(try Corpus.findings(files).map(\.id))
    #expect(ids.subtracting(["no-endpoints"]) == ["rule-dump-missing"])
  }

  @Test(
    arguments: Corpus.scenarios.filter {
      !$0.contains("svc-5000") && !$0.contains("large-slices") && !$0.contains("svc-1000x5")
    })
  func recordedClusterHasNoFinding(_ scenario: String) throws {
    let findings = try Corpus.findings(Corpus.files(scenario))
    if Self.syncFailed(scenario) {
      #expect(findings.contains { $0.id == "kube-proxy-not-programming" || $0.id == "nft-prerequisites" })
      return
    }
    var allowed = Self.exceptions.first { scenario.hasPrefix($0.prefix) }?.ids ?? []
    if Self.needsKubelet(scenario) { allowed.insert("stale-rules") }
    for finding in findings where !allowed.contains(finding.id) {
      Issue.record("\(scenario): \(finding.id): \(finding.problem): \(finding.cause)")
    }
  }
}

import Findings
import Testing

/// One fault is one finding, which names its cause: what follows from it is not reported beside it.
@Suite struct OneFindingTests {
  static let cases: [CheckTests.Case] = [
    .init("source-ranges", .nftables, "filter-prerouting-pre-dnat → firewall-check", severity: .error) {
      $0.remove("nft", "ct state new jump firewall-check")
    },
    .init("source-ranges", .nftables, "allow", "198.51.100.0/24", severity: .error) {
      $0.replace("nft", "198.51.100.0/24 }", "198.51.101.0/24 }")
    },
    .init("rules-flushed", .nftables, "mark-for-masquerade: set the masquerade mark", severity: .error) {
      $0.remove("nft", "meta mark set meta mark | 0x00004000")
    },
    .init("rules-flushed", .nftables, "nat-output → services", severity: .error) {
      $0.replace(
        "nft", "type nat hook output priority -100; policy accept;\n    jump services",
        "type nat hook output priority -100; policy accept;")
    },
    .init("stale-rules", .nftables, "no NodePort answers at the IPv4 addresses", severity: .error) {
      $0.replace("nft", "elements = { 192.0.2.1 }", "")
    },
    .init("stale-rules", .nftables, "map service-ips", severity: .error) {
      $0.remove("nft", "10.96.0.40 . tcp . 80 : goto")
    },
    .init("rules-flushed", .iptables, "KUBE-MARK-MASQ: set the masquerade mark", severity: .error) {
      $0.remove("iptables-save", "-A KUBE-MARK-MASQ")
    },
    .init("ipvs-set-mismatch", .ipvs, "KUBE-NODE-PORT-TCP", "lacks 30080", severity: .error) {
      $0.remove("ipset-save", "KUBE-NODE-PORT-TCP 30080")
    },
    .init("ipvs-set-mismatch", .ipvs, "KUBE-LOAD-BALANCER", severity: .error) {
      $0.remove("ipset-save", "KUBE-LOAD-BALANCER 203.0.113.8")
    },
    .init("ipvs-set-mismatch", .ipvs, "KUBE-LOOP-BACK", severity: .error) {
      $0.remove("ipset-save", "KUBE-LOOP-BACK 10.244.0.5")
    },
    .init("rules-flushed", .ipvs, "no arriving packet is marked", severity: .error) {
      $0.remove("iptables-save", "-A PREROUTING", "KUBE-SERVICES")
    },
    .init("host-port-shadowing", .nftables, "10.244.0.9:9999", severity: .error) {
      $0.append(
        "nft",
        "table ip d {\n  chain pre {\n    type nat hook prerouting priority -110; policy accept;\n    ip daddr 10.96.0.40 tcp dport 80 dnat to 10.244.0.9:9999\n  }\n}\n"
      )
    },
    .init("ipvs-address-missing", .ipvs, "10.96.0.20", severity: .error) { $0.remove("ip-addr", "10.96.0.20/32") },
    .init("rules-flushed", .ipvs, "POSTROUTING → KUBE-POSTROUTING", severity: .error) {
      $0.remove("iptables-save", "-A POSTROUTING", "KUBE-POSTROUTING")
    },
    .init("source-ranges", .ipvs, "allow", "198.51.100.0/24", severity: .error) {
      $0.replace(
        "ipset-save", "KUBE-LOAD-BALANCER-SOURCE-CIDR 203.0.113.8,tcp:80,198.51.100.0/24",
        "KUBE-LOAD-BALANCER-SOURCE-CIDR 203.0.113.8,tcp:80,198.51.101.0/24")
    },
    .init("notrack-before-nat", .iptables, "--notrack", severity: .error) {
      $0.append(
        "iptables-save", "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.96.0.40/32 -j CT --notrack\nCOMMIT\n")
    },
  ]

  @Test(arguments: cases) func causeAlone(_ broken: CheckTests.Case) {
    var fixture = ClusterFixture(broken.mode)
    func key(_ finding: Finding) -> String { "\(finding.id) \(finding.subject)" }
    let before = Set(fixture.findings().map(key))
    broken.breaks(&fixture)
    let new = fixture.findings().filter { !before.contains(key($0)) && $0.severity > .info }
    let said = new.map { "\($0.id): \($0.problem): \($0.cause)" }.joined(separator: "\n")
    #expect(new.map(\.id) == [broken.id], "\(said)")
    let text = new.map { "\($0.problem) \($0.cause) \($0.evidence.map(\.text).joined())" }.joined()
    for word in broken.words { #expect(text.contains(word), "\(said)") }
    for finding in new { #expect(finding.evidence.contains { $0.file != nil }, "\(said)") }
  }
}

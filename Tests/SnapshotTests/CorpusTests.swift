import Input
import Testing

@testable import Snapshot

@Suite(.enabled(if: Corpus.isPresent, "the corpus of real dumps is not beside the package"))
struct CorpusTests {
  @Test func dump() {
    for kind in [
      "iproute", "ip-json", "ip-d-link", "ipset-list", "ipset-save", "sysctl", "sockets", "conntrack", "conntrack-stat",
      "ipvsadm-Ln", "ipvsadm-Sn", "ipvsadm-stats", "kubectl", "iptables-save", "ip6tables-save", "nft-text", "nft-json",
    ] {
      for file in Corpus.files(kind) {
        let dumps = Recognition.dumps(in: file)
        var snapshot = Snapshot(name: "n")
        for dump in dumps { NodeLoader.read(dump, into: &snapshot) }
        let formats = dumps.map(\.format.rawValue).joined(separator: ",")
        print("RESULT \(file.name) [\(formats)] diags \(snapshot.diagnostics.list.count)")
        for diagnostic in snapshot.diagnostics.list.prefix(3) { print("   DIAG \(diagnostic)") }
      }
    }
  }
  @Test func nodes() throws {
    for path in Corpus.nodes.prefix(8) {
      let bundle = try SnapshotLoader.load([path])
      for s in bundle.snapshots {
        print(
          "NODE \(s.name) links \(s.links?.count ?? -1) addrs \(s.addresses?.count ?? -1) routes \(s.routes?.count ?? -1) rules \(s.routingRules?.count ?? -1) sysctl \(s.sysctls.count) sets \(s.ipsets?.count ?? -1) conn \(s.connections?.count ?? -1) socks \(s.sockets?.count ?? -1) ipvs \(s.virtualServers?.count ?? -1) objects \(s.objectFiles.count)"
        )
        for d in s.diagnostics.list { print("   DIAG \(d)") }
      }
      for d in bundle.diagnostics.list { print("   BDIAG \(d)") }
    }
  }
}

import Input
import Testing

@testable import Snapshot

/// Every reader over real dumps: what is valid is read without a word.
@Suite(.enabled(if: Corpus.isPresent, "the corpus of real dumps is not beside the package"))
struct CorpusTests {
  /// Not dumps of a format that is read: other tools' output, or damaged on purpose.
  static let notRead: [String: String] = [
    "sysctl/insights-001": "a sysctl.conf, indented",
    "ipset-list/derived-002": "XML", "ipset-list/firewalld-": "firewall-cmd, not ipset",
  ]
  /// Lines that somebody blanked out or cut, which must be told.
  static let damaged: [String: String] = [
    "iproute/insights-006": "a cut line", "iproute/insights-013": "bad lines on purpose",
    "iproute/net-network-001": "a blanked address", "iproute/net-network-002": "a blanked address",
    "iproute/net-network-004": "a blanked address", "iproute/net-network-005": "a blanked address",
    "iproute/net-network-032": "a blanked address",
    "iproute/jc-003": "a host's name", "iproute/jc-004": "a host's name", "iproute/jc-007": "IPv6 in IPv4's form",
    "iproute/jc-008": "brackets", "iproute/jc-010": "a gateway's name", "iproute/jc-015": "a gateway's name",
    "iproute/jc-018": "a host's name", "iproute/jc-019": "a host's name", "iproute/jc-022": "a gateway's name",
    "sysctl/insights-002": "a report around sysctl.conf", "sockets/insights-012": "bad lines on purpose",
    "ipvsadm-Ln/issue-002": "names instead of ports",
    "sockets/jc-004": "host names instead of addresses",
    "ipvsadm-stats/ipvs-web-002": "host names instead of addresses",
  ]

  static let formats: [String: Set<DumpFormat>] = [
    "iproute": [.link, .linkBrief, .route, .rule, .neighbour, .routeTable, .arpTable, .ifconfig, .bridgePorts],
    "ip-json": [.link, .route, .rule],
    "ip-d-link": [.link, .forwarding],
    "ipset-list": [.ipset], "ipset-save": [.ipset], "sysctl": [.sysctl], "sockets": [.sockets, .certificates],
    "conntrack": [.conntrack], "conntrack-stat": [.conntrackStatistics], "ipvsadm-Ln": [.ipvs], "ipvsadm-Sn": [.ipvs],
    "ipvsadm-stats": [.ipvs],
  ]

  @Test(arguments: formats.keys.sorted())
  func readsWithoutAWord(_ kind: String) {
    let formats = Self.formats[kind] ?? []
    for file in Corpus.files(kind) {
      let dumps = Recognition.dumps(in: file)
      let isOther =
        Self.notRead.keys.contains { file.name.hasPrefix($0) } || kind == "sockets"
        || file.name.hasPrefix("iproute/jc-")
      #expect(isOther || !dumps.isEmpty, "\(file.name) is not recognised")
      #expect(dumps.allSatisfy { formats.contains($0.format) }, "\(file.name): \(dumps.map(\.format))")
      var snapshot = Snapshot(name: "n")
      for dump in dumps { NodeLoader.read(dump, into: &snapshot) }
      let told = snapshot.diagnostics.list.filter { $0.severity > .note }
      let isDamaged = Self.damaged.keys.contains { file.name.hasPrefix($0) }
      #expect(isDamaged ? !told.isEmpty : told.isEmpty, "\(told.first?.description ?? file.name)")
    }
  }

  @Test(arguments: ["iptables-save", "ip6tables-save", "nft-json", "nft-text", "kubectl"])
  func isRecognised(_ kind: String) {
    let format: DumpFormat =
      switch kind {
      case "nft-json": .nftJSON
      case "nft-text": .nftText
      case "kubectl": .objects
      default: .iptablesSave
      }
    for file in Corpus.files(kind) {
      #expect(Recognition.dumps(in: file).contains { $0.format == format }, "\(file.name)")
    }
  }

  /// The recorded kube-proxy nodes hold every table two to five times; each is walked once.
  @Test func nodesOfKubeProxy() throws {
    for path in Corpus.nodes {
      guard !path.contains("5000x2"), !path.contains("1000x5") else { continue }
      let bundle = try SnapshotLoader.load([path])
      try #require(bundle.snapshots.count == 1, "\(path)")
      let snapshot = bundle.snapshots[0]
      #expect(snapshot.links?.isEmpty == false && snapshot.addresses?.isEmpty == false)
      #expect(
        snapshot.routes?.isEmpty == false && snapshot.routingRules?.isEmpty == false && snapshot.connections != nil)
      #expect(!bundle.objectFiles.isEmpty)
      let names = snapshot.ruleset.tables.map { "\($0.family) \($0.name) \($0.backend)" }
      #expect(Set(names).count == names.count, "\(path): \(names)")
      let plain = Set(
        snapshot.ruleset.tables.filter { $0.backend != .iptablesLegacy }.map { "\($0.family) \($0.name)" })
      #expect(
        plain.count == snapshot.ruleset.tables.filter { $0.backend != .iptablesLegacy }.count, "\(path): \(names)")
      // Beside the dumps stand files of the recording's own, and that they are not read is said.
      // So is that rules from before kube-proxy ran are not those of the node.
      let own = [
        "flows.jsonl", "healthz.json", "node.txt", "ipvs-fake.json", "pre-rules.iptables", "pre-rules.ip6tables",
      ]
      let others = snapshot.diagnostics.list.filter { entry in
        entry.severity > .note && !own.contains { entry.file.hasSuffix("/\($0)") }
      }
      #expect(others.isEmpty, "\(path): \(others)")
    }
  }
}

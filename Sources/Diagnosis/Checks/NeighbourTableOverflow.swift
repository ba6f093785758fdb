import Findings
import Snapshot

/// The table of neighbours is full: addresses that are not in it yet are not reached, others are.
enum NeighbourTableOverflow: Check {
  static let id = "neighbour-table-overflow"

  private static let thresholds = [(4, "net.ipv4.neigh.default.gc_thresh3"), (6, "net.ipv6.neigh.default.gc_thresh3")]
  /// The kernel's own, where no sysctl tells.
  private static let usual = 1024
  /// Nearly all of it.
  private static let share = 0.95

  static func run(_ context: CheckContext) -> [Finding] { context.nodes.compactMap { check($0) } }

  private static func check(_ node: NodeContext) -> Finding? {
    let snapshot = node.snapshot
    var evidence: [Finding.Evidence] = []
    var words: [String] = []
    let log = snapshot.kernelLog ?? []
    let said = log.indices.filter {
      log[$0].contains("neighbor table overflow") || log[$0].contains("neighbour table overflow")
    }
    if let last = said.last {
      words.append("the kernel says so \(said.count == 1 ? "once" : "\(said.count) times")")
      let places = snapshot.kernelLogPlaces
      evidence.append(
        snapshot.evidence(
          "dmesg: \(printable(log[last], limit: 200))",
          at: places.indices.contains(last) ? places[last] : FilePlace()))
    }
    var limit = usual
    for (version, key) in thresholds {
      let count = (snapshot.neighbours ?? []).count {
        ($0.address.version == .v4) == (version == 4) && !$0.state.contains("PERMANENT") && !$0.state.contains("NOARP")
      }
      let own = snapshot.sysctlInt(key) ?? usual
      guard own > 0, Double(count) >= share * Double(own) else { continue }
      limit = own
      words.append("\(count) of \(own) entries for IPv\(version)")
      evidence.append(
        snapshot.evidence("ip neigh: \(count) entries, \(key) = \(own)", at: snapshot.sysctlPlaces[key] ?? FilePlace()))
    }
    guard !words.isEmpty else { return nil }
    let raised = limit * 4
    return Finding(
      id: id, severity: .error, confidence: said.isEmpty ? .likely : .certain, subject: node.subject,
      problem: "the neighbour table of \(node.name) is full: \(words.joined(separator: "; "))",
      cause:
        "addresses that have no entry yet are not resolved, and packets to them are dropped ← more neighbours than net.ipv4.neigh.default.gc_thresh3 lets in",
      evidence: evidence,
      fix: [
        .command(
          "sysctl -w net.ipv4.neigh.default.gc_thresh1=\(raised / 4) net.ipv4.neigh.default.gc_thresh2=\(raised / 2) net.ipv4.neigh.default.gc_thresh3=\(raised)",
          why: "and in /etc/sysctl.d for good")
      ],
      verify: ["ip neigh | wc -l", "sysctl net.ipv4.neigh.default.gc_thresh3"])
  }
}

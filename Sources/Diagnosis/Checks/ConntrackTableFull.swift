import Findings
import Intent
import Snapshot
import Wire

/// The connection table is full, or nearly so: new connections are dropped while old ones go on. It is measured by its count,
/// by a listing that fills it, by the kernel's log, or by the counters of what was dropped.
enum ConntrackTableFull: Check {
  static let id = "conntrack-table-full"

  private static let nearlyFull = 0.95
  /// What is measured is never of one moment.
  private static let asGoodAsFull = 0.99

  static func run(_ context: CheckContext) -> [Finding] { context.nodes.compactMap { check($0, context) } }

  private static func check(_ node: NodeContext, _ context: CheckContext) -> Finding? {
    let snapshot = node.snapshot
    let maximum = snapshot.sysctlInt("net.netfilter.nf_conntrack_max") ?? snapshot.sysctlInt("net.nf_conntrack_max")
    let listed = snapshot.connections?.count ?? 0
    let count =
      [snapshot.sysctlInt("net.netfilter.nf_conntrack_count"), snapshot.files.connectionCount, listed]
      .compactMap { $0 }.max() ?? 0
    var evidence: [Finding.Evidence] = []
    var words: [String] = []
    var isFull = false
    var isNear = false
    if let maximum, maximum > 0, Double(count) >= nearlyFull * Double(maximum) {
      isFull = Double(count) >= asGoodAsFull * Double(maximum)
      isNear = !isFull
      words.append("\(count) of \(maximum) entries")
      let key = snapshot.sysctl("net.netfilter.nf_conntrack_max") == nil ? "net" : "net.netfilter"
      evidence.append(
        snapshot.evidence(
          count == listed && snapshot.files.connectionCount == nil
            ? "conntrack -L: \(listed) entries, net.netfilter.nf_conntrack_max = \(maximum)"
            : "net.netfilter.nf_conntrack_count = \(count), nf_conntrack_max = \(maximum)",
          at: snapshot.sysctlPlaces[key + ".nf_conntrack_max"] ?? FilePlace()))
    }
    let kernelLog = snapshot.kernelLog ?? []
    let log = kernelLog.indices.filter {
      kernelLog[$0].contains("nf_conntrack") && kernelLog[$0].contains("table full")
    }
    if let last = log.last {
      isFull = true
      words.append("the kernel says so \(log.count == 1 ? "once" : "\(log.count) times")")
      let places = snapshot.kernelLogPlaces
      evidence.append(
        snapshot.evidence(
          "dmesg: \(printable(kernelLog[last], limit: 200))",
          at: places.indices.contains(last) ? places[last] : FilePlace()))
    }
    let dropped = sum("drop", snapshot)
    let early = sum("early_drop", snapshot)
    if dropped > 0 || early > 0 {
      isFull = true
      words.append("\(dropped) packets dropped for want of room, \(early) entries given up early")
      evidence.append(
        snapshot.evidence(
          "conntrack -S: drop=\(dropped) early_drop=\(early) insert_failed=\(sum("insert_failed", snapshot))",
          at: snapshot.connectionStatisticsPlace))
    }
    guard isFull || isNear else { return nil }
    return Finding(
      id: id, severity: isFull ? .error : .warning,
      confidence: words.count > 1 || maximum != nil && count > 0 ? .certain : .likely,
      subject: node.subject,
      problem:
        "the connection table of \(node.name) is \(isFull ? "full, or was" : "nearly full"): \(words.joined(separator: "; "))",
      cause:
        "the kernel drops first packets that find no room (nf_conntrack: table full, dropping packet) ← more connections than the table was made for, or a flood of short ones\(filler(snapshot, context))",
      evidence: evidence, fix: fix(maximum, count),
      verify: ["conntrack -S  # drop and early_drop must not rise", "sysctl net.netfilter.nf_conntrack_count"])
  }

  private static func sum(_ counter: String, _ snapshot: Snapshot) -> Int {
    (snapshot.connectionStatistics ?? []).reduce(0) { $0 + ($1[counter] ?? 0) }
  }

  /// Twice the limit that stands; where it is not known, twice what is asked for.
  private static func fix(_ maximum: Int?, _ count: Int) -> [Fix] {
    let raise: Fix =
      maximum.map { .command("sysctl -w net.netfilter.nf_conntrack_max=\(max($0, count) * 2)", why: "now \($0)") }
      ?? .look(
        "sysctl net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_count",
        why: "raise the limit to twice what it is")
    return [
      raise,
      .advice("for good: kube-proxy's conntrack.maxPerCore and conntrack.min, which set it at every start"),
      .look(
        "conntrack -L | awk '{print $4, $5}' | sort | uniq -c | sort -n | tail",
        why: "who opens so many, and shorter timeouts for what they leave behind (nf_conntrack_tcp_timeout_time_wait)"),
    ]
  }

  /// Who fills it, where a listing tells: the Service, the client and the state that most entries share.
  private static func filler(_ snapshot: Snapshot, _ context: CheckContext) -> String {
    let entries = snapshot.connections ?? []
    guard entries.count >= 100 else { return "" }
    var targets: [IPAddress: Int] = [:]
    var clients: [IPAddress: Int] = [:]
    var states: [String: Int] = [:]
    for entry in entries {
      targets[entry.original.destination, default: 0] += 1
      clients[entry.original.source, default: 0] += 1
      states[entry.state ?? "", default: 0] += 1
    }
    func share(_ count: Int) -> Int { count * 100 / entries.count }
    var parts: [String] = []
    if let top = targets.max(by: { $0.value < $1.value }), share(top.value) >= 20 {
      parts.append("\(share(top.value)) % go to \(context.intent.owner(of: top.key) ?? "\(top.key)")")
    }
    if let top = clients.max(by: { $0.value < $1.value }), share(top.value) >= 20 {
      parts.append("\(share(top.value)) % come from \(context.intent.owner(of: top.key) ?? "\(top.key)")")
    }
    if let top = states.max(by: { $0.value < $1.value }), share(top.value) >= 20, !top.key.isEmpty {
      parts.append("\(share(top.value)) % are \(top.key)")
    }
    return parts.isEmpty ? "" : "; of those listed \(parts.joined(separator: ", "))"
  }
}

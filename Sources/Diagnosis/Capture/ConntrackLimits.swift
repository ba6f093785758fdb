import Findings
import Snapshot

/// What a node's dumps say about its conntrack table.
struct ConntrackLimits {
  var maximum: Int?
  var buckets: Int?
  var count: Int?
  /// Summed over processors.
  var dropped = 0
  var insertFailed = 0
  /// A line of the kernel log that says it outright.
  var tableFull: String?

  init(_ snapshot: Snapshot) {
    func value(_ name: String) -> Int? {
      snapshot.sysctlInt("net.netfilter.nf_conntrack_\(name)") ?? snapshot.sysctlInt("net.nf_conntrack_\(name)")
    }
    maximum = value("max")
    buckets = value("buckets")
    count = value("count") ?? snapshot.connections?.count
    for processor in snapshot.connectionStatistics ?? [] {
      dropped += (processor["drop"] ?? 0) + (processor["early_drop"] ?? 0)
      insertFailed += processor["insert_failed"] ?? 0
    }
    tableFull = snapshot.kernelLog?.last {
      $0.contains("nf_conntrack: table full") || $0.contains("table full, dropping")
    }
  }

  var isEmpty: Bool { maximum == nil && count == nil && dropped == 0 && insertFailed == 0 && tableFull == nil }

  private var text: String {
    var parts: [String] = []
    if let count { parts.append("\(count) entries") }
    if let maximum { parts.append("limit \(maximum)") }
    if let buckets { parts.append("\(buckets) buckets") }
    if dropped > 0 { parts.append("\(dropped) dropped") }
    if insertFailed > 0 { parts.append("\(insertFailed) not inserted") }
    return parts.joined(separator: ", ")
  }

  /// The finding with each node's figures; certain where a kernel log or a full table proves it.
  static func complete(_ finding: Finding, _ nodes: [JoinedNode]) -> Finding {
    var finding = finding
    for node in nodes {
      let limits = ConntrackLimits(node.snapshot)
      guard !limits.isEmpty else { continue }
      let isFull = limits.maximum.map { maximum in limits.count.map { $0 * 20 >= maximum * 19 } ?? false } ?? false
      if !limits.text.isEmpty { finding.evidence.append(.init(text: "conntrack of \(node.name): \(limits.text)")) }
      if let line = limits.tableFull {
        finding.evidence.append(.init(text: "kernel log of \(node.name): \(printable(line))"))
      }
      if limits.tableFull != nil || isFull {
        finding.confidence = .certain
        finding.subject.node = node.name
      }
    }
    return finding
  }
}

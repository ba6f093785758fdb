import Findings
import Snapshot

/// The connection table is full, or nearly so: new connections are dropped while old ones go on.
enum ConntrackTableFull: Check {
  static let id = "conntrack-table-full"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard let count = node.snapshot.sysctlInt("net.netfilter.nf_conntrack_count"),
        let maximum = node.snapshot.sysctlInt("net.netfilter.nf_conntrack_max"), maximum > 0,
        Double(count) >= 0.95 * Double(maximum)
      else { return nil }
      let isFull = count >= maximum
      return Finding(
        id: id, severity: isFull ? .error : .warning, confidence: .certain, subject: node.subject,
        problem:
          "the connection table of \(node.name) is \(isFull ? "full" : "nearly full"): \(count) of \(maximum) entries",
        cause:
          "the kernel drops first packets that find no room (nf_conntrack: table full, dropping packet) ← more connections than the table was made for, or a flood of short ones",
        evidence: [.init(text: "net.netfilter.nf_conntrack_count = \(count), nf_conntrack_max = \(maximum)")],
        fix: [
          .command("sysctl -w net.netfilter.nf_conntrack_max=\(maximum * 2)"),
          .advice(
            "for good: kube-proxy's conntrack.maxPerCore and conntrack.min; then find who opens so many: conntrack -L | awk '{print $5}' | sort | uniq -c | sort -n"
          ),
        ],
        verify: ["conntrack -S  # drop and early_drop must not rise", "sysctl net.netfilter.nf_conntrack_count"])
    }
  }
}

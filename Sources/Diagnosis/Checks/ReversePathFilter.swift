import Findings

/// Translated packets are refused because the way back to their source leads through another interface.
enum ReversePathFilter: Check {
  static let id = "reverse-path-filter"

  static func run(_ context: CheckContext) -> [Finding] {
    Losses.collect(context) { loss, _ in Losses.kernelReason(loss) == id }.map { entry in
      Finding(
        id: id, severity: .error, confidence: entry.confidence,
        subject: entry.node.subject,
        problem: "the kernel drops \(entry.count) Service flows on \(entry.node.name), e.g. \(entry.example)",
        cause: entry.loss.reason.map { "\($0)" } ?? "",
        fix: [.command("sysctl -w net.ipv4.conf.all.rp_filter=2")], verify: ["nstat -az IPReversePathFilter"])
    }
  }
}

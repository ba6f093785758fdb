import Findings
import PacketPath
import ServiceMap

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
        fix: fixes(entry.loss), verify: ["nstat -az IPReversePathFilter"],
        occurrences: entry.observations.map { context.occurrence($0, entry.node) })
    }
  }

  private static func fixes(_ loss: Reach.Loss) -> [Fix] {
    switch loss.reason {
    case .reversePath(let source, let interface):
      [.advice("the path is asymmetric: repair the route back to \(source), or loosen the check")]
        + (interface.map { [.command("sysctl -w net.ipv4.conf.\($0).rp_filter=2", why: "on this interface alone")] }
          ?? [])
        + [.command("sysctl -w net.ipv4.conf.all.rp_filter=2")]
    case .martian(.loopbackDestination(_, let interface)), .martian(.loopbackSource(_, let interface)):
      [.command("sysctl -w net.ipv4.conf.\(interface).route_localnet=1")]
    default: [.advice("see where the packet's source or destination comes from: the kernel takes it for forged")]
    }
  }
}

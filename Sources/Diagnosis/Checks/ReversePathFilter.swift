import Findings
import Intent
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// Translated packets are refused because the way back to their source leads through another interface.
enum ReversePathFilter: Check {
  static let id = "reverse-path-filter"

  static func run(_ context: CheckContext) -> [Finding] {
    Losses.collect(context) { loss, _ in Losses.kernelReason(loss) == id }.map { entry in
      Finding(
        id: id, severity: entry.severity, confidence: entry.confidence,
        subject: entry.node.subject,
        problem: "the kernel drops \(entry.count) Service flows on \(entry.node.name), e.g. \(entry.example)",
        cause: entry.loss.reason.map { "\($0)" } ?? "",
        fix: fixes(entry.loss), verify: ["nstat -az IPReversePathFilter"],
        occurrences: entry.observations.map { context.occurrence($0, entry.node) })
    } + context.nodes.compactMap { byRules($0, context) }
  }

  /// Pods with a routing table of their own (AWS: those of the second interface): clients of the node's network come in at a
  /// NodePort by one interface, and the way back from the Pod leads through another.
  private static func byRules(_ node: NodeContext, _ context: CheckContext) -> Finding? {
    let standard = [Route.TableNumber.local, Route.TableNumber.main, Route.TableNumber.default]
    let sources = (node.snapshot.routingRules ?? []).compactMap { rule -> IPAddress? in
      guard case .lookup(let table) = rule.action, !standard.contains(table), let from = rule.from, !rule.inverted,
        from.length == from.address.version.width
      else { return nil }
      return from.address
    }
    guard !sources.isEmpty, let own = node.address(.v4),
      let client = context.intent.nodes.lazy.filter({ $0.name != node.node?.name }).flatMap(\.internalIPs).first(
        where: {
          $0.version == .v4
        })
    else { return nil }
    let tracer = PathTracer(node.snapshot)
    guard let interface = tracer.inputInterface(from: client), interface != Flow.local else { return nil }
    for service in context.intent.services where service.isProxied {
      let endpoints = service.slices.flatMap { context.intent.slices[$0].endpoints.map(\.address) }
      guard endpoints.contains(where: sources.contains) else { continue }
      for port in service.ports where port.nodePort != 0 && port.ipProtocol == .tcp {
        let flow = Flow(
          ipProtocol: port.ipProtocol, source: client, sourcePort: 40000, destination: own,
          destinationPort: port.nodePort, from: interface)
        guard
          let end = tracer.trace(flow).outcomes.first(where: {
            if case .reversePath = $0.reason { !$0.isAssumed } else { false }
          }), let reason = end.reason
        else { continue }
        return Finding(
          id: id, severity: .error, confidence: .certain, subject: node.subject,
          problem:
            "the kernel of \(node.name) drops what others of its network send to NodePort \(port.nodePort) (\(service.portName(port))), e.g. \(client), where it goes to \(end.destination)",
          cause:
            "\(reason) ← a routing rule for \(end.destination) sends its packets another way, and rp_filter is strict there",
          fix: [
            .command("sysctl -w net.ipv4.conf.\(interface).rp_filter=2", why: "on this interface alone"),
            .command(
              "sysctl -w net.ipv4.conf.all.rp_filter=2", why: "where the setting for all interfaces is the strict one"),
          ], verify: ["nstat -az IPReversePathFilter"])
      }
    }
    return nil
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

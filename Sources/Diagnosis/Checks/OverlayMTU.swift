import Findings
import Intent
import Snapshot
import Wire

/// An overlay's device promises more than the link below it carries, or Pods' devices more than the overlay's: large packets
/// are lost or fragmented.
enum OverlayMTU: Check {
  static let id = "overlay-mtu"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      let links = node.snapshot.links ?? []
      let tunnels = TunnelDevice.all(node.snapshot).filter { $0.isUp && !$0.isExternal }
      return tunnels.compactMap { tunnel in
        guard let mtu = tunnel.mtu, let lower = lower(tunnel, links, node.snapshot), let carries = lower.mtu,
          carries > tunnel.overhead
        else { return nil }
        let room = carries - tunnel.overhead
        return mtu > room ? finding(tunnel, mtu, lower, room, node, context) : nil
      } + configured(node)
    }
  }

  /// The network plugin gives Pods a larger MTU than the node's own link has.
  private static func configured(_ node: NodeContext) -> [Finding] {
    let links = node.snapshot.links ?? []
    let uplink = node.snapshot.routes?.first { $0.destination.length == 0 && $0.table == Route.TableNumber.main }?
      .nextHops.first?.interface
    guard let link = links.first(where: { $0.name == uplink }), let room = link.mtu else { return [] }
    return node.snapshot.files.networkConfigurations.compactMap { configuration in
      guard let mtu = configuration.mtu, mtu > room else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: node.subject,
        problem:
          "large packets of \(node.name)'s Pods are lost or fragmented: they are given MTU \(mtu), and only \(room) fit",
        cause:
          "\(printable(link.name)) carries \(room) ← mtu of the network plugin's configuration \(printable(configuration.name))",
        evidence: [node.snapshot.evidence("mtu \(mtu) of \(printable(configuration.name))", at: configuration.place)],
        fix: [
          .advice("set the network plugin's MTU to \(room) or less, restart its agents and make the Pods anew")
        ],
        verify: ["ip link show \(link.name)", "ping -M do -s \(room - 28) ADDRESS  # between Pods of two nodes"])
    }
  }

  private static func lower(_ tunnel: TunnelDevice, _ links: [Link], _ snapshot: Snapshot) -> Link? {
    if let name = tunnel.lower { return links.first { $0.name == name } }
    // Outer packets go the way of the default route.
    guard
      let name = snapshot.routes?.first(where: { $0.destination.length == 0 && $0.table == Route.TableNumber.main })?
        .nextHops
        .first?.interface
    else { return nil }
    return links.first { $0.name == name && $0.name != tunnel.name }
  }

  private static func finding(
    _ tunnel: TunnelDevice, _ mtu: Int, _ lower: Link, _ right: Int, _ node: NodeContext, _ context: CheckContext
  ) -> Finding {
    let overlay = context.intent.overlays.first {
      ($0.backend.isEmpty || $0.backend == tunnel.kind.rawValue) && $0.mtu != nil
    }
    var fix: [Fix] = [
      .command(
        "ip link set dev \(tunnel.name) mtu \(right)", why: "on \(node.name), until its agent makes the device anew")
    ]
    if let overlay {
      let parts = overlay.configMap.split(separator: "/").map(String.init)
      fix.insert(
        .look(
          "kubectl -n \(parts[0]) edit configmap \(parts[parts.count - 1])",
          why:
            "set MTU to \(right) (or remove it: the agent then takes the link's), then restart the agents and make the Pods anew"
        ), at: 0)
    } else {
      fix.append(.advice("set the network plugin's MTU to \(right), restart its agents and make the Pods anew"))
    }
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: node.subject,
      problem:
        "large packets between Pods of \(node.name) and other nodes are lost or fragmented: \(printable(tunnel.name)) has MTU \(mtu), and only \(right) fit",
      cause:
        "\(tunnel.kind.name) adds \(tunnel.overhead) bytes, and \(printable(lower.name)) below it carries \(lower.mtu ?? 0) ← the overlay's MTU was set by hand\(overlay.map { " (ConfigMap \($0.configMap))" } ?? ", or the link's was lowered")",
      evidence: [
        node.snapshot.evidence(
          "\(printable(tunnel.name)): \(tunnel.kind.rawValue), mtu \(mtu), over \(printable(lower.name))",
          at: node.snapshot.link(named: tunnel.name)?.place ?? FilePlace()),
        node.snapshot.evidence("\(printable(lower.name)): mtu \(lower.mtu ?? 0)", at: lower.place),
      ] + (overlay.map { [context.intent.evidence($0.file, "ConfigMap \($0.configMap): MTU \($0.mtu ?? 0)")] } ?? []),
      fix: fix, verify: ["ip -d link show \(tunnel.name)", "ping -M do -s \(right - 28) POD-OF-ANOTHER-NODE"])
  }
}

import Findings
import Intent
import Snapshot
import Wire

/// An overlay's device promises more than the link below it carries: large packets are lost or fragmented.
enum OverlayMTU: Check {
  static let id = "overlay-mtu"

  /// What the outer headers take, over IPv4 and over IPv6.
  private static let overheads = [
    "vxlan": (50, 70), "geneve": (50, 70), "ipip": (20, 40), "wireguard": (60, 80), "gre": (24, 44),
  ]

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      let links = node.snapshot.links ?? []
      return links.compactMap { link in
        guard link.up, let kind = link.kind, let overhead = overheads[kind], let mtu = link.mtu,
          let lower = lower(link, links, node.snapshot), let room = lower.mtu
        else { return nil }
        let cost = (link.vxlan?.local ?? link.vxlan?.remote)?.version == .v6 ? overhead.1 : overhead.0
        guard mtu > room - cost, room > cost else { return nil }
        return finding(link, mtu, lower, room - cost, cost, node, context)
      }
    }
  }

  private static func lower(_ link: Link, _ links: [Link], _ snapshot: Snapshot) -> Link? {
    if let name = link.vxlan?.device ?? link.parent, let found = links.first(where: { $0.name == name }) {
      return found
    }
    // Outer packets go the way of the default route.
    guard link.vxlan?.device == nil,
      let name = snapshot.routes?.first(where: { $0.destination.length == 0 && $0.table == Route.TableNumber.main })?
        .nextHops
        .first?.interface
    else { return nil }
    return links.first { $0.name == name && $0.name != link.name }
  }

  private static func finding(
    _ link: Link, _ mtu: Int, _ lower: Link, _ right: Int, _ cost: Int, _ node: NodeContext, _ context: CheckContext
  ) -> Finding {
    let overlay = context.intent.overlays.first { ($0.backend.isEmpty || $0.backend == link.kind) && $0.mtu != nil }
    var fix: [Fix] = [
      .command(
        "ip link set dev \(link.name) mtu \(right)", why: "on \(node.name), until its agent makes the device anew")
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
        "large packets between Pods of \(node.name) and other nodes are lost or fragmented: \(link.name) has MTU \(mtu), and only \(right) fit",
      cause:
        "\(link.kind ?? "the tunnel") adds \(cost) bytes, and \(lower.name) below it carries \(lower.mtu ?? 0) ← the overlay's MTU was set by hand\(overlay.map { " (ConfigMap \($0.configMap))" } ?? ", or the link's was lowered")",
      evidence: [
        Finding.Evidence(text: "\(link.name): \(link.kind ?? ""), mtu \(mtu), over \(lower.name)"),
        Finding.Evidence(text: "\(lower.name): mtu \(lower.mtu ?? 0)"),
      ] + (overlay.map { [context.intent.evidence($0.file, "ConfigMap \($0.configMap): MTU \($0.mtu ?? 0)")] } ?? []),
      fix: fix, verify: ["ip -d link show \(link.name)", "ping -M do -s \(right - 28) POD-OF-ANOTHER-NODE"])
  }
}

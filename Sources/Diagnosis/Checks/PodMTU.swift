import Findings
import Snapshot
import Wire

/// The devices of Pods take larger packets than the tunnel by which they reach other nodes: each connection begins with a
/// packet that is too big, and hangs where the answer that says so is lost.
enum PodMTU: Check {
  static let id = "pod-mtu"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard node.pod == nil else { return nil }
      let tunnels = TunnelDevice.all(node.snapshot).filter { $0.isUp && !$0.isExternal }
      // The tunnel that leads to other nodes' Pods.
      let used = tunnels.filter { tunnel in
        (node.snapshot.routes ?? []).contains { route in
          route.type == .unicast && route.nextHops.contains { $0.interface == tunnel.name && $0.gateway != nil }
            && route.mtu == nil
        }
      }
      guard let tunnel = used.min(by: { ($0.mtu ?? .max) < ($1.mtu ?? .max) }), let room = tunnel.mtu else {
        return nil
      }
      let pods = podDevices(node.snapshot).filter { ($0.mtu ?? 0) > room }
      guard let first = pods.first, let mtu = first.mtu else { return nil }
      return Finding(
        id: id, severity: .warning, confidence: .likely, subject: node.subject,
        problem:
          "\(pods.count == 1 ? "a Pod of \(node.name) sends" : "\(pods.count) Pods of \(node.name) send") packets of up to \(mtu) bytes to other nodes, and \(printable(tunnel.name)) takes \(room): they are lost wherever the answer that says so is",
        cause:
          "\(printable(first.name)) has MTU \(mtu) ← the network plugin's MTU for Pods is not the tunnel's (\(tunnel.kind.name) takes \(tunnel.overhead) bytes of the link's), or Pods are older than it",
        evidence: [
          Finding.Evidence(text: "\(printable(first.name)): mtu \(mtu)"),
          Finding.Evidence(text: "\(printable(tunnel.name)): \(tunnel.kind.rawValue), mtu \(room)"),
        ],
        fix: [
          .advice("set the network plugin's MTU for Pods to \(room), restart its agents and make the Pods anew")
        ], verify: ["ip link show \(first.name)"])
    }
  }

  /// Ends of Pods' cables: veth devices whose other end is in another namespace, and which are ports of a bridge or have
  /// the route to one address.
  private static func podDevices(_ snapshot: Snapshot) -> [Link] {
    let routes = snapshot.routes ?? []
    let single = Set(
      routes.filter { $0.type == .unicast && $0.destination.length == $0.destination.address.version.width }.flatMap {
        $0.nextHops.filter { $0.gateway == nil }.compactMap(\.interface)
      })
    let outward = Set(routes.flatMap { $0.nextHops.filter { $0.gateway != nil }.compactMap(\.interface) })
    return (snapshot.links ?? []).filter { link in
      link.up && link.peerIndex != nil && (link.kind == "veth" || link.kind == nil) && !outward.contains(link.name)
        && (link.master != nil || single.contains(link.name))
    }
  }
}

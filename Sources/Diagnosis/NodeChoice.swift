import Intent
import PacketPath
import Snapshot
import Wire

/// Which node of a bundle a packet begins its way on: where its sender runs, else the node that it is sent to.
public enum NodeChoice {
  public enum Choice: Sendable {
    case node(Snapshot)
    /// Nothing tells; the first one.
    case unclear(Snapshot)
    /// The sender runs on a node that the bundle does not have.
    case missing(sender: String, node: String)
  }

  /// `from` and `to` as people write them; nil: not given. `snapshots`: not empty.
  public static func choose(
    _ snapshots: [Snapshot], from: String?, to: String?, _ names: NameResolver?
  ) -> Choice {
    guard snapshots.count > 1 else { return .node(snapshots[0]) }
    let text = FlowText(names: names)
    if let from, from != Flow.local, from != FlowText.outside, let addresses = addresses(from, text) {
      if let node = owner(of: addresses, snapshots) { return .node(node) }
      if let cluster = names?.cluster {
        for address in addresses {
          guard let pod = cluster.podOfAddress[address].map({ cluster.pods[$0] }), !pod.node.isEmpty else { continue }
          if let node = snapshots.first(where: { name(of: $0, cluster) == pod.node }) { return .node(node) }
          return .missing(sender: "\(pod.namespace)/\(pod.name)", node: pod.node)
        }
      }
      if let node = snapshots.first(where: { holds($0, addresses) }) { return .node(node) }
    }
    if let to, let addresses = addresses(to, text), let node = owner(of: addresses, snapshots) { return .node(node) }
    return .unclear(snapshots[0])
  }

  /// What the cluster calls the node of a snapshot.
  public static func name(of snapshot: Snapshot, _ cluster: Cluster) -> String {
    cluster.node(addresses: (snapshot.addresses ?? []).map(\.address), name: snapshot.name)?.name ?? snapshot.name
  }

  private static func addresses(_ name: String, _ text: FlowText) -> [IPAddress]? {
    if NameResolver.isName(name) { return (try? text.resolve(name, anyPort: true))?.addresses }
    return (try? text.destination(name)).map { [$0.socket.address] }
  }

  private static func owner(of addresses: [IPAddress], _ snapshots: [Snapshot]) -> Snapshot? {
    snapshots.first { snapshot in (snapshot.addresses ?? []).contains { addresses.contains($0.address) } }
  }

  /// The addresses lie behind one of the node's own devices, not behind those that lead to other hosts.
  private static func holds(_ snapshot: Snapshot, _ addresses: [IPAddress]) -> Bool {
    let shared = outside(snapshot)
    return (snapshot.routes ?? []).contains { route in
      guard route.type == .unicast, route.destination.length > 0, let hop = route.nextHops.first, hop.gateway == nil,
        let name = hop.interface
      else { return false }
      return !shared.contains(name) && addresses.contains { route.destination.contains($0) }
    }
  }

  /// Devices behind which other hosts stand.
  private static func outside(_ snapshot: Snapshot) -> Set<String> {
    Set(
      (snapshot.routes ?? []).filter { $0.destination.length == 0 }.flatMap { $0.nextHops.compactMap(\.interface) }
        + (snapshot.links ?? []).filter(\.isTunnel).map(\.name))
  }
}

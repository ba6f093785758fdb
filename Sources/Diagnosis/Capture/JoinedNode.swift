import Intent
import PacketPath
import Snapshot
import Wire

/// One node of the bundle, with its walk made when first asked for.
final class JoinedNode {
  let snapshot: Snapshot
  let name: String
  let addresses: Set<IPAddress>
  let overlays: [OverlayLink]
  private let intent: Cluster
  private(set) lazy var tracer = PathTracer(snapshot)

  init(_ snapshot: Snapshot, _ intent: Cluster) {
    self.snapshot = snapshot
    self.intent = intent
    addresses = Set((snapshot.addresses ?? []).map(\.address))
    name = intent.node(addresses: addresses, name: snapshot.name)?.name ?? snapshot.name
    overlays = OverlayLink.all(snapshot)
  }

  /// How near a host is to this node.
  enum Nearness: Int, Comparable {
    case unknown, routed, attached, own
    static func < (a: Nearness, b: Nearness) -> Bool { a.rawValue < b.rawValue }
  }

  func nearness(of address: IPAddress) -> Nearness {
    if addresses.contains(address) { return .own }
    if let pod = intent.podOfAddress[address] { return intent.pods[pod].node == name ? .attached : .routed }
    let best = (snapshot.routes ?? []).filter {
      $0.type == .unicast && $0.destination.address.version == address.version && $0.destination.contains(address)
    }.max { $0.destination.length < $1.destination.length }
    guard let best else { return .unknown }
    return best.nextHops.contains { $0.gateway == nil } && best.destination.length > 0 ? .attached : .routed
  }
}

import PacketPath
import Snapshot
import Synchronization
import Wire

/// One network namespace of a bundle, with what is asked of it on the way. What costs is made when it is first asked for,
/// so that a journey reads only the nodes that it touches. Shared by threads.
final class Namespace: Sendable {
  let snapshot: Snapshot
  let place: Place
  /// Of a Pod: its node's namespace.
  let host: Int?
  let sockets: SocketTable
  let conntrack: ConntrackTable
  private let linkOfName: [String: Link]
  private let linkOfIndex: [Int: Link]
  private let addressesOfLink: [String: [InterfaceAddress]]
  /// Devices behind which other hosts stand: those of default routes, and those with a gateway that is no stand-in.
  private let outward: Set<String>
  private let walking = Mutex<NodeModel?>(nil)

  init(_ snapshot: Snapshot, _ place: Place, host: Int?) {
    self.snapshot = snapshot
    self.place = place
    self.host = host
    sockets = SocketTable(snapshot)
    conntrack = ConntrackTable(snapshot)
    let links = snapshot.links ?? []
    linkOfName = Dictionary(links.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    linkOfIndex = Dictionary(links.map { ($0.index, $0) }, uniquingKeysWith: { first, _ in first })
    addressesOfLink = Dictionary(grouping: snapshot.addresses ?? [], by: \.interface)
    var outward: Set<String> = []
    for route in snapshot.routes ?? [] where route.type == .unicast {
      for hop in route.nextHops {
        guard let name = hop.interface else { continue }
        if route.destination.length == 0 || hop.gateway.map({ !$0.isLinkLocal }) ?? false { outward.insert(name) }
      }
    }
    self.outward = outward
  }

  /// The namespace made ready for walking.
  var model: NodeModel {
    walking.withLock { model in
      if let model { return model }
      let made = NodeModel(snapshot, indexed: false)
      model = made
      return made
    }
  }

  var isPod: Bool { place.pod != nil }
  func link(_ name: String) -> Link? { linkOfName[name] }
  func link(index: Int) -> Link? { linkOfIndex[index] }
  func addresses(on interface: String) -> [InterfaceAddress] { addressesOfLink[interface] ?? [] }
  func owns(_ address: IPAddress) -> Bool { snapshot.addresses?.contains { $0.address == address } ?? false }

  /// Whether hosts of the network outside stand behind a device.
  func isOutward(_ name: String) -> Bool {
    guard outward.contains(name) else { return false }
    return linkOfName[name].map { !$0.isTunnel && !$0.isBridgeOfPods(self) } ?? true
  }

  /// The device of the default route.
  func defaultDevice(_ version: IPVersion) -> String? {
    snapshot.routes?.first {
      $0.type == .unicast && $0.destination.length == 0 && $0.destination.address.version == version
        && $0.table == Route.TableNumber.main
    }?.nextHops.first?.interface
  }

  /// What the neighbour table says of an address on a device.
  func neighbour(_ address: IPAddress, on interface: String) -> Neighbour? {
    snapshot.neighbours?.first { $0.address == address && $0.interface == interface }
  }

  /// A setting of one interface, as the kernel combines it with the one for all.
  func setting(_ name: String, of interface: String, _ version: IPVersion) -> Int? {
    let family = version == .v4 ? "ipv4" : "ipv6"
    let key = interface.contains(".") ? interface.split(separator: ".").joined(separator: "/") : interface
    let all = snapshot.sysctlInt("net.\(family).conf.all.\(name)")
    guard let own = snapshot.sysctlInt("net.\(family).conf.\(key).\(name)") else { return all }
    return max(own, all ?? 0)
  }
}

extension Link {
  /// A bridge whose own address is not the one that the network outside knows the node by.
  fileprivate func isBridgeOfPods(_ namespace: Namespace) -> Bool {
    isBridge && namespace.defaultDevice(.v4) != name && namespace.defaultDevice(.v6) != name
  }
}

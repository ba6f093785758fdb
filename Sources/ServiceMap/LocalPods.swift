import Intent
import Snapshot
import Wire

/// A Pod of a node that stands for all of its Pods, by IP version: one that the objects name, else an address behind one
/// of the devices that network plugins make.
public enum LocalPods {
  private static let devices = ["cni", "cbr", "cali", "veth", "lxc", "docker", "br-", "kube-bridge"]

  public static func examples(_ snapshot: Snapshot, _ cluster: Cluster?) -> [IPVersion: IPAddress] {
    let own = Set((snapshot.addresses ?? []).map(\.address))
    let node = cluster?.node(addresses: own, name: snapshot.name)
    var pods: [IPVersion: IPAddress] = [:]
    for pod in cluster?.pods ?? [] where pod.node == node?.name && !pod.hostNetwork {
      for address in pod.addresses where pods[address.version] == nil && !own.contains(address) {
        pods[address.version] = address
      }
    }
    for route in snapshot.routes ?? [] where route.type == .unicast && pods[route.destination.address.version] == nil {
      guard let name = route.nextHops.first?.interface, route.nextHops.first?.gateway == nil,
        route.destination.length > 0, !route.destination.address.isLinkLocal,
        devices.contains(where: { name.hasPrefix($0) })
      else { continue }
      let address = route.destination.firstHost
      // The bridge has the first address.
      let bits = Bits128(high: address.bits.high, low: address.bits.low &+ 1)
      let host = own.contains(address) ? IPAddress(bits: bits, version: address.version) : address
      if route.destination.contains(host), !own.contains(host) { pods[host.version] = host }
    }
    return pods
  }
}

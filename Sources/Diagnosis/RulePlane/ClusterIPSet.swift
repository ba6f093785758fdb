import Intent
import Ruleset
import ServiceMap
import Wire

/// nftables mode: the set of all ClusterIPs, by which packets to ports that no Service has are refused.
enum ClusterIPSet {
  /// ClusterIPs of the plane's family that are not in it; nil: there is no such set.
  static func missing(_ plane: ProxyPlane, _ intent: Cluster) -> [(service: Int, address: IPAddress)]? {
    guard plane.mode == .nftables, let table = plane.tables["kube-proxy"],
      let set = plane.ruleset.sets.first(where: { $0.table == table && $0.name == "cluster-ips" }), set.isDefined
    else { return nil }
    let held = Set(set.lows)
    var missing: [(Int, IPAddress)] = []
    for (index, service) in intent.services.enumerated() where service.isProxied {
      for address in service.clusterIPs
      where address.version == plane.family.version && !held.contains(address.bits) {
        missing.append((index, address))
      }
    }
    return missing
  }
}

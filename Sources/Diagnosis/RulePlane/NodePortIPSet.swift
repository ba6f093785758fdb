import Ruleset
import ServiceMap
import Snapshot
import Wire

/// nftables mode: the set of the node's addresses that answer for NodePorts.
enum NodePortIPSet {
  /// Whether the plane has the set, and none of these addresses is in it.
  static func lacksAll(_ addresses: [IPAddress], _ plane: ProxyPlane) -> Bool {
    guard plane.mode == .nftables, let table = plane.tables["kube-proxy"],
      let set = plane.ruleset.sets.first(where: { $0.table == table && $0.name == "nodeport-ips" }), set.isDefined
    else { return false }
    let own = addresses.filter { $0.version == plane.family.version }
    return !own.isEmpty
      && !own.contains { address in
        set.lows.indices.contains { set.lows[$0]...(set.highs.isEmpty ? set.lows[$0] : set.highs[$0]) ~= address.bits }
      }
  }
}

extension NodeContext {
  /// The IP versions of which nftables mode has no address of the node that answers for NodePorts.
  var versionsWithoutNodePorts: [IPVersion] {
    let own = (snapshot.addresses ?? []).map(\.address).filter { !$0.isLoopback && !$0.isLinkLocal }
    return planes.filter { NodePortIPSet.lacksAll(own, $0) }.compactMap(\.family.version)
  }
}

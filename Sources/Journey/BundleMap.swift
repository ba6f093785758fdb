import Intent
import PacketPath
import Snapshot
import Wire

/// The namespaces of a bundle and who has which address: what a crossing asks. Built once, then only read.
public struct BundleMap: Sendable {
  /// Nodes first, then their Pods.
  let namespaces: [Namespace]
  let cluster: Cluster?
  private var nodeOfName: [String: Int] = [:]
  private var podOfName: [String: Int] = [:]
  /// Of nodes: who has an address, on which device.
  private var owners: [IPAddress: [Owner]] = [:]
  /// Pods whose namespace the bundle has, by their host's end of the cable: the node's namespace and the link's index.
  private var podOfCable: [Cable: Int] = [:]
  /// Whether nodes carry Pods' packets to each other themselves: then the network between them knows no Pod addresses.
  private var routedByNodes: Set<IPVersion> = []

  struct Owner: Sendable {
    var namespace: Int
    var interface: String
  }

  struct Cable: Hashable {
    var node: Int
    var link: Int
  }

  public init(_ snapshots: [Snapshot], _ cluster: Cluster?) {
    self.cluster = cluster
    var namespaces: [Namespace] = []
    for snapshot in snapshots {
      let name =
        cluster?.node(addresses: (snapshot.addresses ?? []).map(\.address), name: snapshot.name)?.name ?? snapshot.name
      nodeOfName[name] = namespaces.count
      if nodeOfName[snapshot.name] == nil { nodeOfName[snapshot.name] = namespaces.count }
      namespaces.append(Namespace(Self.withPodLinks(snapshot), Place(node: name), host: nil))
    }
    for (number, snapshot) in snapshots.enumerated() {
      for pod in snapshot.pods {
        podOfName[pod.name] = namespaces.count
        for link in pod.links ?? [] {
          if let peer = link.peerIndex { podOfCable[Cable(node: number, link: peer)] = namespaces.count }
        }
        let place = Place(node: namespaces[number].place.node, pod: pod.name)
        namespaces.append(Namespace(pod, place, host: number))
      }
      for own in snapshot.addresses ?? [] where !own.address.isLoopback && !own.address.isLinkLocal {
        guard !own.isOfServiceDevice else { continue }
        owners[own.address, default: []].append(Owner(namespace: number, interface: own.interface))
      }
    }
    self.namespaces = namespaces
    for snapshot in snapshots {
      // A tunnel that has an address carries Pods' packets, whatever became of the routes into it.
      for own in snapshot.addresses ?? [] where snapshot.link(named: own.interface)?.isTunnel == true {
        if !own.address.isLinkLocal { routedByNodes.insert(own.address.version) }
      }
    }
    for (number, snapshot) in snapshots.enumerated() {
      for route in snapshot.routes ?? [] where route.type == .unicast && route.destination.length > 0 {
        guard
          route.nextHops.contains(where: { hop in
            let isTunnel = hop.interface.flatMap { namespaces[number].link($0) }?.isTunnel ?? false
            return isTunnel || hop.gateway.map { node(owning: $0, otherThan: number) != nil } ?? false
          })
        else { continue }
        routedByNodes.insert(route.destination.address.version)
      }
    }
  }

  /// What the Pods say of themselves tells behind which ports of the node's bridges they are, where its own tables do not.
  private static func withPodLinks(_ snapshot: Snapshot) -> Snapshot {
    guard !snapshot.pods.isEmpty, let links = snapshot.links else { return snapshot }
    var snapshot = snapshot
    for pod in snapshot.pods {
      for end in pod.links ?? [] {
        guard let peer = end.peerIndex, let mac = end.mac, let port = links.first(where: { $0.index == peer }),
          let bridge = port.master
        else { continue }
        if !(snapshot.forwardingEntries ?? []).contains(where: { $0.mac == mac && $0.master == bridge }) {
          snapshot.forwardingEntries =
            (snapshot.forwardingEntries ?? []) + [
              ForwardingEntry(mac: mac, interface: port.name, master: bridge)
            ]
        }
        for own in pod.addresses ?? [] where own.interface == end.name {
          let isKnown = (snapshot.neighbours ?? []).contains {
            $0.address == own.address && $0.interface == bridge && $0.mac != nil
          }
          guard !isKnown else { continue }
          snapshot.neighbours =
            (snapshot.neighbours ?? []) + [
              Neighbour(address: own.address, interface: bridge, mac: mac, state: "PERMANENT")
            ]
        }
      }
    }
    return snapshot
  }

  public var count: Int { namespaces.count }
  public func place(_ namespace: Int) -> Place { namespaces[namespace].place }
  public func snapshot(of namespace: Int) -> Snapshot { namespaces[namespace].snapshot }
  /// The names of the nodes that the bundle has, in order.
  public var nodes: [String] { namespaces.filter { !$0.isPod }.map(\.place.node) }

  func node(named name: String) -> Int? { nodeOfName[name] }
  func pod(named name: String) -> Int? { podOfName[name] }
  func pod(at cable: Cable) -> Int? { podOfCable[cable] }

  /// The node that has an address on a device which others reach it by.
  func node(owning address: IPAddress, otherThan own: Int? = nil) -> Owner? {
    owners[address]?.first { owner in
      owner.namespace != own && namespaces[owner.namespace].link(owner.interface)?.loopback != true
    }
  }

  /// The Pod that has an address, as the objects say.
  func podObject(_ address: IPAddress) -> Pod? { cluster?.podOfAddress[address].map { cluster!.pods[$0] } }

  /// The Node that the objects say has an address.
  func nodeObject(_ address: IPAddress) -> Node? { cluster?.nodes.first { $0.internalIPs.contains(address) } }

  /// Whether an address is one that Pods have, as far as is known.
  func isOfPods(_ address: IPAddress) -> Bool {
    if podObject(address) != nil { return true }
    if namespaces.contains(where: { $0.isPod && $0.owns(address) }) { return true }
    return cluster?.nodes.contains { node in node.podCIDRs.contains { $0.contains(address) } } ?? false
  }

  /// The network between the nodes brings packets for a Pod's address on its way: nodes leave it to it.
  func networkKnowsPods(_ version: IPVersion) -> Bool { !routedByNodes.contains(version) }

  /// A Pod that may be behind a bridge or a cable of a node: all whose namespaces the bundle has.
  func pods(on node: Int) -> [Int] { namespaces.indices.filter { namespaces[$0].host == node } }
}

import Wire

/// A Pod's (or any) address and port behind a Service.
public struct EndpointAddress: Hashable, Sendable, Comparable {
  public var address: IPAddress
  public var port: UInt16
  public init(_ address: IPAddress, _ port: UInt16) {
    self.address = address
    self.port = port
  }
  public static func < (a: EndpointAddress, b: EndpointAddress) -> Bool {
    a.address != b.address ? a.address < b.address : a.port < b.port
  }
}

extension EndpointAddress: CustomStringConvertible {
  public var description: String { address.version == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)" }
}

/// Which endpoints of one Service port a node uses, as kube-proxy chooses them.
public struct EndpointSelection: Sendable {
  /// All ready ones; without any, those that terminate but still serve.
  public var cluster = EndpointSet()
  /// `cluster` narrowed by topology hints; equal to it where hints do not apply.
  public var hinted = EndpointSet()
  /// As a proxy that knows zone hints but not node hints chooses.
  public var zoneHinted = EndpointSet()
  /// Of those on this node: ready, else terminating but serving.
  public var local = EndpointSet()
  /// As a proxy without support for terminating endpoints would choose.
  public var readyOnly = EndpointSet()
  public var localReadyOnly = EndpointSet()
  /// Endpoints told in any state.
  public var known = EndpointSet()
  /// The same backend stands in two slices in different states: which one wins is chance.
  public var ambiguous = EndpointSet()

  public init(
    _ intent: borrowing Cluster, _ service: borrowing Service, _ port: borrowing Service.Port, _ version: IPVersion,
    node: Node?
  ) {
    let (nodeID, zoneID) = Self.identify(node, intent)
    var all: [EndpointAddress] = []
    var ready: [EndpointAddress] = []
    var unready: [EndpointAddress] = []
    var localReady: [EndpointAddress] = []
    var terminating: [EndpointAddress] = []
    var localTerminating: [EndpointAddress] = []
    var zoneReady: [EndpointAddress] = []
    var nodeReady: [EndpointAddress] = []
    var everyHasZone = true
    var everyHasNode = true
    for slice in service.slices {
      let count = intent.slices[slice].endpoints.count
      for entry in intent.slices[slice].ports where Self.fits(entry, intent.slices[slice], port, version) {
        all.reserveCapacity(all.count + count)
        ready.reserveCapacity(ready.count + count)
        for at in 0..<count where intent.slices[slice].endpoints[at].address.version == version {
          let endpoint = intent.slices[slice].endpoints[at]
          let backend = EndpointAddress(endpoint.address, entry.port)
          let isLocal = endpoint.node == nodeID
          all.append(backend)
          if endpoint.ready {
            ready.append(backend)
            if isLocal { localReady.append(backend) }
            if endpoint.zoneHints.isEmpty {
              everyHasZone = false
            } else if endpoint.zoneHints.contains(zoneID) {
              zoneReady.append(backend)
            }
            if endpoint.nodeHints.isEmpty {
              everyHasNode = false
            } else if endpoint.nodeHints.contains(nodeID) {
              nodeReady.append(backend)
            }
            continue
          }
          unready.append(backend)
          if endpoint.serving && endpoint.terminating {
            terminating.append(backend)
            if isLocal { localTerminating.append(backend) }
          }
        }
      }
    }
    known = EndpointSet(all)
    readyOnly = unready.isEmpty ? known : EndpointSet(ready)
    localReadyOnly = EndpointSet(localReady)
    ambiguous = EndpointSet(unready.filter(readyOnly.contains))
    cluster = readyOnly.isEmpty ? EndpointSet(terminating) : readyOnly
    local = localReadyOnly.isEmpty ? EndpointSet(localTerminating) : localReadyOnly
    zoneHinted = everyHasZone && !zoneReady.isEmpty ? EndpointSet(zoneReady) : cluster
    hinted = everyHasNode && !nodeReady.isEmpty ? EndpointSet(nodeReady) : zoneHinted
  }

  /// Whether `cluster` would be empty.
  public static func isEmpty(
    _ intent: borrowing Cluster, _ service: borrowing Service, _ port: borrowing Service.Port, _ version: IPVersion
  ) -> Bool {
    for slice in service.slices {
      for entry in intent.slices[slice].ports where fits(entry, intent.slices[slice], port, version) {
        for endpoint in intent.slices[slice].endpoints
        where endpoint.address.version == version && (endpoint.ready || endpoint.serving && endpoint.terminating) {
          return false
        }
      }
    }
    return true
  }

  private static func fits(
    _ entry: EndpointSlice.Port, _ slice: EndpointSlice, _ port: borrowing Service.Port, _ version: IPVersion
  ) -> Bool {
    entry.port != 0 && entry.ipProtocol == port.ipProtocol && entry.name == port.name
      && slice.addressType == (version == .v4 ? "IPv4" : "IPv6")
  }

  /// The node's and its zone's numbers in `Cluster.names`, or one that nothing has.
  private static func identify(_ node: Node?, _ intent: borrowing Cluster) -> (node: Int32, zone: Int32) {
    let nobody: Int32 = -2
    guard let node else { return (nobody, nobody) }
    return (intent.nameID(node.name) ?? nobody, node.zone.isEmpty ? nobody : intent.nameID(node.zone) ?? nobody)
  }

  /// The sets that some version of kube-proxy, correct in itself, may use for traffic under policy Cluster.
  public var acceptableCluster: [EndpointSet] { [hinted, zoneHinted, cluster, readyOnly] }
  public var acceptableLocal: [EndpointSet] { [local, localReadyOnly] }
  public var usesHints: Bool { hinted != cluster }
}

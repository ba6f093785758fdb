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
  public var cluster: Set<EndpointAddress> = []
  /// `cluster` narrowed by topology hints; equal to it where hints do not apply.
  public var hinted: Set<EndpointAddress> = []
  /// Of those on this node: ready, else terminating but serving.
  public var local: Set<EndpointAddress> = []
  /// As a proxy without support for terminating endpoints would choose.
  public var readyOnly: Set<EndpointAddress> = []
  public var localReadyOnly: Set<EndpointAddress> = []
  /// Endpoints told in any state.
  public var known: Set<EndpointAddress> = []
  /// The same backend stands in two slices in different states: which one wins is chance.
  public var ambiguous: Set<EndpointAddress> = []

  public init(_ intent: Cluster, _ service: Service, _ port: Service.Port, _ version: IPVersion, node: Node?) {
    let nodeID = node.flatMap { intent.nameID($0.name) } ?? -2
    let zoneID = node.flatMap { $0.zone.isEmpty ? nil : intent.nameID($0.zone) } ?? -2
    var terminating: Set<EndpointAddress> = []
    var localTerminating: Set<EndpointAddress> = []
    var zoneReady: Set<EndpointAddress> = []
    var nodeReady: Set<EndpointAddress> = []
    var everyHasZone = true
    var everyHasNode = true
    var states: [EndpointAddress: Bool] = [:]
    for index in intent.slicesOfService[service.fullName] ?? [] {
      let slice = intent.slices[index]
      guard slice.addressType == (version == .v4 ? "IPv4" : "IPv6") else { continue }
      for entry in slice.ports where entry.name == port.name && entry.ipProtocol == port.ipProtocol && entry.port != 0 {
        for endpoint in slice.endpoints where endpoint.address.version == version {
          let backend = EndpointAddress(endpoint.address, entry.port)
          known.insert(backend)
          if let before = states.updateValue(endpoint.ready, forKey: backend), before != endpoint.ready {
            ambiguous.insert(backend)
          }
          let isLocal = endpoint.node == nodeID
          if endpoint.ready {
            readyOnly.insert(backend)
            if isLocal { localReadyOnly.insert(backend) }
            if endpoint.zoneHints.isEmpty {
              everyHasZone = false
            } else if endpoint.zoneHints.contains(zoneID) {
              zoneReady.insert(backend)
            }
            if endpoint.nodeHints.isEmpty {
              everyHasNode = false
            } else if endpoint.nodeHints.contains(nodeID) {
              nodeReady.insert(backend)
            }
          } else if endpoint.serving && endpoint.terminating {
            terminating.insert(backend)
            if isLocal { localTerminating.insert(backend) }
          }
        }
      }
    }
    cluster = readyOnly.isEmpty ? terminating : readyOnly
    local = localReadyOnly.isEmpty ? localTerminating : localReadyOnly
    hinted = cluster
    if !readyOnly.isEmpty {
      if everyHasNode, !nodeReady.isEmpty {
        hinted = nodeReady
      } else if everyHasZone, !zoneReady.isEmpty {
        hinted = zoneReady
      }
      zoneHinted = everyHasZone && !zoneReady.isEmpty ? zoneReady : cluster
    } else {
      zoneHinted = cluster
    }
  }

  /// As a proxy that knows zone hints but not node hints chooses.
  public var zoneHinted: Set<EndpointAddress> = []

  /// The sets that some version of kube-proxy, correct in itself, may use for traffic under policy Cluster.
  public var acceptableCluster: [Set<EndpointAddress>] { [hinted, zoneHinted, cluster, readyOnly] }
  public var acceptableLocal: [Set<EndpointAddress>] { [local, localReadyOnly] }
  public var usesHints: Bool { hinted != cluster }
}

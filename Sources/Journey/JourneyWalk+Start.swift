import PacketPath
import Snapshot
import Wire

// Where a journey begins.
extension JourneyWalk {
  enum Start {
    case namespace(Int, Entrance)
    /// The bundle lacks the node that it begins on.
    case missing(String)
    case unknown(Ending.Unknown)
  }

  struct Entrance {
    var interface: String
    /// It comes by a bridge as a frame of one of its ports.
    var isFrame = false
    /// A Pod whose namespace the bundle does not have.
    var pod: IPAddress? = nil
  }

  func start(of flow: Flow) -> Start {
    if let name = flow.origin?.pod {
      if let pod = map.pod(named: name) { return .namespace(pod, Entrance(interface: Flow.local)) }
      return start(ofPodAt: flow.source, named: name, flow)
    }
    if let name = flow.origin?.node {
      guard let node = map.node(named: name) else { return .missing(name) }
      return .namespace(node, Entrance(interface: flow.from.isEmpty ? Flow.local : flow.from))
    }
    if let name = flow.origin?.enters {
      guard let node = map.node(named: name) else { return .missing(name) }
      return entering(node, flow)
    }
    if let owner = map.node(owning: flow.source) {
      return .namespace(owner.namespace, Entrance(interface: Flow.local))
    }
    if let pod = map.namespaces.indices.first(where: {
      map.namespaces[$0].isPod && map.namespaces[$0].owns(flow.source)
    }) {
      return .namespace(pod, Entrance(interface: Flow.local))
    }
    if let pod = map.podObject(flow.source) {
      return start(ofPodAt: flow.source, named: "\(pod.namespace)/\(pod.name)", flow)
    }
    if let owner = map.node(owning: flow.destination) { return entering(owner.namespace, flow) }
    if map.nodes.count == 1 { return entering(0, flow) }
    return .unknown(.entrance)
  }

  private func entering(_ node: Int, _ flow: Flow) -> Start {
    if !flow.from.isEmpty, flow.from != Flow.local { return .namespace(node, Entrance(interface: flow.from)) }
    guard let interface = outerInterface(of: node, flow.destination, client: flow.source) else {
      return .unknown(.entrance)
    }
    return .namespace(node, Entrance(interface: interface))
  }

  /// The device by which packets for an address come to a node from the network.
  func outerInterface(of node: Int, _ destination: IPAddress, client: IPAddress) -> String? {
    let namespace = map.namespaces[node]
    if let owner = map.node(owning: destination), owner.namespace == node,
      namespace.isOutward(owner.interface)
        || namespace.link(owner.interface).map({ !$0.isTunnel && !$0.isBridge }) ?? true
    {
      return owner.interface
    }
    return namespace.defaultDevice(destination.version) ?? tracer(node).inputInterface(from: client, to: destination)
  }

  private func start(ofPodAt address: IPAddress, named name: String, _ flow: Flow) -> Start {
    let nodeName = map.podObject(address)?.node
    if let nodeName, !nodeName.isEmpty, map.node(named: nodeName) == nil { return .missing(nodeName) }
    guard let node = nodeName.flatMap({ map.node(named: $0) }) ?? nodeBesidePod(address) else {
      return .unknown(.entrance)
    }
    // `from` may name the interface.
    if !flow.from.isEmpty, flow.from != Flow.local {
      return .namespace(node, Entrance(interface: flow.from, pod: address))
    }
    guard let interface = podInterface(of: address, on: node) else { return .unknown(.podLink(name)) }
    return .namespace(node, Entrance(interface: interface, isFrame: true, pod: address))
  }

  /// The node whose own devices lead to an address.
  private func nodeBesidePod(_ address: IPAddress) -> Int? {
    map.namespaces.indices.first { !map.namespaces[$0].isPod && podInterface(of: address, on: $0) != nil }
  }

  /// The node's device behind which a Pod with this address is: a bridge or the node's end of a cable.
  func podInterface(of address: IPAddress, on node: Int) -> String? {
    let namespace = map.namespaces[node]
    let neighbour = namespace.snapshot.neighbours?.first {
      $0.address == address && !$0.state.contains("FAILED") && !namespace.isOutward($0.interface)
        && namespace.link($0.interface)?.isTunnel != true
    }
    if let neighbour { return neighbour.interface }
    guard let way = tracer(node).inputInterface(from: address), way != Flow.local, !namespace.isOutward(way),
      namespace.link(way)?.isTunnel != true
    else { return nil }
    return way
  }
}

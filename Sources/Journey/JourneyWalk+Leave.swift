import PacketPath
import Snapshot
import Wire

// A packet leaves a namespace by one of its interfaces.
extension JourneyWalk {
  func leave(
    _ outcome: Outcome, _ trace: Trace, _ flow: Flow, _ namespace: Int, _ passage: inout Passage
  ) -> Way {
    let here = map.namespaces[namespace]
    let packet = Self.packet(flow, after: outcome)
    guard let name = outcome.outInterface else {
      return .end(passage.ending(.left(.outside(packet.destination)), namespace: namespace))
    }
    let (route, gateway) = trace.route(of: outcome).map { ($0.route, $0.gateway) } ?? (nil, nil)
    let nextHop = gateway ?? packet.destination
    let link = here.link(name)
    if let link, !link.up || link.lacksCarrier {
      return .end(passage.ending(.linkDown(name), namespace: namespace))
    }
    // A frame that goes from port to port of a bridge is not routed: nobody tells the sender of its size.
    let isBridged = flow.from == name && link?.isBridge == true && !flow.isLocal
    if !isBridged || flow.isFrame == false {
      passage.limit(
        [link?.mtu, route?.mtu].compactMap { $0 }.min(), flow.isLocal ? .own : .router, in: namespace, packet)
    }
    clamp(outcome, flow, mtu: [link?.mtu, here.link(flow.from)?.mtu].compactMap { $0 }.min(), here, &passage)
    if here.isPod { return leavePod(packet, by: name, nextHop, namespace, &passage) }
    if let link, link.isTunnel { return enterTunnel(packet, link, nextHop, namespace, &passage) }
    if let way = toPod(packet, by: name, nextHop, namespace, &passage) { return way }
    return onWire(packet, by: name, gateway: gateway, namespace, &passage)
  }

  func side(_ namespace: Int, _ interface: String) -> Crossing.Side {
    Crossing.Side(place: map.namespaces[namespace].place, interface: interface)
  }

  // MARK: - Pods

  /// From a Pod through its cable to its node.
  private func leavePod(
    _ packet: Flow, by name: String, _ nextHop: IPAddress, _ namespace: Int, _ passage: inout Passage
  ) -> Way {
    let pod = map.namespaces[namespace]
    guard let host = pod.host else {
      return .end(passage.ending(.left(.outside(packet.destination)), namespace: namespace))
    }
    let node = map.namespaces[host]
    let cable = pod.link(name)?.peerIndex.flatMap { node.link(index: $0) }
    let address = pod.addresses(on: name).first { $0.address.version == packet.version && !$0.address.isLinkLocal }
    guard
      let interface = cable.map({ $0.master ?? $0.name })
        ?? podInterface(of: address?.address ?? packet.source, on: host)
    else { return .end(passage.ending(.unknown(.podLink(pod.place.pod ?? "")), namespace: namespace)) }
    if let cable, !cable.up || cable.lacksCarrier {
      return .end(passage.ending(.linkDown(name), namespace: namespace))
    }
    let isBridge = node.link(interface)?.isBridge ?? false
    let isForBridge = !isBridge || node.addresses(on: interface).contains { $0.address == nextHop }
    if isForBridge, !answers(nextHop, askedBy: address?.address ?? packet.source, on: interface, host) {
      return .end(passage.ending(.nobodyAt(nextHop), namespace: namespace))
    }
    if !isForBridge, !finds(nextHop, askedBy: address?.address ?? packet.source, on: interface, host) {
      return .end(passage.ending(.unknown(.linkAddress(nextHop)), namespace: namespace))
    }
    if let fault = neighbourFault(of: nextHop, in: namespace, by: name) {
      return .end(passage.ending(.neighbourStopped(nextHop, rule: fault), namespace: namespace))
    }
    passage.limit(cable?.mtu, .silent, in: namespace, packet)
    let crossing = Crossing(
      kind: isBridge ? .bridge : .veth, from: side(namespace, name), to: side(host, interface),
      mtu: [pod.link(name)?.mtu, cable?.mtu].compactMap { $0 }.min())
    var next = packet
    next.from = interface
    next.isFrame = true
    return .crossing(crossing, leg(next, host, &passage))
  }

  /// From a node to a Pod of its own; nil: the device leads to no Pod.
  private func toPod(
    _ packet: Flow, by name: String, _ nextHop: IPAddress, _ namespace: Int, _ passage: inout Passage
  ) -> Way? {
    let node = map.namespaces[namespace]
    let link = node.link(name)
    let isBridge = link?.isBridge ?? false
    if isBridge, map.pods(on: namespace).count(where: { map.namespaces[$0].owns(nextHop) }) > 1 {
      // Several answer for it: who was first, only the sender's neighbour table tells.
      return .end(passage.ending(.unknown(.linkAddress(nextHop)), namespace: namespace))
    }
    if let pod = podNamespace(of: nextHop, behind: name, namespace) {
      let (inside, cable) = pod
      let target = map.namespaces[inside]
      let port = node.link(index: cable)
      if let port, !port.up || port.lacksCarrier {
        return .end(passage.ending(.linkDown(port.name), namespace: namespace))
      }
      let end = target.snapshot.links?.first { $0.peerIndex == cable }
      if isBridge { passage.limit(port?.mtu, .silent, in: namespace, packet) }
      passage.limit(end?.mtu, .silent, in: namespace, packet)
      let crossing = Crossing(
        kind: isBridge ? .bridge : .veth, from: side(namespace, name), to: side(inside, end?.name ?? "eth0"),
        mtu: [link?.mtu, port?.mtu, end?.mtu].compactMap { $0 }.min())
      if let end, !end.up { return .end(passage.ending(.linkDown(end.name), namespace: inside)) }
      var next = packet
      next.from = end?.name ?? "eth0"
      return .crossing(crossing, leg(next, inside, &passage))
    }
    if node.isOutward(name) { return nil }
    if let owner = map.node(owning: nextHop, otherThan: namespace), !node.isOutward(name), !isBridge,
      map.podObject(nextHop) == nil, map.namespaces[owner.namespace].isOutward(owner.interface)
    {
      return nil
    }
    if let object = map.podObject(nextHop), object.node.isEmpty || map.node(named: object.node) == namespace {
      // Its namespace is not in the bundle: all that is known is its address.
      let port = bridgePort(of: nextHop, name, node)
      if let port, !port.up || port.lacksCarrier {
        return .end(passage.ending(.linkDown(port.name), namespace: namespace))
      }
      if let neighbour = node.neighbour(nextHop, on: name), neighbour.state.contains("FAILED") {
        return .end(passage.ending(.nobodyAt(nextHop), namespace: namespace))
      }
      if isBridge { passage.limit(port?.mtu, .silent, in: namespace, packet) }
      let crossing = Crossing(
        kind: isBridge ? .bridge : .veth, from: side(namespace, name),
        to: Crossing.Side(
          place: Place(node: node.place.node, pod: "\(object.namespace)/\(object.name)"), interface: "eth0"),
        mtu: port?.mtu ?? link?.mtu)
      return .crossing(crossing, arriveAtPod(packet, object.namespace + "/" + object.name, node: namespace, &passage))
    }
    guard isBridge || link?.kind == "veth" || link?.peerIndex != nil else { return nil }
    if let neighbour = node.neighbour(nextHop, on: name), !neighbour.state.contains("FAILED"), neighbour.mac != nil,
      map.cluster.map({ $0.isPartial || $0.pods.isEmpty }) ?? true
    {
      // Somebody is there, of whom no object tells.
      return .crossing(
        Crossing(kind: isBridge ? .bridge : .veth, from: side(namespace, name), to: nil, mtu: link?.mtu),
        arriveAtPod(packet, nil, node: namespace, &passage))
    }
    if map.cluster.map({ !$0.isPartial && !$0.pods.isEmpty }) ?? false, map.isOfPods(nextHop) {
      return .end(passage.ending(.nobodyAt(nextHop), namespace: namespace))
    }
    return .crossing(
      Crossing(kind: isBridge ? .bridge : .veth, from: side(namespace, name), to: nil, mtu: link?.mtu),
      arriveAtPod(packet, nil, node: namespace, &passage))
  }

  /// The namespace that has an address and hangs on a device of its node, and the index of its cable's end.
  private func podNamespace(of address: IPAddress, behind name: String, _ node: Int) -> (namespace: Int, cable: Int)? {
    let host = map.namespaces[node]
    guard let link = host.link(name) else { return nil }
    if !link.isBridge {
      guard let pod = map.pod(at: BundleMap.Cable(node: node, link: link.index)),
        map.namespaces[pod].owns(address)
      else { return nil }
      return (pod, link.index)
    }
    var found: [(namespace: Int, cable: Int)] = []
    for pod in map.pods(on: node) where map.namespaces[pod].owns(address) {
      for end in map.namespaces[pod].snapshot.links ?? [] {
        guard let peer = end.peerIndex, host.link(index: peer)?.master == name else { continue }
        if let mac = host.neighbour(address, on: name)?.mac, mac == end.mac { return (pod, peer) }
        found.append((pod, peer))
      }
    }
    return found.first
  }

  /// The port of a bridge behind which an address is, or the node's end of the cable itself.
  private func bridgePort(of address: IPAddress, _ name: String, _ node: Namespace) -> Link? {
    guard let link = node.link(name), link.isBridge else { return node.link(name) }
    guard let mac = node.neighbour(address, on: name)?.mac else { return nil }
    let entry = node.snapshot.forwardingEntries?.first { $0.mac == mac && $0.master == name && $0.interface != name }
    return entry.flatMap { node.link($0.interface) }
  }
}

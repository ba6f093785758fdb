import PacketPath
import Snapshot
import Wire

// Between nodes: over the wire, and through tunnels, whose own packets go over the wire.
extension JourneyWalk {
  /// Where a packet comes to that leaves a node by a cable.
  enum WireEnd {
    case node(BundleMap.Owner, router: IPAddress?)
    case departure(Ending.Departure)
    case fails(Ending.Cause)
  }

  func wireEnd(_ packet: Flow, by name: String, gateway: IPAddress?, _ namespace: Int) -> WireEnd {
    let node = map.namespaces[namespace]
    let nextHop = gateway ?? packet.destination
    if let owner = map.node(owning: nextHop, otherThan: namespace), isReached(owner) {
      return .node(owner, router: nil)
    }
    if let neighbour = node.neighbour(nextHop, on: name), neighbour.state.contains("FAILED") {
      return .fails(.nobodyAt(nextHop))
    }
    if gateway == nil || gateway == packet.destination {
      if let known = map.nodeObject(nextHop) { return .departure(.node(known.name)) }
      // The whole cluster is known, the subnet is the nodes' own, and nobody in it has the address.
      if map.isOfPods(nextHop) { return .fails(.nobodyAt(nextHop)) }
      return .departure(.outside(packet.destination))
    }
    if let known = map.nodeObject(nextHop) { return .departure(.node(known.name)) }
    if let owner = map.node(owning: packet.destination, otherThan: namespace), isReached(owner) {
      return .node(owner, router: gateway)
    }
    if let known = map.nodeObject(packet.destination) { return .departure(.node(known.name)) }
    guard map.isOfPods(packet.destination) || map.node(owning: packet.destination, otherThan: namespace) != nil else {
      return .departure(.outside(packet.destination))
    }
    guard map.networkKnowsPods(packet.version) else { return .fails(.routerUnaware(packet.destination)) }
    guard let pod = map.podObject(packet.destination), !pod.node.isEmpty else {
      return .departure(.outside(packet.destination))
    }
    guard let home = map.node(named: pod.node), home != namespace,
      let device = map.namespaces[home].defaultDevice(packet.version)
    else { return .departure(.node(pod.node)) }
    return .node(BundleMap.Owner(namespace: home, interface: device), router: gateway)
  }

  /// Hosts reach an address of a node by a cable only where the device has one.
  private func isReached(_ owner: BundleMap.Owner) -> Bool {
    let node = map.namespaces[owner.namespace]
    guard let link = node.link(owner.interface) else { return true }
    return !link.isTunnel
      && (!link.isBridge || node.defaultDevice(.v4) == link.name || node.defaultDevice(.v6) == link.name)
  }

  func onWire(
    _ packet: Flow, by name: String, gateway: IPAddress?, _ namespace: Int, _ passage: inout Passage
  ) -> Way {
    switch wireEnd(packet, by: name, gateway: gateway, namespace) {
    case .fails(let cause): return .end(passage.ending(cause, namespace: namespace))
    case .node(let owner, let router):
      let far = map.namespaces[owner.namespace].link(owner.interface)
      if let far, !far.up || far.lacksCarrier {
        return .end(passage.ending(.linkDown(far.name), namespace: owner.namespace))
      }
      passage.limit(far?.mtu, .silent, in: namespace, packet)
      let crossing = Crossing(
        kind: .wire, from: side(namespace, name), to: side(owner.namespace, owner.interface),
        mtu: [map.namespaces[namespace].link(name)?.mtu, far?.mtu].compactMap { $0 }.min(), router: router)
      var next = packet
      next.from = owner.interface
      return .crossing(crossing, leg(next, owner.namespace, &passage))
    case .departure(let departure):
      let crossing = Crossing(
        kind: .wire, from: side(namespace, name), to: nil, mtu: map.namespaces[namespace].link(name)?.mtu,
        router: gateway)
      return .crossing(crossing, depart(departure, packet, namespace, &passage))
    }
  }

  // MARK: - Tunnels

  func enterTunnel(
    _ packet: Flow, _ link: Link, _ nextHop: IPAddress, _ namespace: Int, _ passage: inout Passage
  ) -> Way {
    let here = map.namespaces[namespace]
    let tunnel: Tunnel
    do throws(Tunnel.Fault) {
      guard let found = try Tunnel.at(link, nextHop: nextHop, in: here) else {
        return .end(passage.ending(.unknown(.tunnel), namespace: namespace))
      }
      tunnel = found
    } catch {
      return .end(passage.ending(.tunnel(error.fault), namespace: namespace))
    }
    var crossing = Crossing(
      kind: tunnel.kind, from: side(namespace, link.name), to: nil, outer: tunnel.outer, overhead: tunnel.overhead,
      mtu: link.mtu)
    guard let outer = tunnel.outer else {
      return throughUnseenTunnel(packet, nextHop, tunnel, crossing, namespace, &passage)
    }
    let far: BundleMap.Owner
    let sender: String
    switch carry(outer, from: namespace) {
    case .failed(let fault, let place): return .crossing(crossing, .end(passage.ending(fault, namespace: place)))
    case .left(let departure): return .crossing(crossing, .end(passage.ending(.left(departure), namespace: namespace)))
    case .unsure: return .crossing(crossing, .end(passage.ending(.unknown(.tunnel), namespace: namespace)))
    case .arrived(let owner, let device):
      far = owner
      sender = device
    }
    let there = map.namespaces[far.namespace]
    let device: Link
    switch Self.receiver(of: tunnel, outer, there) {
    case .failure(let error):
      return .crossing(crossing, .end(passage.ending(.tunnel(error.fault), namespace: far.namespace)))
    case .success(let found): device = found
    }
    for limit in Self.outerLimits(tunnel, sender: here.link(sender)?.mtu, receiver: there.link(far.interface)?.mtu)
    where limit.bytes < crossing.mtu ?? .max {
      passage.limit(limit.bytes, limit.manner, in: namespace, packet)
      crossing.mtu = limit.bytes
    }
    crossing.to = side(far.namespace, device.name)
    var next = packet
    next.from = device.name
    return .crossing(crossing, leg(next, far.namespace, &passage))
  }

  /// What the cables between let through. Over IPv4 the sender may fragment the outer packet, since its DF is not set; over
  /// IPv6 it does not, and tells the packet's sender (drivers/net/vxlan, skb_tunnel_check_pmtu).
  private static func outerLimits(
    _ tunnel: Tunnel, sender: Int?, receiver: Int?
  ) -> [(bytes: Int, manner: SizeLimit.Manner)] {
    guard let sender else { return [] }
    let narrowest = min(sender, receiver ?? sender)
    guard tunnel.outer?.version == .v6 else {
      return sender > narrowest + SizeLimit.linkSlack ? [(narrowest - tunnel.overhead, .silent)] : []
    }
    return [(sender - tunnel.overhead, .router), (narrowest - tunnel.overhead, .silent)]
  }

  private enum Carriage {
    /// At which device of whom, and the device that it left by.
    case arrived(BundleMap.Owner, by: String)
    case left(Ending.Departure)
    case failed(Ending.Cause, namespace: Int)
    case unsure
  }

  /// The tunnel's own packet through the sender's OUTPUT and the receiver's INPUT.
  private func carry(_ outer: Flow, from namespace: Int) -> Carriage {
    let sent = tracer(namespace).trace(outer)
    guard let outcome = sent.outcomes.first else { return .unsure }
    if sent.outcomes.contains(where: { ($0.verdict == .forward) != (outcome.verdict == .forward) }) { return .unsure }
    guard outcome.verdict == .forward, let name = outcome.outInterface else {
      return .failed(.tunnel(stopped(outcome, sent)), namespace: namespace)
    }
    let gateway = sent.route(of: outcome)?.gateway
    let packet = Self.packet(outer, after: outcome)
    guard case .node(let owner, _) = wireEnd(packet, by: name, gateway: gateway, namespace) else {
      switch wireEnd(packet, by: name, gateway: gateway, namespace) {
      case .fails(let cause): return .failed(cause, namespace: namespace)
      case .departure(.node(let name)): return .left(.node(name))
      default:
        // All Nodes are known, and it is none of them.
        if let cluster = map.cluster, !cluster.nodes.isEmpty, !cluster.isPartial {
          return .failed(.nobodyAt(packet.destination), namespace: namespace)
        }
        return .left(.tunnelEnd(packet.destination))
      }
    }
    if let link = map.namespaces[owner.namespace].link(owner.interface), !link.up || link.lacksCarrier {
      return .failed(.linkDown(link.name), namespace: owner.namespace)
    }
    var next = packet
    next.from = owner.interface
    let received = tracer(owner.namespace).trace(next)
    guard let end = received.outcomes.first else { return .unsure }
    if received.outcomes.contains(where: { ($0.verdict == .deliver) != (end.verdict == .deliver) }) { return .unsure }
    guard end.verdict == .deliver else {
      return .failed(.tunnel(stopped(end, received)), namespace: owner.namespace)
    }
    return .arrived(owner, by: name)
  }

  private func stopped(_ outcome: Outcome, _ trace: Trace) -> TunnelFault {
    .outerStopped(
      outcome.verdict,
      rule: trace.ender(of: outcome).map { RuleText(chain: $0.chain, position: $0.position) },
      outcome.reason)
  }

  /// The far end's device that takes the tunnel's packet.
  private static func receiver(of tunnel: Tunnel, _ outer: Flow, _ there: Namespace) -> Result<Link, Tunnel.Fault> {
    let links = there.snapshot.links ?? []
    guard tunnel.kind == .vxlan else {
      let names: Set<String> = tunnel.kind == .gre ? ["gre", "gretap"] : ["ipip", "sit"]
      guard let device = links.first(where: { names.contains($0.kind ?? "") && $0.up }) else {
        return .failure(Tunnel.Fault(.noDevice(tunnel.kind.rawValue)))
      }
      return .success(device)
    }
    let devices = links.filter { $0.kind == "vxlan" && ($0.vxlan?.local?.version ?? outer.version) == outer.version }
    guard !devices.isEmpty else { return .failure(Tunnel.Fault(.noDevice("vxlan"))) }
    let listening = devices.filter { $0.vxlan?.port.map { UInt16(exactly: $0) == outer.destinationPort } ?? true }
    guard !listening.isEmpty else {
      let ports = devices.compactMap { $0.vxlan?.port.flatMap { UInt16(exactly: $0) } }
      return .failure(Tunnel.Fault(.portDiffers(sent: outer.destinationPort, there: ports)))
    }
    guard let up = listening.first(where: \.up) else {
      return .failure(Tunnel.Fault(.deviceDown(listening[0].name)))
    }
    guard let device = listening.first(where: { $0.vxlan?.id == tunnel.id || tunnel.id == nil || $0.vxlan == nil })
    else { return .failure(Tunnel.Fault(.idDiffers(sent: tunnel.id ?? 0, there: up.vxlan?.id ?? 0))) }
    if !device.up { return .failure(Tunnel.Fault(.deviceDown(device.name))) }
    if let sent = tunnel.innerMAC, let own = device.mac?.lowercased(), own != sent, device.master == nil {
      return .failure(Tunnel.Fault(.linkAddressDiffers(sent: sent, there: own)))
    }
    return .success(device)
  }

  /// What is wrong with the tunnels that a node's routes lead into, as far as both ends' dumps tell: the fault, the far
  /// end's inner address, and where it shows.
  public func tunnelFaults(of node: Int) -> [(fault: TunnelFault, nextHop: IPAddress, place: Place)] {
    let here = map.namespaces[node]
    var found: [(fault: TunnelFault, nextHop: IPAddress, place: Place)] = []
    for route in here.snapshot.routes ?? [] where route.type == .unicast {
      for hop in route.nextHops {
        guard let link = hop.interface.flatMap({ here.link($0) }), link.isTunnel, let nextHop = hop.gateway else {
          continue
        }
        // Devices of programs that steer tunnels themselves have no entries.
        guard
          here.snapshot.forwardingEntries?.contains(where: { $0.interface == link.name && $0.destination != nil })
            == true
        else { continue }
        if let (fault, place) = tunnelFault(link, nextHop, node) { found.append((fault, nextHop, place)) }
      }
    }
    return found
  }

  private func tunnelFault(_ link: Link, _ nextHop: IPAddress, _ node: Int) -> (TunnelFault, Place)? {
    let here = map.namespaces[node]
    let tunnel: Tunnel
    do throws(Tunnel.Fault) {
      guard let made = try Tunnel.at(link, nextHop: nextHop, in: here) else { return nil }
      tunnel = made
    } catch {
      return (error.fault, here.place)
    }
    guard let outer = tunnel.outer else { return nil }
    switch carry(outer, from: node) {
    case .failed(.tunnel(let fault), let place): return (fault, map.place(place))
    case .failed, .left, .unsure: return nil
    case .arrived(let owner, _):
      guard case .failure(let error) = Self.receiver(of: tunnel, outer, map.namespaces[owner.namespace]) else {
        return nil
      }
      return (error.fault, map.place(owner.namespace))
    }
  }

  /// A tunnel of which no dump tells the far end: it leads to the node of the Pod, or of the next hop.
  private func throughUnseenTunnel(
    _ packet: Flow, _ nextHop: IPAddress, _ tunnel: Tunnel, _ crossing: Crossing, _ namespace: Int,
    _ passage: inout Passage
  ) -> Way {
    var crossing = crossing
    let home =
      map.node(owning: nextHop, otherThan: namespace)?.namespace
      ?? map.podObject(packet.destination).flatMap { map.node(named: $0.node) }
    guard let home, home != namespace else {
      let pod = map.podObject(packet.destination)
      let departure = pod.map { Ending.Departure.node($0.node) } ?? .tunnelEnd(nextHop)
      return .crossing(crossing, depart(departure, packet, namespace, &passage))
    }
    let there = map.namespaces[home]
    guard
      let device = there.snapshot.links?.first(where: {
        $0.isTunnel && $0.kind == map.namespaces[namespace].link(tunnel.device)?.kind
      })
    else {
      return .crossing(
        crossing, .end(passage.ending(.tunnel(.noDevice(tunnel.kind.rawValue)), namespace: home)))
    }
    guard device.up else {
      return .crossing(crossing, .end(passage.ending(.tunnel(.deviceDown(device.name)), namespace: home)))
    }
    crossing.to = side(home, device.name)
    var next = packet
    next.from = device.name
    return .crossing(crossing, leg(next, home, &passage))
  }
}

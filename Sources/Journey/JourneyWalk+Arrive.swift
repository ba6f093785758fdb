import PacketPath
import Snapshot
import Wire

// A packet comes to a socket, or leaves the bundle; and what follows it.
extension JourneyWalk {
  /// Delivered in a namespace. `isProxied`: to a socket that a TPROXY rule chose.
  func arrive(
    _ outcome: Outcome, _ flow: Flow, _ namespace: Int, isProxied: Bool, _ passage: inout Passage
  ) -> Way {
    let packet = Self.packet(flow, after: outcome)
    let here = map.namespaces[namespace]
    switch passage.phase {
    case .request:
      var process: String?
      if flow.ipProtocol.hasPorts, !isProxied {
        switch here.sockets.listener(at: packet.destination, packet.destinationPort, flow.ipProtocol) {
        case .found(let name): process = name
        case .notKnown where outcome.isTranslated || isEndpoint(packet): break
        case .notKnown: return .end(passage.ending(.listenerUnknown, namespace: namespace))
        case let other:
          let silence = silence(ofSocketAt: packet, namespace, passage)
          return .end(passage.ending(silence.map { .speechless($0) } ?? .notListening(other), namespace: namespace))
        }
      }
      // A Pod's own REDIRECT leads to its sidecar; the endpoint is whom the client's side sent it to.
      let isOwnRedirect = here.isPod && outcome.destinationRule != nil
      passage.arrival = Arrival(
        address: isOwnRedirect ? flow.destination : packet.destination,
        port: isOwnRedirect ? flow.destinationPort : packet.destinationPort, place: here.place,
        seenSource: packet.source, seenPort: packet.sourcePort, process: process, socket: packet.destination,
        socketPort: packet.destinationPort, namespace: namespace)
      return answer(&passage)
    case .reply, .furtherReply:
      return takeReply(packet, at: .socket(namespace), namespace, &passage)
    case .furtherRequest:
      guard passage.arrival?.namespace == namespace, passage.arrival?.socket == packet.destination,
        passage.arrival?.socketPort == packet.destinationPort
      else { return .end(passage.ending(.astray, namespace: namespace)) }
      return answer(&passage)
    }
  }

  private func isEndpoint(_ packet: Flow) -> Bool {
    guard let cluster = map.cluster else { return false }
    return cluster.slices.contains { slice in
      slice.ports.contains { $0.port == packet.destinationPort }
        && slice.endpoints.contains { $0.address == packet.destination }
    }
  }

  /// Comes to a Pod whose namespace the bundle does not have.
  func arriveAtPod(_ packet: Flow, _ name: String?, node: Int, _ passage: inout Passage) -> Way {
    let place = Place(node: map.namespaces[node].place.node, pod: name)
    if packet.version == .v4 || !passage.phase.isReply, packet.source == packet.destination {
      // IPv4 takes no packet from itself off the wire; IPv6 takes it, and answers itself.
      if packet.version == .v6 { passage.phase = passage.phase.answered }
      return .end(passage.ending(.ownSource, namespace: node))
    }
    switch passage.phase {
    case .request:
      passage.arrival = Arrival(
        address: packet.destination, port: packet.destinationPort, place: place, seenSource: packet.source,
        seenPort: packet.sourcePort, process: nil, socket: packet.destination, socketPort: packet.destinationPort,
        namespace: nil, behind: node)
      return answer(&passage)
    case .reply, .furtherReply: return takeReply(packet, at: .pod(packet.destination, node: node), node, &passage)
    case .furtherRequest:
      guard passage.arrival?.socket == packet.destination, passage.arrival?.socketPort == packet.destinationPort else {
        return .end(passage.ending(.astray, namespace: node))
      }
      return answer(&passage)
    }
  }

  /// Leaves the bundle.
  func depart(
    _ departure: Ending.Departure, _ packet: Flow, _ namespace: Int, _ passage: inout Passage
  ) -> Way {
    switch passage.phase {
    case .request:
      guard case .outside = departure else { return .end(passage.ending(.left(departure), namespace: namespace)) }
      passage.arrival = Arrival(
        address: packet.destination, port: packet.destinationPort, place: nil, seenSource: packet.source,
        seenPort: packet.sourcePort, process: nil, socket: packet.destination, socketPort: packet.destinationPort,
        namespace: nil, behind: nil)
      return answer(&passage)
    case .reply, .furtherReply:
      guard case .outside(let address) = departure else {
        return .end(passage.ending(.left(departure), namespace: namespace))
      }
      guard passage.client == .outside, address == passage.flow.source else {
        return .end(passage.ending(.astray, namespace: namespace))
      }
      return takeReply(packet, at: .outside, namespace, &passage)
    case .furtherRequest: return answer(&passage)
    }
  }

  /// A reply comes to a host: it is the client's if that waits for one from there.
  private func takeReply(
    _ packet: Flow, at host: Passage.Client, _ namespace: Int, _ passage: inout Passage
  ) -> Way {
    guard host == passage.client else { return .end(passage.ending(.astray, namespace: namespace)) }
    let sent = passage.flow
    if case .error(let packet)? = passage.refusal {
      let isOwn = packet.source == sent.source && packet.destination == sent.destination
      let cause: Ending.Cause =
        isOwn ? .answered : .unexpected(source: packet.destination, port: packet.destinationPort)
      return .end(passage.ending(cause, namespace: namespace))
    }
    let isExpected =
      packet.source == sent.destination && packet.destination == sent.source
      && (!sent.ipProtocol.hasPorts
        || packet.sourcePort == sent.destinationPort && packet.destinationPort == sent.sourcePort)
    guard isExpected else {
      return .end(
        passage.ending(.unexpected(source: packet.source, port: packet.sourcePort), namespace: namespace))
    }
    if passage.refusal != nil { return .end(passage.ending(.answered, namespace: namespace)) }
    guard sent.ipProtocol == .tcp, passage.phase == .reply else { return finish(&passage, namespace) }
    passage.phase = .furtherRequest
    passage.legs = 0
    return further(&passage)
  }

  /// The client's next packet.
  private func further(_ passage: inout Passage) -> Way {
    var flow = passage.flow
    flow.tcpFlags = TCPFlags.push
    switch passage.client {
    case .socket(let namespace):
      flow.from = Flow.local
      return leg(flow, namespace, &passage)
    case .pod, .outside:
      guard let namespace = passage.entrance else { return finish(&passage, passage.last) }
      return leg(flow, namespace, &passage)
    }
  }

  /// From whom the request came to, back to whom that saw.
  func answer(_ passage: inout Passage) -> Way {
    guard let arrival = passage.arrival else { return .end(passage.ending(.listenerUnknown, namespace: passage.last)) }
    // A datagram has to get there before it is answered. How large an answer may be is of interest all the same.
    if passage.phase == .request, passage.flow.ipProtocol != .tcp { passage.tooBig = tooBig(.request, &passage) }
    passage.phase = passage.phase.answered
    passage.legs = 0
    var flow = Flow(
      ipProtocol: passage.flow.ipProtocol, source: arrival.socket, sourcePort: arrival.socketPort,
      destination: arrival.seenSource, destinationPort: arrival.seenPort, from: Flow.local)
    flow.length = passage.flow.length
    if flow.ipProtocol == .tcp { flow.tcpFlags = passage.phase == .reply ? TCPFlags.synAck : TCPFlags.push }
    if flow.ipProtocol.isICMP {
      flow.icmpType = flow.version == .v4 ? 0 : 129
      flow.icmpCode = 0
    }
    if let namespace = arrival.namespace { return leg(flow, namespace, &passage) }
    if let node = arrival.behind {
      guard let interface = podInterface(of: arrival.address, on: node) ?? lastInterface(to: arrival.address, node)
      else {
        return .end(passage.ending(.unknown(.podLink(arrival.place?.pod ?? "")), namespace: node))
      }
      if isSilenced(flow.source, interface, node) {
        return .end(passage.ending(.nobodyAt(Self.calicoGateway), namespace: node))
      }
      if isBeside(flow.destination, on: interface, node),
        !finds(flow.destination, askedBy: flow.source, on: interface, node)
      {
        return .end(passage.ending(.unknown(.linkAddress(flow.destination)), namespace: node))
      }
      flow.from = interface
      flow.isFrame = true
      passage.limit(map.namespaces[node].link(interface)?.mtu, .own, in: node, flow)
      return leg(flow, node, &passage)
    }
    return answerFromOutside(flow, &passage)
  }

  private func lastInterface(to address: IPAddress, _ node: Int) -> String? {
    tracer(node).inputInterface(from: address).flatMap { $0 == Flow.local ? nil : $0 }
  }

  static let calicoGateway = IPAddress(v4: 0xA9FE_0101)

  /// Calico's Pods take 169.254.1.1 for their gateway, which the node answers for only with proxy ARP.
  func isSilenced(_ pod: IPAddress, _ interface: String, _ node: Int) -> Bool {
    pod.version == .v4 && interface.hasPrefix("cali")
      && !answers(Self.calicoGateway, askedBy: pod, on: interface, node)
  }

  /// A host outside answers to the address that it saw; the network brings that to the node which has it.
  private func answerFromOutside(_ flow: Flow, _ passage: inout Passage) -> Way {
    let seen = flow.destination
    if let owner = map.node(owning: seen) {
      let node = map.namespaces[owner.namespace]
      let link = node.link(owner.interface)
      guard link?.isTunnel != true, link?.isBridge != true || node.isOutward(owner.interface) else {
        return .end(passage.ending(.routerUnaware(seen), namespace: passage.last))
      }
      var next = flow
      next.from = owner.interface
      return leg(next, owner.namespace, &passage)
    }
    guard map.isOfPods(seen) else {
      // Nobody of the bundle: whoever it is gets the answer.
      return finish(&passage, passage.last)
    }
    guard map.networkKnowsPods(seen.version), let pod = map.podObject(seen), let home = map.node(named: pod.node),
      let device = map.namespaces[home].defaultDevice(seen.version)
    else { return .end(passage.ending(.routerUnaware(seen), namespace: passage.last)) }
    var next = flow
    next.from = device
    return leg(next, home, &passage)
  }
}

import PacketPath
import Ruleset
import Wire

// A refusal is a packet of its own, a reset or an ICMP error, that has to get back to the client: lost, it is silence.
extension JourneyWalk {
  /// Where the refusal of a rule ends that does not come to the client; nil: it does, or nothing tells.
  func silence(ofRule outcome: Outcome, _ flow: Flow, _ namespace: Int, _ passage: Passage) -> Ending.Silence? {
    // What a socket of the namespace's own sends never leaves it.
    guard passage.phase == .request, !flow.isLocal, !flow.isFrame || !isBridged(outcome, flow, namespace) else {
      return nil
    }
    let resets = outcome.rejectWith == RejectReason.tcpReset.rawValue
    return silence(of: flow, resets: resets, from: namespace, Connection(relatedTo: flow), passage)
  }

  /// Of a kernel whose sockets do not take a packet that came to it.
  func silence(ofSocketAt packet: Flow, _ namespace: Int, _ passage: Passage) -> Ending.Silence? {
    guard packet.source != packet.destination, passage.client != .socket(namespace) else { return nil }
    return silence(of: packet, resets: packet.ipProtocol == .tcp, from: namespace, nil, passage)
  }

  private func silence(
    of packet: Flow, resets: Bool, from namespace: Int, _ connection: Connection?, _ passage: Passage
  ) -> Ending.Silence? {
    guard canAnswer(packet, namespace) else { return Ending.Silence(cause: nil, namespace: namespace) }
    var back = passage
    back.phase = .reply
    back.legs = 0
    back.refusal = resets ? .reset : .error(about: packet)
    let word =
      resets
      ? Flow(
        ipProtocol: .tcp, source: packet.destination, sourcePort: packet.destinationPort, destination: packet.source,
        destinationPort: packet.sourcePort, from: Flow.local)
      : errorMessage(about: packet, from: namespace)
    var first = word
    if resets { first.tcpFlags = TCPFlags.reset | TCPFlags.ack }
    return Self.silence(leg(first, namespace, &back, of: connection))
  }

  /// An ICMP error about a packet, from the address that the kernel takes for it.
  func errorMessage(about packet: Flow, from namespace: Int, tooBig: Bool = false) -> Flow {
    let version = packet.version
    var word = Flow(
      ipProtocol: version == .v4 ? .icmp : .icmpv6,
      source: map.namespaces[namespace].owns(packet.destination)
        ? packet.destination : tracer(namespace).sourceAddress(to: packet.source) ?? packet.source,
      destination: packet.source,
      from: Flow.local)
    switch (version, tooBig) {
    case (.v4, _): (word.icmpType, word.icmpCode) = (3, tooBig ? 4 : 3)
    case (.v6, true): (word.icmpType, word.icmpCode) = (2, 0)
    case (.v6, false): (word.icmpType, word.icmpCode) = (1, 4)
    }
    return word
  }

  /// Nil as soon as it may get there.
  private static func silence(_ way: Way) -> Ending.Silence? {
    switch way {
    case .crossing(_, let next): return silence(next)
    case .leg(let fork):
      var lost: Ending.Silence?
      for branch in fork.branches {
        guard let ending = silence(branch) else { return nil }
        if lost == nil { lost = ending }
      }
      return lost
    case .end(let ending):
      switch ending.cause {
      case .answered, .left, .unknown, .listenerUnknown: return nil
      default: return Ending.Silence(cause: ending.cause, namespace: ending.namespace)
      }
    }
  }

  /// Whether a rule met the packet as a frame of a bridge, which answers by other ways.
  private func isBridged(_ outcome: Outcome, _ flow: Flow, _ namespace: Int) -> Bool {
    outcome.outInterface == flow.from && map.namespaces[namespace].link(flow.from)?.isBridge == true
  }
}

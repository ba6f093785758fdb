import Ruleset
import Snapshot
import Wire

/// What becomes of the answer to a request that arrived.
public enum ReplyPath: Sendable {
  /// It does not come back to this node: the endpoint stands elsewhere and sees the client's own address.
  case bypasses
  /// A Pod that reaches itself sees its own address as the source and takes the packet for forged.
  case hairpinUnmasked
  /// The client and the endpoint are ports of one bridge whose frames do not pass iptables: nothing translates back.
  case bridgedPast(bridge: String)
  /// No rule of the node stops replies, and a route leads back to the client.
  case passes
  /// Walked through this node.
  case walked(Trace)
  /// Not walked: IPVS or eBPF programs translate it back, which is not modelled.
  case notModelled
}

extension PathTracer {
  /// Follows the answer to an outcome that arrives, back to the client.
  public func reply(to outcome: Outcome, of flow: Flow) -> ReplyPath {
    guard outcome.balancer == nil else { return .notModelled }
    let translated = outcome.isTranslated
    if outcome.verdict == .forward, outcome.sourceRule == nil {
      if translated, engine.isSame(flow.source, as: outcome.destination) { return .hairpinUnmasked }
      if translated, let name = outcome.outInterface, name == flow.from, bridgesPast(name, flow) {
        return .bridgedPast(bridge: name)
      }
      // Untranslated packets of others are none of this node's business on the way back: they may come another way.
      if !flow.isLocal, isElsewhere(outcome.destination), clientIsElsewhere(flow) {
        return translated ? .bypasses : .notModelled
      }
    }
    guard outcome.routeKnown, outcome.verdict == .deliver || outcome.outInterface != nil else { return .notModelled }
    return passesUnseen(outcome, flow) ? .passes : .walked(walkReply(outcome, flow))
  }

  /// Whether the reply gets back without a look at its addresses. Asks of the client no more than flows are told apart by.
  private func passesUnseen(_ outcome: Outcome, _ flow: Flow) -> Bool {
    guard !outcome.untracked, outcome.connectionMark == 0, !model.routing.hasCustomRules(flow.version),
      !mayStopReplies(flow.version), model.routing.known(flow.version)
    else { return false }
    if outcome.verdict == .forward {
      let device = engine.interface(Bits128(leftAligned: outcome.outInterface!.utf8))
      // Frames between the ports of a bridge, and devices that do not forward, want a closer look.
      if outcome.outInterface == flow.from, device.isBridge { return false }
      let forwarding = flow.version == .v4 ? device.forwarding4 : device.forwarding6
      guard flow.isLocal || forwarding != 0 else { return false }
    }
    return flow.isLocal || engine.hasWayBack(to: flow.source)
  }

  private func mayStopReplies(_ version: IPVersion) -> Bool {
    if let known = repliesMayStop[version] { return known }
    let answer = engine.mayStopReplies(version)
    repliesMayStop[version] = answer
    return answer
  }

  private func bridgesPast(_ name: String, _ flow: Flow) -> Bool {
    guard model.snapshot.links?.contains(where: { $0.name == name && $0.isBridge }) == true else { return false }
    return (flow.version == .v4 ? model.bridgeCalls4 : model.bridgeCalls6) == 0
  }

  /// Whether an address is reached through other hosts.
  private func isElsewhere(_ address: IPAddress) -> Bool {
    elsewhereDevices(address.version).contains { engine.leads(to: address, through: $0) }
  }

  /// The same of a client; takes note of what was asked.
  private func clientIsElsewhere(_ flow: Flow) -> Bool {
    elsewhereDevices(flow.version).contains { engine.leadsBack(to: flow.source, through: $0) }
  }

  /// The devices behind which other hosts of the cluster and the world beyond it stand: those with a gateway, and tunnels.
  /// Network plugins give Pods of the node itself a link-local gateway that stands for all (Calico's 169.254.1.1).
  private func elsewhereDevices(_ version: IPVersion) -> [Bits128] {
    if let known = devicesElsewhere[version] { return known }
    var names: [String] = (model.snapshot.links ?? []).filter(\.isTunnel).map(\.name)
    for route in model.snapshot.routes ?? []
    where route.type == .unicast && route.destination.address.version == version {
      for hop in route.nextHops {
        guard let name = hop.interface, !names.contains(name) else { continue }
        if route.destination.length == 0 || hop.gateway.map({ !$0.isLinkLocal }) ?? false { names.append(name) }
      }
    }
    let devices = names.map { Bits128(leftAligned: $0.utf8) }
    devicesElsewhere[version] = devices
    return devices
  }

  private func walkReply(_ outcome: Outcome, _ flow: Flow) -> Trace {
    var reply = Flow(
      ipProtocol: flow.ipProtocol, source: outcome.destination, destination: outcome.source,
      from: outcome.verdict == .deliver ? Flow.local : outcome.outInterface ?? Flow.local)
    reply.isFrame = !reply.isLocal
    if flow.ipProtocol.hasPorts {
      reply.sourcePort = outcome.destinationPort
      reply.destinationPort = outcome.sourcePort ?? flow.sourcePort
    }
    if flow.ipProtocol == .tcp { reply.tcpFlags = 0x12 }
    if flow.ipProtocol.isICMP {
      reply.icmpType = flow.version == .v4 ? 0 : 129
      reply.icmpCode = 0
    }
    let connection = Connection(
      client: flow.source.bits, clientPort: flow.sourcePort, frontend: flow.destination.bits,
      frontendPort: flow.destinationPort, endpoint: outcome.destination.bits, endpointPort: outcome.destinationPort,
      seen: outcome.source.bits, seenPort: outcome.sourcePort, mark: outcome.connectionMark,
      isTracked: !outcome.untracked)
    return walk(reply, replyOf: connection)
  }
}

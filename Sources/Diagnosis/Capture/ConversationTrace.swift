import CaptureAnalysis
import PacketPath
import Snapshot
import Wire

/// What the rules of the bundle's nodes do to a conversation that failed.
enum ConversationTrace {
  /// One possible end, on the node where the packet ends its way through the bundle.
  struct Ending {
    var node: JoinedNode
    var flow: Flow
    var outcome: Outcome
    /// Of all connections like this one.
    var share: Double

    var stops: Bool { outcome.verdict != .forward && outcome.verdict != .deliver }
  }

  /// All ends, the likeliest first; empty where no node of the bundle can have seen the conversation.
  static func endings(_ c: FailedConversation, _ nodes: [JoinedNode]) -> [Ending] {
    for node in entries(c, nodes) {
      guard let flow = flow(c, on: node) else { continue }
      let endings = node.tracer.trace(flow).outcomes.flatMap { outcome in
        onward(Ending(node: node, flow: flow, outcome: outcome, share: outcome.probability), nodes)
      }
      if !endings.isEmpty { return endings.sorted { $0.share > $1.share } }
    }
    return []
  }

  /// Where the client's packet can enter: its own node, the node that it is attached to, else the node that owns what
  /// was dialled, else any with a route to the client.
  private static func entries(_ c: FailedConversation, _ nodes: [JoinedNode]) -> [JoinedNode] {
    nodes.map { node -> (JoinedNode, Int) in
      let near = node.nearness(of: c.client)
      // A host on the nodes' own network is attached to all of them: the one it dialled is where it enters.
      let owns = node.nearness(of: c.server) == .own ? 1 : 0
      return (node, near == .unknown ? 0 : near.rawValue * 2 + owns)
    }.filter { $0.1 > 0 }.enumerated()
      .sorted { $0.element.1 != $1.element.1 ? $0.element.1 > $1.element.1 : $0.offset < $1.offset }
      .map(\.element.0)
  }

  private static func flow(_ c: FailedConversation, on node: JoinedNode) -> Flow? {
    let from = node.addresses.contains(c.client) ? Flow.local : node.tracer.inputInterface(from: c.client, to: c.server)
    guard let from else { return nil }
    var flow = Flow(
      ipProtocol: c.proto, source: c.client, sourcePort: c.clientPort, destination: c.server,
      destinationPort: c.serverPort, from: from)
    flow.isFrame = !flow.isLocal
    if c.length > 0 { flow.length = UInt32(clamping: c.length) }
    return flow
  }

  /// A forwarded packet goes on through the node that it is sent to, if the bundle has it.
  private static func onward(_ ending: Ending, _ nodes: [JoinedNode]) -> [Ending] {
    guard ending.outcome.verdict == .forward else { return [ending] }
    let next = nodes.first { node in
      node !== ending.node && node.nearness(of: ending.outcome.destination) >= .attached
        && ending.node.nearness(of: ending.outcome.destination) < .attached
        || node !== ending.node
          && node.addresses.contains(ending.outcome.destination)
    }
    guard let next, let from = next.tracer.inputInterface(from: ending.outcome.source), from != Flow.local else {
      return [ending]
    }
    var flow = Flow(
      ipProtocol: ending.flow.ipProtocol, source: ending.outcome.source,
      sourcePort: ending.outcome.sourcePort ?? ending.flow.sourcePort, destination: ending.outcome.destination,
      destinationPort: ending.outcome.destinationPort, from: from)
    flow.isFrame = true
    flow.length = ending.flow.length
    return next.tracer.trace(flow).outcomes.map {
      Ending(node: next, flow: flow, outcome: $0, share: ending.share * $0.probability)
    }
  }
}

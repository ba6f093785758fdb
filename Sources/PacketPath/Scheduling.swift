import Snapshot

/// Which real servers new connections to a virtual server get (net/netfilter/ipvs/ip_vs_rr.c and its neighbours).
public struct Scheduling: Sendable {
  public struct Choice: Sendable {
    /// Index into the virtual server's real servers; nil: none is found, and the connection is refused.
    public var realServer: Int?
    public var share: Double
  }

  /// In the order of the dump; the shares add up to 1. Empty: no real server has a weight.
  public var choices: [Choice] = []
  /// Why the shares are no probabilities but each choice only possible; nil: they are exact.
  public var reason: String?

  public init(_ server: VirtualServer) {
    let usable = server.realServers.indices.filter { server.realServers[$0].weight > 0 }
    guard !usable.isEmpty else { return }
    switch server.scheduler {
    case "rr": choose(usable) { _ in 1 }
    case "wrr": choose(usable) { server.realServers[$0].weight }
    case "fo":
      let highest = usable.map { server.realServers[$0].weight }.max()!
      choose(usable.filter { server.realServers[$0].weight == highest }) { _ in 1 }
      if choices.count > 1 { reason = "of several with the highest weight the first in the kernel's list gets all" }
    case "sh":
      // A real server of weight 0 keeps its slots of the hash table, and they answer for nobody.
      let refuses = !server.schedulerFlags.contains { $0 == "sh-fallback" || $0 == "flag-1" }
      choose(refuses ? Array(server.realServers.indices) : usable) { max(server.realServers[$0].weight, 1) }
      for index in choices.indices where server.realServers[choices[index].realServer!].weight <= 0 {
        choices[index].realServer = nil
      }
      reason = "a hash of the client's address decides"
    case "mh":
      choose(usable) { server.realServers[$0].weight }
      reason = "a hash of the client's address decides"
    case "dh":
      choose(usable) { _ in 1 }
      reason = "a hash of the virtual address decides"
    case "lblc", "lblcr":
      choose(usable) { _ in 1 }
      reason = "the one that served this address before is kept, and else the connections of the moment decide"
    case "wlc", "sed", "nq", "twos", "ovf":
      choose(usable) { server.realServers[$0].weight }
      reason = "the connections of the moment decide"
    case "lc":
      choose(usable) { _ in 1 }
      reason = "the connections of the moment decide"
    default:
      choose(usable) { server.realServers[$0].weight }
      reason = "scheduler \(server.scheduler) is not modelled"
    }
    if choices.count == 1 { reason = nil }
  }

  /// Drops all but the first so many; their shares add up to 1 again.
  mutating func keep(_ count: Int) {
    choices.removeLast(max(choices.count - count, 0))
    let total = choices.reduce(0) { $0 + $1.share }
    for index in choices.indices { choices[index].share /= total }
  }

  private mutating func choose(_ list: [Int], weight: (Int) -> Int) {
    let total = list.reduce(0.0) { $0 + Double(weight($1)) }
    choices = list.map { Choice(realServer: $0, share: Double(weight($0)) / total) }
  }
}

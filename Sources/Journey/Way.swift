import PacketPath

/// A journey and its alternatives: a tree that forks where a leg has several outcomes.
public indirect enum Way: Sendable {
  case leg(LegFork)
  case crossing(Crossing, Way)
  case end(Ending)
}

/// One namespace's walk of a packet, and how each of its outcomes goes on.
public struct LegFork: Sendable {
  public var namespace: Int
  public var phase: Phase
  /// The packet as it comes.
  public var flow: Flow
  public var trace: Trace
  /// By outcome.
  public var branches: [Way]
}

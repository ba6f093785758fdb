import Ruleset

/// Parts of a ruleset that a walk met and that were not read yet.
public struct UnreadParts: Sendable {
  public var chains: Set<ChainID> = []
  public var sets: Set<SetID> = []
  public init() {}
  public var isEmpty: Bool { chains.isEmpty && sets.isEmpty }
}

/// Where the rest of a ruleset can be read of which a snapshot holds only the declarations: the running kernel's, of
/// which one packet meets a small part.
public protocol RulesetSource: AnyObject, Sendable {
  /// Reads these parts. Where the kernel's rules have changed since, the ruleset is another one afterwards.
  func read(_ parts: UnreadParts, into snapshot: inout Snapshot) throws
}

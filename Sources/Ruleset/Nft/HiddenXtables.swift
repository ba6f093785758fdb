/// nft prints tables of iptables-nft, and of a match or target that its language does not have only that it is there.
extension Ruleset {
  /// Whether the text stands for such a match or target.
  public func isHiddenXtables(_ text: TextID) -> Bool { Self.isHiddenXtables(self[text]) }

  /// Whether some rule has one.
  public var hidesXtables: Bool { texts.contains(where: Self.isHiddenXtables) }

  private static func isHiddenXtables(_ text: String) -> Bool { text.hasPrefix("xt ") }
}

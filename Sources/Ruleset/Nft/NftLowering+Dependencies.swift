import Wire

// The kernel's bytecode spells out what a header needs (`meta l4proto tcp` before a port); nft leaves it out when it
// lists the rule. A reader of bytecode takes such a test back once the header is read: the key then asks for it as if
// it came from text, and all readers yield the same clauses.
extension NftLowering {
  /// The clause that the next one will be.
  public var nextClause: Int { ruleset.clauses.count }

  public mutating func withdrawNetwork(at clause: Int) {
    ruleset.clauses.remove(at: clause)
    knownNetwork =
      switch family {
      case .ip: 2
      case .ip6: 10
      default: 0
      }
  }

  public mutating func withdrawTransport(at clause: Int) {
    ruleset.clauses.remove(at: clause)
    knownTransport = 0
  }
}

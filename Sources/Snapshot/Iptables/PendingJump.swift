import Ruleset

/// A jump whose target is not looked up yet. A dump of a large cluster names a hundred thousand chains, in an order that
/// no cache foresees: looked up in a row, each asks memory for its place some lookups ahead.
struct PendingJump {
  var hash: UInt32
  /// Index of the jump's clause, which gets the chain.
  var clause: UInt32
  var name: UnsafePointer<UInt8>
  var count: UInt32
  var line: UInt32
  /// The name's number, probably; nil: not looked for, or not known.
  var expected: NameID?

  /// At most so many wait; clauses do not move meanwhile. With more, the dump's text that the names stand in would be out of
  /// the nearer caches by then.
  static let limit = 512
}

extension IptablesParser {
  /// Lookups between asking memory for a line and using it.
  private static var ahead: Int { 8 }

  /// Gives the pending jumps their chains; chains that nothing declared yet are made.
  mutating func resolveJumps() {
    let count = pendingJumps.count
    guard count > 0 else { return }
    for index in 0..<count + 3 * Self.ahead {
      if index < count { ruleset.names.prefetchSlot(pendingJumps[index].hash) }
      let (second, third, last) = (index - Self.ahead, index - 2 * Self.ahead, index - 3 * Self.ahead)
      if second >= 0, second < count {
        pendingJumps[second].expected = ruleset.names.prefetchEnd(pendingJumps[second].hash)
      }
      if third >= 0, third < count, let name = pendingJumps[third].expected {
        ruleset.names.prefetchName(name)
        ruleset.prefetchChain(name)
      }
      if last >= 0 { resolve(pendingJumps[last]) }
    }
    pendingJumps.removeAll(keepingCapacity: true)
  }

  @inline(__always) private mutating func resolve(_ jump: PendingJump) {
    let bytes = UnsafeRawBufferPointer(start: jump.name, count: Int(jump.count))
    let name: NameID
    if let expected = jump.expected, ruleset.names.name(expected, equals: bytes) {
      name = expected
    } else {
      name = ruleset.names.intern(bytes, hash: jump.hash)
    }
    let chain: ChainID
    if let known = ruleset.knownChain(name, in: table!) {
      chain = known
    } else {
      chain = ruleset.addChain(name, in: table!)
      jumps.append((chain, Int(jump.line)))
    }
    if case .statement(.goto) = ruleset.clauses[Int(jump.clause)] {
      ruleset.clauses[Int(jump.clause)] = .statement(.goto(chain))
    } else {
      ruleset.clauses[Int(jump.clause)] = .statement(.jump(chain))
    }
  }
}

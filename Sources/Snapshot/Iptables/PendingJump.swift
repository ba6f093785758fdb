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

  /// At most so many wait; clauses do not move meanwhile.
  static let limit = 4096
}

extension IptablesParser {
  /// Gives the pending jumps their chains; chains that nothing declared yet are made.
  mutating func resolveJumps() {
    let count = pendingJumps.count
    guard count > 0 else { return }
    for index in 0..<count + 16 {
      if index < count { ruleset.names.prefetchSlot(pendingJumps[index].hash) }
      let second = index - 8
      if second >= 0, second < count, let name = ruleset.names.prefetchName(pendingJumps[second].hash) {
        ruleset.prefetchChain(name)
      }
      if index >= 16 { resolve(pendingJumps[index - 16]) }
    }
    pendingJumps.removeAll(keepingCapacity: true)
  }

  @inline(__always) private mutating func resolve(_ jump: PendingJump) {
    let bytes = UnsafeRawBufferPointer(start: jump.name, count: Int(jump.count))
    let name = ruleset.names.intern(bytes, hash: jump.hash)
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

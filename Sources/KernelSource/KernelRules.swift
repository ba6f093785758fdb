import Input
import Ruleset
import Snapshot
import Synchronization

/// The running kernel's rules, of which a walk reads what it meets: a packet sees a few chains of a hundred thousand.
final class KernelRules: RulesetSource, @unchecked Sendable {
  private let lock = Mutex(())
  // Guarded by the lock.
  private var source: NftSource
  private let names: InterfaceNames
  private let netns: String?

  init(_ source: NftSource, names: InterfaceNames, netns: String?) {
    self.source = source
    self.names = names
    self.netns = netns
  }

  func read(_ parts: UnreadParts, into snapshot: inout Snapshot) throws {
    try lock.withLock { _ in
      var isAlien = false
      if try source.isCurrent() {
        do {
          try source.readOn(parts, into: &snapshot)
          // Rules changed in between are of another ruleset than the ones read before.
          if try source.isCurrent(), source.opaqueVersions.isEmpty { return }
        } catch is NftSource.AlienTable {
          // What was taken for iptables' is another tool's: all of it is read anew as nft's.
          isAlien = true
        }
      }
      let lazily = !isAlien && source.opaqueVersions.isEmpty
      snapshot.ruleset = Ruleset()
      try Namespace.within(netns) {
        source = try KernelSource.readRules(into: &snapshot, names: names, lazily: lazily)
      }
    }
  }
}

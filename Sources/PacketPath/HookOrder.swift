import Ruleset
import Wire

/// What runs at one hook for packets of one IP version, in order of priority.
struct HookOrder: Sendable {
  enum Entry: Sendable {
    /// A base chain that is not of type nat.
    case chain(ChainID)
    /// Connection tracking assigns an entry.
    case tracking
    /// All nat chains of the hook, in their own order: a range of `natChains`.
    case nat(first: Int32, end: Int32)
    /// IPVS looks for a virtual server.
    case virtualServers
  }

  /// What runs at all hooks, one hook after the other.
  private(set) var entries: [Entry] = []
  private(set) var natChains: [ChainID] = []
  /// By hook (index: `HookOrder.index`): its part of `entries`.
  private(set) var ranges: [Range<Int32>] = []
  /// Of bridges, by hook: what runs behind br_netfilter.
  private(set) var rangesBehind: [Range<Int32>] = []
  /// Legacy and nft chains stand at one priority: their order is not in the dumps.
  var ambiguous = false

  /// The kernel runs base chains by priority; of equal priority the newest first, and the dump lists the oldest first.
  /// All nat chains run where the NAT hook stands, and that hook is as old as the family's first nat chain.
  /// `hasVirtualServers`: IPVS is at work on the node.
  init(_ ruleset: Ruleset, _ version: IPVersion, hasVirtualServers: Bool = false) {
    struct Item {
      var priority: Int
      var age: Int  // greater: newer
      var entry: Entry
    }
    var chains: [(id: ChainID, base: BaseChain, age: Int)] = []
    // Where tables come from several dumps, the order of reading says nothing about their age.
    let ranks = Dictionary(
      zip(ruleset.creationOrder, 1...), uniquingKeysWith: { first, _ in first })
    for (index, chain) in ruleset.chains.enumerated() where chain.base != Chain.notBase {
      let table = ruleset[chain.table]
      guard !table.dormant else { continue }
      switch (table.family, version) {
      case (.ip, .v4), (.ip6, .v6), (.inet, _), (.netdev, _): break
      default: continue
      }
      let rank = table.backend == .iptablesLegacy ? nil : ranks[Ruleset.tableKey(table.family, table.name)]
      let age = (rank ?? 0) << 32 | Int(chain.base)
      chains.append((ChainID(index), ruleset.bases[Int(chain.base)], age))
    }
    let firstNAT = chains.filter { $0.base.type == .nat }.map(\.age).min()
    var byPriority: [Hook: [Int: Set<String>]] = [:]
    for hook in Hook.allCases {
      var items: [Item] = []
      var nat: [(id: ChainID, base: BaseChain, age: Int)] = []
      for chain in chains where chain.base.hook == hook {
        if chain.base.type == .nat {
          nat.append(chain)
        } else {
          items.append(Item(priority: chain.base.priority, age: chain.age, entry: .chain(chain.id)))
          let backend = ruleset[ruleset[chain.id].table].backend
          byPriority[hook, default: [:]][chain.base.priority, default: []].insert(
            backend == .iptablesLegacy ? "legacy" : "nft")
        }
      }
      nat.sort { $0.base.priority != $1.base.priority ? $0.base.priority < $1.base.priority : $0.age > $1.age }
      let natPriority: Int? =
        switch hook {
        case .prerouting, .output: HookPriority.destinationNAT
        case .input, .postrouting: HookPriority.sourceNAT
        default: nil
        }
      // The NAT hook runs even without chains here: a null binding.
      if let natPriority {
        let first = Int32(natChains.count)
        natChains.append(contentsOf: nat.map(\.id))
        let entry = Entry.nat(first: first, end: Int32(natChains.count))
        items.append(Item(priority: natPriority, age: firstNAT ?? -1, entry: entry))
      }
      if hook == .prerouting || hook == .output {
        items.append(Item(priority: HookPriority.conntrack, age: -1, entry: .tracking))
      }
      if hasVirtualServers, hook == .input || hook == .output {
        let priority = hook == .input ? HookPriority.sourceNAT - 1 : HookPriority.destinationNAT + 2
        items.append(Item(priority: priority, age: -1, entry: .virtualServers))
      }
      items.sort { $0.priority != $1.priority ? $0.priority < $1.priority : $0.age > $1.age }
      ranges.append(Int32(entries.count)..<Int32(entries.count + items.count))
      entries.append(contentsOf: items.map(\.entry))
    }
    ambiguous = byPriority.values.contains { $0.values.contains { $0.count > 1 } }
  }

  /// The hooks of bridges. br_netfilter stands at priority 0, and shows IP packets to the hooks of IP there; chains at
  /// that very priority are newer than it, and run before. At postrouting it comes last of all.
  init(bridgeTablesOf ruleset: Ruleset) {
    struct Item {
      var priority: Int
      var age: Int
      var entry: Entry
    }
    let chains = ruleset.chains.enumerated().compactMap { index, chain -> (id: ChainID, base: BaseChain, age: Int)? in
      guard chain.base != Chain.notBase else { return nil }
      let table = ruleset[chain.table]
      guard table.family == .bridge, !table.dormant else { return nil }
      return (ChainID(index), ruleset.bases[Int(chain.base)], Int(chain.base))
    }
    // Tracking is registered with the first rule that asks for it: behind all chains of that table.
    let tracked = chains.first { ruleset.usesTracking(ruleset[$0.id].table) }
    let trackingAge = tracked.flatMap { first in
      chains.filter { ruleset[$0.id].table == ruleset[first.id].table }.map(\.age).max()
    }
    for hook in Hook.allCases {
      var items = chains.filter { $0.base.hook == hook }.map {
        Item(priority: $0.base.priority, age: 2 * $0.age, entry: .chain($0.id))
      }
      if hook == .prerouting, let trackingAge {
        items.append(Item(priority: HookPriority.conntrack, age: 2 * trackingAge + 1, entry: .tracking))
      }
      items.sort { $0.priority != $1.priority ? $0.priority < $1.priority : $0.age > $1.age }
      let first = Int32(entries.count)
      let isDivided = hook == .prerouting || hook == .forward
      let behind = isDivided ? items.prefix { $0.priority <= 0 }.count : items.count
      entries.append(contentsOf: items.map(\.entry))
      ranges.append(first..<first + Int32(behind))
      rangesBehind.append(first + Int32(behind)..<Int32(entries.count))
    }
  }

  static func index(_ hook: Hook) -> Int {
    switch hook {
    case .ingress: 0
    case .prerouting: 1
    case .input: 2
    case .forward: 3
    case .output: 4
    case .postrouting: 5
    case .egress: 6
    }
  }
}

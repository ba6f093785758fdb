import Ruleset
import Snapshot
import Wire

/// A snapshot made ready for walking: hooks in order, routing tables, sets, names. Immutable, shared by threads.
public final class NodeModel: Sendable {
  public let snapshot: Snapshot
  let ruleset: Ruleset
  let order4: HookOrder
  let order6: HookOrder
  let routing: RoutingTables
  let ipsets: IPSetIndex
  /// Nil: the snapshot has no table of IPVS.
  let virtualServers: VirtualServerTable?
  /// Addresses that kube-proxy holds for IPVS.
  let virtualAddresses: Set<Bits128>
  /// Nil: no eBPF frontends in the snapshot.
  public let ebpf: EBPFTable?
  /// Names of ipsets that some rule's SET target changes.
  let changedSets: Set<String>
  /// The rules that do.
  let changingRules: Set<UInt32>
  let links: [String: Link]
  let linksByName: [Bits128: Link]
  let addresses: [String: [InterfaceAddress]]
  /// By chain; nil: scanned.
  let dispatch: [ChainDispatch?]
  /// By set; nil: searched without an index.
  let setIndexes: [SetIndex?]

  /// `indexed`: build indexes for long chains and large sets; pays off from a few dozen flows on.
  public init(_ snapshot: Snapshot, indexed: Bool) {
    self.snapshot = snapshot
    ruleset = snapshot.ruleset
    virtualServers = snapshot.virtualServers.map { VirtualServerTable($0) }
    virtualAddresses = Set(
      (snapshot.addresses ?? []).filter { $0.interface == "kube-ipvs0" && !$0.address.isLinkLocal }.map(\.address.bits))
    ebpf = EBPFTable(snapshot)
    let hasVirtualServers = !(snapshot.virtualServers ?? []).isEmpty || !virtualAddresses.isEmpty
    order4 = HookOrder(snapshot.ruleset, .v4, hasVirtualServers: hasVirtualServers)
    order6 = HookOrder(snapshot.ruleset, .v6, hasVirtualServers: hasVirtualServers)
    routing = RoutingTables(snapshot)
    ipsets = IPSetIndex(snapshot.ipsets)
    var changed: Set<String> = []
    var changing: Set<UInt32> = []
    if !snapshot.ruleset.ipsetTests.isEmpty {
      for (index, rule) in snapshot.ruleset.rules.enumerated() {
        for case .statement(.changeSet(let text)) in snapshot.ruleset.clauses(of: rule) {
          changed.formUnion(snapshot.ruleset[text].split(separator: " ").map(String.init))
          changing.insert(UInt32(index))
        }
      }
    }
    changedSets = changed
    changingRules = changing
    links = Dictionary((snapshot.links ?? []).map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    linksByName = Dictionary(
      (snapshot.links ?? []).map { (Bits128(leftAligned: $0.name.utf8), $0) }, uniquingKeysWith: { a, _ in a })
    addresses = Dictionary(grouping: snapshot.addresses ?? [], by: \.interface)
    let rules = snapshot.ruleset
    dispatch = indexed ? rules.chains.map { ChainDispatch(rules, $0) } : []
    setIndexes = indexed ? rules.sets.map { $0.count > 8 ? SetIndex($0, hashing: true) : nil } : []
  }

  /// Whether an ingress chain is attached to a device.
  func attached(_ chain: ChainID, to device: Bits128) -> Bool {
    ruleset.base(of: chain)?.devices.contains { Bits128(leftAligned: $0.utf8) == device } ?? false
  }

  func order(_ version: IPVersion) -> HookOrder { version == .v4 ? order4 : order6 }

  /// A per-interface sysctl combined as the kernel does for it; nil: not in the snapshot.
  func interfaceSetting(_ version: IPVersion, _ interface: String, _ key: String, combine: (Int, Int) -> Int) -> Int? {
    let family = version == .v4 ? "ipv4" : "ipv6"
    let all = snapshot.sysctlInt("net.\(family).conf.all.\(key)")
    let name = interface.contains(".") ? interface.split(separator: ".").joined(separator: "/") : interface
    let own = snapshot.sysctlInt("net.\(family).conf.\(name).\(key)")
    guard let all, let own else { return own ?? all }
    return combine(all, own)
  }

  /// Text of an interface name held in 128 bits.
  static func name(_ bits: Bits128) -> String {
    String(decoding: bits.bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}

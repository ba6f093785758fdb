import Ruleset
import Snapshot
import Wire

/// A snapshot made ready for walking: hooks in order, routing tables, sets, names. Immutable, shared by threads.
public final class NodeModel: Sendable {
  public let snapshot: Snapshot
  let ruleset: Ruleset
  let order4: HookOrder
  let order6: HookOrder
  let bridgeOrder: HookOrder
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
  /// By name in 128 bits: all interfaces that a link or an address of the snapshot names.
  let interfaces: [Bits128: InterfaceFacts]
  /// The snapshot tells the node's links, or addresses.
  let linksKnown: Bool
  let addressesKnown: Bool
  /// By index in `Ruleset.bases`.
  let bases: [BaseFacts]
  /// By chain; nil: scanned.
  let dispatch: [ChainDispatch?]
  /// By set; nil: searched without an index.
  let setIndexes: [SetIndex?]
  /// bridge-nf-call-iptables and -ip6tables; nil: not in the snapshot.
  let bridgeCalls4: Int?
  let bridgeCalls6: Int?
  let looseTCPTracking: Bool

  /// What the walk asks of a base chain.
  struct BaseFacts: Sendable {
    var policyDrops: Bool
    /// Looks up the route again where it changed a local packet: table mangle's OUTPUT and nft chains of type route.
    var reroutes: Bool
    /// A chain of devices, and the dump names none.
    var lacksDevice: Bool
  }

  /// `indexed`: build indexes for long chains and large sets; pays off from a few dozen flows on.
  public init(_ snapshot: Snapshot, indexed: Bool) {
    self.snapshot = snapshot
    ruleset = snapshot.ruleset
    virtualServers = snapshot.virtualServers.map { VirtualServerTable($0) }
    virtualAddresses = Set(
      (snapshot.addresses ?? []).filter { $0.isOfServiceDevice && !$0.address.isLinkLocal }.map { $0.address.bits })
    ebpf = EBPFTable(snapshot)
    let hasVirtualServers = !(snapshot.virtualServers ?? []).isEmpty || !virtualAddresses.isEmpty
    order4 = HookOrder(snapshot.ruleset, .v4, hasVirtualServers: hasVirtualServers)
    order6 = HookOrder(snapshot.ruleset, .v6, hasVirtualServers: hasVirtualServers)
    bridgeOrder = HookOrder(bridgeTablesOf: snapshot.ruleset)
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
    linksKnown = !(snapshot.links ?? []).isEmpty
    addressesKnown = !(snapshot.addresses ?? []).isEmpty
    interfaces = Self.interfaces(snapshot)
    bases = Self.bases(snapshot.ruleset)
    bridgeCalls4 = Self.bridgeSetting("iptables", snapshot)
    bridgeCalls6 = Self.bridgeSetting("ip6tables", snapshot)
    looseTCPTracking = snapshot.sysctlInt("net.netfilter.nf_conntrack_tcp_loose") != 0
    let rules = snapshot.ruleset
    dispatch =
      indexed ? rules.chains.map { $0.ruleCount < ChainDispatch.minimumRules ? nil : ChainDispatch(rules, $0) } : []
    setIndexes = indexed ? rules.sets.map { $0.count > 8 ? SetIndex($0, hashing: true) : nil } : []
  }

  private static func interfaces(_ snapshot: Snapshot) -> [Bits128: InterfaceFacts] {
    let links = Dictionary((snapshot.links ?? []).map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    let addresses = Dictionary(grouping: snapshot.addresses ?? [], by: \.interface)
    let bridges = Self.bridges(snapshot, links)
    var facts: [Bits128: InterfaceFacts] = [:]
    for name in Set(links.keys).union(addresses.keys) {
      let link = links[name]
      facts[Bits128(leftAligned: name.utf8)] = InterfaceFacts(
        name, snapshot, link: link, addresses: addresses[name] ?? [], bridge: bridges[name],
        isPort: link?.master.map { bridges[$0] != nil } ?? false)
    }
    return facts
  }

  /// The bridges whose ports the snapshot tells. `ip addr` without `-d` prints no kinds: then what veth devices are
  /// enslaved to is one.
  private static func bridges(_ snapshot: Snapshot, _ links: [String: Link]) -> [String: BridgeFacts] {
    let ports = Dictionary(grouping: links.values.filter { $0.master != nil }, by: { $0.master! })
    let isBridge = links.values.filter { link in
      link.kind == "bridge"
        || link.kind == nil && (ports[link.name] ?? []).contains { $0.kind == "veth" || $0.peerIndex != nil }
    }
    guard !isBridge.isEmpty else { return [:] }
    let rulesTellPorts = snapshot.ruleset.tellsBridgePorts
    var bridges: [String: BridgeFacts] = [:]
    for link in isBridge {
      let (name, slaves) = (link.name, ports[link.name] ?? [])
      bridges[name] = BridgeFacts(
        link, ports: slaves.sorted { $0.index < $1.index }, snapshot, rulesTellPorts: rulesTellPorts)
    }
    return bridges
  }

  /// bridge-nf-call-iptables or -ip6tables. A dump of all settings that has none of bridge's is of a kernel without
  /// br_netfilter.
  private static func bridgeSetting(_ name: String, _ snapshot: Snapshot) -> Int? {
    if let value = snapshot.sysctlInt("net.bridge.bridge-nf-call-\(name)") { return value }
    let isWhole = snapshot.sysctl("kernel.pid_max") != nil && snapshot.sysctl("net.core.somaxconn") != nil
    return isWhole ? 0 : nil
  }

  private static func bases(_ ruleset: Ruleset) -> [BaseFacts] {
    var facts = ruleset.bases.map {
      BaseFacts(
        policyDrops: $0.policyDrops, reroutes: $0.type == .route,
        lacksDevice: $0.devices.isEmpty && ($0.hook == .ingress || $0.hook == .egress))
    }
    for chain in ruleset.chains where chain.base != Chain.notBase && ruleset.bases[Int(chain.base)].hook == .output {
      let table = ruleset[chain.table]
      if table.backend != .nft, table.name == "mangle" { facts[Int(chain.base)].reroutes = true }
    }
    for (index, base) in ruleset.bases.enumerated() where base.hook != .output { facts[index].reroutes = false }
    return facts
  }

  /// Whether an ingress or egress chain is attached to a device.
  func attached(_ chain: ChainID, to device: Bits128) -> Bool {
    ruleset.base(of: chain)?.devices.contains { Bits128(leftAligned: $0.utf8) == device } ?? false
  }

  /// Text of an interface name held in 128 bits.
  static func name(_ bits: Bits128) -> String {
    withUnsafeBytes(of: (bits.high.bigEndian, bits.low.bigEndian)) { bytes in
      String(decoding: bytes[..<(bytes.firstIndex(of: 0) ?? bytes.count)], as: UTF8.self)
    }
  }
}

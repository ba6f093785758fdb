import Snapshot
import Wire

/// What the walk asks of one interface, looked up once: sysctls stand under long names.
final class InterfaceFacts: Sendable {
  let name: String
  let link: Link?
  let addresses: [InterfaceAddress]
  // Settings as the kernel combines `all` with the interface's own; nil: not in the snapshot.
  let forwarding4: Int?
  let forwarding6: Int?
  let reversePathFilter: Int?
  let acceptsLocal: Bool
  let routesLoopback: Bool
  let validatesMark: Bool
  /// Of a bridge whose ports the snapshot tells.
  let bridge: BridgeFacts?
  /// The bridge that it is a port of; zero: none.
  let master: Bits128

  init(
    _ name: String, _ snapshot: Snapshot, link: Link?, addresses: [InterfaceAddress], bridge: BridgeFacts? = nil,
    isPort: Bool = false
  ) {
    self.name = name
    self.link = link
    self.bridge = bridge
    master = isPort ? link?.master.map { Bits128(leftAligned: $0.utf8) } ?? .zero : .zero
    self.addresses = addresses
    // sysctl prints the dots of an interface's name as slashes.
    let key = name.contains(".") ? name.split(separator: ".").joined(separator: "/") : name
    func setting(_ family: String, _ setting: String, combine: (Int, Int) -> Int) -> Int? {
      let all = snapshot.sysctlInt("net.\(family).conf.all.\(setting)")
      let own = snapshot.sysctlInt("net.\(family).conf.\(key).\(setting)")
      guard let all, let own else { return own ?? all }
      return combine(all, own)
    }
    forwarding4 = setting("ipv4", "forwarding") { $1 } ?? snapshot.sysctlInt("net.ipv4.ip_forward")
    forwarding6 = setting("ipv6", "forwarding") { all, _ in all }
    reversePathFilter = setting("ipv4", "rp_filter") { max($0, $1) }
    acceptsLocal = setting("ipv4", "accept_local") { $0 | $1 } == 1
    routesLoopback = setting("ipv4", "route_localnet") { $0 | $1 } == 1
    validatesMark = setting("ipv4", "src_valid_mark") { $0 | $1 } == 1
  }

  var isBridge: Bool { bridge != nil || link?.kind == "bridge" }
}

/// Facts of interfaces met lately: a name's hash chooses its place. Of an interface that the snapshot does not have,
/// its settings for all are known. Serves one thread.
final class InterfaceCache {
  private let node: NodeModel
  private var recent: [(name: Bits128, facts: InterfaceFacts)]

  init(_ node: NodeModel) {
    self.node = node
    let nothing = InterfaceFacts("", node.snapshot, link: nil, addresses: [])
    recent = Array(repeating: (.zero, nothing), count: 64)
  }

  subscript(name: Bits128) -> InterfaceFacts {
    let slot = Int(truncatingIfNeeded: ((name.high ^ name.low) &* 0x9E37_79B9_7F4A_7C15) >> 58)
    if recent[slot].name == name { return recent[slot].facts }
    let facts = node.interfaces[name] ?? InterfaceFacts(NodeModel.name(name), node.snapshot, link: nil, addresses: [])
    recent[slot] = (name, facts)
    return facts
  }
}

import Input
import Ruleset
import Wire

/// All that is known of one node at one time. A fact that no dump told is nil, which is not the same as empty: the
/// walk names what it had to assume.
public struct Snapshot: Sendable {
  /// The node's name: its folder or archive, or what the objects or a manifest say.
  public var name: String
  public var ruleset = Ruleset()
  /// A dump of rules was read, be it an empty one, or the kernel was asked: without tables there are then no rules.
  public var rulesRead = false
  public var rulesKnown: Bool { rulesRead || !ruleset.tables.isEmpty }
  /// Where chains and sets come from that are declared in `ruleset` and not read; nil: all are read.
  public var unreadRules: (any RulesetSource)?
  public var links: [Link]?
  public var addresses: [InterfaceAddress]?
  public var routes: [Route]?
  public var routingRules: [RoutingRule]?
  public var neighbours: [Neighbour]?
  public var forwardingEntries: [ForwardingEntry]?
  public var wireGuards: [WireGuard]?
  /// Keys with dots, as `sysctl -a` prints them.
  public var sysctls: [String: String] = [:]
  public var sysctlPlaces: [String: FilePlace] = [:]
  public var ipsets: [IPSet]?
  public var connections: [ConnectionEntry]?
  /// `conntrack -S`: one dictionary a CPU.
  public var connectionStatistics: [[String: Int]]?
  /// Of the first of them.
  public var connectionStatisticsPlace = FilePlace()
  public var sockets: [SocketEntry]?
  /// The protocols of which `sockets` has all: a listing without any of one may not have asked for it.
  public var socketProtocols: Set<IPProtocol> = []
  public var virtualServers: [VirtualServer]?
  public var virtualConnections: [VirtualConnection]?
  /// What Cilium's eBPF programs serve, from one or both of its tables.
  public var ebpfFrontends: [EBPFFrontend]?
  /// Where the list of sockets begins: what is not in it is not there.
  public var socketsPlace = FilePlace()
  /// Lines of dmesg.
  public var kernelLog: [String]?
  /// Of each of these lines.
  public var kernelLogPlaces: [FilePlace] = []
  /// Configuration, logs and lists of the node and its Pods.
  public var files = NodeFiles()
  public var diagnostics = Diagnostics()
  /// What was handed over and is not, or not wholly, in the snapshot. Nothing may be concluded from the absence of what it
  /// may hold: see `hasUnreadRules`.
  public var unread: [UnreadPart] = []
  /// Rules were handed over that are not, or not all, in `ruleset`: that no rule takes a packet proves nothing then.
  public var hasUnreadRules: Bool { unread.contains { $0.content == .rules } }
  /// Tables of iptables that may have rules and were not among those that commands printed one by one.
  public var tablesNotGiven: [IPVersion: [String]] = [:]
  /// Files that belong to the snapshot and that no reader knows, with the reason; Kubernetes objects among them are
  /// listed in `objectFiles`.
  public var unrecognised: [String] = []
  /// Files that hold Kubernetes objects, for the Intent reader.
  public var objectFiles: [SourceFile] = []
  /// Network namespaces of Pods on the node, named `NAMESPACE/NAME`: a folder below `pods` each.
  public var pods: [Snapshot] = []
  /// Names of routing tables that are not known everywhere (`/etc/iproute2/rt_tables`), by the number that stands for them.
  public var routingTableNames: [UInt32: String] = [:]

  public init(name: String) { self.name = name }

  public func sysctl(_ key: String) -> String? { sysctls[key] }
  public func sysctlInt(_ key: String) -> Int? { sysctls[key].flatMap { Int($0) } }

  public func link(named name: String) -> Link? { links?.first { $0.name == name } }
}

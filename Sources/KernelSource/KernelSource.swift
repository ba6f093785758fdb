import CMnl
import Glibc
import Input
import Ruleset
import Snapshot
import Wire

/// The running kernel as a snapshot: the same facts as a folder of dumps, read over netlink and from /proc. What cannot
/// be read is a diagnostic that names the missing capability or the missing tool; the rest is kept.
public enum KernelSource {
  /// `netns`: a name of `ip netns`, a process's number, or a path; nil: the namespace of the caller. `lazily`: of nf_tables
  /// only what every packet meets is read, and the rest when a walk asks for it.
  public static func read(netns: String? = nil, name: String? = nil, lazily: Bool = false) throws -> Snapshot {
    try Namespace.within(netns) {
      var snapshot = Snapshot(name: name ?? netns ?? hostName())
      readFacts(into: &snapshot, netns: netns, lazily: lazily)
      return snapshot
    }
  }

  public static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, 255) == 0 else { return "node" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func attempt(_ what: String, _ snapshot: inout Snapshot, _ body: (inout Snapshot) throws -> Void) {
    do { try body(&snapshot) } catch {
      snapshot.diagnostics.add(Diagnostic(.warning, file: what, .whole, "cannot be read: \(error)"))
    }
  }

  private static func readFacts(into snapshot: inout Snapshot, netns: String?, lazily: Bool) {
    var names = InterfaceNames()
    attempt("rtnetlink", &snapshot) { snapshot in
      let socket = try NetlinkSocket(NETLINK_ROUTE)
      let (links, known) = try LinkSource.read(socket)
      names = known
      snapshot.links = links
      snapshot.addresses = try AddressSource.read(socket, links, known)
      snapshot.routes = try RouteSource.read(socket, known)
      snapshot.routingRules = try RoutingRuleSource.read(socket)
      snapshot.neighbours = try NeighbourSource.read(socket, known)
      snapshot.forwardingEntries = try NeighbourSource.readForwarding(socket, known)
    }
    snapshot.sysctls = ProcSource.sysctls()
    snapshot.sockets = ProcSource.sockets()
    snapshot.socketProtocols = [.tcp, .udp]
    attempt("nf_tables", &snapshot) { snapshot in
      let source = try readRules(into: &snapshot, names: names, lazily: lazily)
      snapshot.rulesRead = true
      if lazily { snapshot.unreadRules = KernelRules(source, names: names, netns: netns) }
    }
    attempt("conntrack", &snapshot) { snapshot in
      let socket = try NetlinkSocket(NETLINK_NETFILTER)
      snapshot.connections = try ConnectionSource.read(socket)
      snapshot.connectionStatistics = try? ConnectionSource.statistics(socket)
    }
    attempt("ipset", &snapshot) { snapshot in try IPSetSource.read(into: &snapshot) }
    attempt("IPVS", &snapshot) { snapshot in
      snapshot.virtualServers = try VirtualServerSource.read()
      if snapshot.virtualServers == nil {
        snapshot.diagnostics.add(Diagnostic(.note, file: "IPVS", .whole, "this kernel has none (ip_vs is not loaded)"))
        snapshot.virtualServers = []
      }
    }
    snapshot.ruleset.finish()
  }

  /// The rules of nf_tables and xtables.
  static func readRules(into snapshot: inout Snapshot, names: InterfaceNames, lazily: Bool) throws -> NftSource {
    defer {
      XtablesSource.readLegacy(into: &snapshot)
      snapshot.ruleset.finish()
    }
    let before = snapshot
    let source = try NftSource.read(into: &snapshot, names: names, lazily: lazily)
    let versions = source.opaqueVersions
    if versions.isEmpty { return source }
    // xtables' own tool knows extensions that are not decoded here.
    var other = before
    let rest = try NftSource.read(into: &other, names: names, skipping: versions, lazily: lazily)
    for version in versions where !XtablesSource.readNft(version, into: &other) { return source }
    snapshot = other
    return rest
  }
}

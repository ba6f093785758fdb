import CMnl
import Glibc
import Input
import Ruleset
import Snapshot
import Wire

/// Rules of xtables. Tables of iptables-nft whose extensions the kernel lists as opaque bytes come from
/// iptables-nft-save, legacy tables from iptables-legacy-save, where these tools are installed.
enum XtablesSource {
  static func read(into snapshot: inout Snapshot, names: InterfaceNames) {
    replaceCompatTables(&snapshot, names)
    for version in [IPVersion.v4, .v6] {
      let program = version == .v4 ? "iptables" : "ip6tables"
      // The kernel lists the legacy tables that are in use; asking iptables for others would create them.
      guard let tables = ProcSource.read("/proc/thread-self/net/\(version == .v4 ? "ip" : "ip6")_tables_names"),
        !tables.isEmpty
      else { continue }
      run(
        "\(program)-legacy-save", version, .iptablesLegacy, &snapshot,
        else: "legacy tables (\(tables.split(separator: "\n").joined(separator: ", "))) are not read")
    }
  }

  private static func run(
    _ tool: String, _ version: IPVersion, _ backend: Backend, _ snapshot: inout Snapshot, else consequence: String
  ) {
    do {
      let file = try Tool.run([tool], seconds: 120)
      IptablesSaveReader.read(
        file, range: 0..<file.bytes.count, version: version, backend: backend, into: &snapshot)
    } catch {
      snapshot.diagnostics.add(Diagnostic(.warning, file: tool, .whole, "\(error); \(consequence)"))
    }
  }

  /// Reads the tables again that iptables-nft wrote, through its own tool.
  private static func replaceCompatTables(_ snapshot: inout Snapshot, _ names: InterfaceNames) {
    let owned = snapshot.ruleset.tables.filter { $0.backend == .iptablesNft && ($0.family == .ip || $0.family == .ip6) }
    guard !owned.isEmpty else { return }
    let builtin: Set<String> = ["filter", "nat", "mangle", "raw", "security"]
    var skipping: Set<String> = []
    for (family, tool) in [(Family.ip, "iptables-nft-save"), (.ip6, "ip6tables-nft-save")]
    where owned.contains(where: { $0.family == family }) && Tool.find(tool) != nil {
      for table in snapshot.ruleset.tables where table.family == family && builtin.contains(table.name) {
        skipping.insert("\(family.rawValue) \(table.name)")
      }
    }
    guard !skipping.isEmpty else { return }
    var fresh = snapshot
    fresh.ruleset = Ruleset()
    fresh.diagnostics = Diagnostics()
    do { try NftSource.read(into: &fresh, names: names, skipping: skipping) } catch { return }
    for (family, version, tool) in [
      (Family.ip, IPVersion.v4, "iptables-nft-save"), (.ip6, .v6, "ip6tables-nft-save"),
    ] where skipping.contains(where: { $0.hasPrefix(family.rawValue + " ") }) {
      do {
        let file = try Tool.run([tool], seconds: 120)
        IptablesSaveReader.read(
          file, range: 0..<file.bytes.count, version: version, backend: .iptablesNft, into: &fresh)
      } catch {
        // Opaque rules are better than none.
        snapshot.diagnostics.add(Diagnostic(.warning, file: tool, .whole, "\(error)"))
        return
      }
    }
    snapshot.ruleset = fresh.ruleset
    var kept = Diagnostics()
    for diagnostic in snapshot.diagnostics.list where diagnostic.file != "nf_tables" { kept.add(diagnostic) }
    kept.add(contentsOf: fresh.diagnostics)
    snapshot.diagnostics = kept
  }
}

/// ipsets: named over netlink, so that a kernel without any needs no tool; their elements through `ipset save`.
enum IPSetSource {
  static func read(into snapshot: inout Snapshot) throws {
    var names: [String] = []
    do {
      let socket = try NetlinkSocket(NETLINK_NETFILTER)
      // NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_LIST; IPSET_ATTR_PROTOCOL, IPSET_ATTR_FLAGS = names only.
      var payload: [UInt8] = [2, 0, 0, 0]
      payload.appendAttribute(1, [6])
      payload.appendAttribute(8 | 0x4000, [0, 0, 0, 2])
      try socket.dump("ipsets", type: 0x607, payload: payload) { type, message in
        if type == NetlinkSocket.restarted {
          names = []
          return
        }
        if let name = Attributes(message, after: 4)[2]?.string { names.append(name) }
      }
    } catch let error as NetlinkError where error.code != EPERM {
      snapshot.ipsets = []
      return
    }
    if names.isEmpty {
      snapshot.ipsets = []
      return
    }
    let file = try Tool.run(["ipset", "save"], seconds: 60)
    IPSetReader.read(file, into: &snapshot)
  }
}

import CMnl
import Glibc
import Input
import Ruleset
import Snapshot
import Wire

/// Rules of xtables through its own tools, where these are installed: legacy tables, and tables of iptables-nft with
/// extensions that are not decoded.
enum XtablesSource {
  /// Legacy tables.
  static func readLegacy(into snapshot: inout Snapshot) {
    for version in [IPVersion.v4, .v6] {
      let program = version == .v4 ? "iptables" : "ip6tables"
      // The kernel lists the legacy tables that are in use; asking iptables for others would create them.
      guard let tables = ProcSource.read("/proc/thread-self/net/\(version == .v4 ? "ip" : "ip6")_tables_names"),
        !tables.isEmpty
      else { continue }
      _ = run(
        "\(program)-legacy-save", version, .iptablesLegacy, &snapshot,
        else: "legacy tables (\(tables.split(separator: "\n").joined(separator: ", "))) are not read")
    }
  }

  static func nftTool(_ version: IPVersion) -> String { version == .v4 ? "iptables-nft-save" : "ip6tables-nft-save" }

  /// All tables of iptables-nft of a version. False: the tool failed.
  static func readNft(_ version: IPVersion, into snapshot: inout Snapshot) -> Bool {
    run(nftTool(version), version, .iptablesNft, &snapshot, else: "some extensions of its rules are not decoded")
  }

  private static func run(
    _ tool: String, _ version: IPVersion, _ backend: Backend, _ snapshot: inout Snapshot, else consequence: String
  ) -> Bool {
    do {
      let file = try Tool.run([tool], seconds: 120)
      IptablesSaveReader.read(
        file, version: version, backend: backend, into: &snapshot)
      return true
    } catch {
      snapshot.diagnostics.add(Diagnostic(.warning, file: tool, .whole, "\(error); \(consequence)"))
      return false
    }
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
      payload.appendAttribute(6 | 0x4000, [0, 0, 0, 2])
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

import Findings
import Intent
import Ruleset
import Snapshot
import Wire

/// The snapshot has no rules of an IP version that Services have addresses of, or not all: what the node does with them
/// cannot be told.
enum RuleDumpMissing: Check {
  static let id = "rule-dump-missing"

  /// Whether some whole dump speaks of packets of that version, or something else than rules translates them.
  static func hasRules(_ snapshot: Snapshot, _ version: IPVersion) -> Bool {
    let tables = snapshot.ruleset.tables(of: version)
    return !tables.isEmpty && !tables.contains(where: \.isCut) && hidingTable(snapshot, version) == nil
      || snapshot.virtualServers != nil || snapshot.ebpfFrontends != nil
  }

  /// The table of kube-proxy's iptables mode, where nft printed it: it leaves out what is no match or statement of its
  /// own: comments, `recent`, and often DNAT and MASQUERADE.
  private static func hidingTable(_ snapshot: Snapshot, _ version: IPVersion) -> Table? {
    let ruleset = snapshot.ruleset
    guard ruleset.hidesXtables else { return nil }
    return ruleset.chains.indices.lazy.map { ChainID($0) }.first {
      let table = ruleset[ruleset[$0].table]
      return table.name == "nat" && table.family == (version == .v4 ? .ip : .ip6) && ruleset.isKubeProxys($0)
        && ruleset.hidesParts($0)
    }.map { ruleset[ruleset[$0].table] }
  }

  /// Why there are none. nftables mode writes one table a version.
  private static func absence(_ snapshot: Snapshot, _ version: IPVersion, _ tool: String) -> String {
    let other = snapshot.ruleset.tables.first {
      $0.backend == .nft && $0.name == "kube-proxy" && $0.family == (version == .v4 ? .ip6 : .ip)
    }
    guard let other else {
      return "no output of \(tool) or nft list ruleset was given for this node, or none that could be read"
    }
    let family: Family = version == .v4 ? .ip : .ip6
    return
      "\(snapshot.ruleset.files[Int(other.file)].name) has table \(other.family.rawValue) kube-proxy and no table \(family.rawValue) kube-proxy ← only a part of the ruleset was listed, or kube-proxy serves \(version == .v4 ? "IPv6" : "IPv4") alone here"
  }

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.filter { $0.pod == nil }.flatMap { node in
      node.withoutRules.map { version in
        let cut = node.snapshot.ruleset.tables(of: version).first(where: \.isCut)
        let hiding = hidingTable(node.snapshot, version)
        let tool = version == .v4 ? "iptables-save" : "ip6tables-save"
        return Finding(
          id: id, severity: .warning, confidence: .certain, subject: node.subject,
          problem:
            "the \(version == .v4 ? "IPv4" : "IPv6") addresses of Services were not traced on \(node.name): \(cut == nil && hiding == nil ? "the snapshot has no such rules" : "its rules were read only in part")",
          cause: hiding.map {
            "\(node.snapshot.ruleset.files[Int($0.file)].name) is nft's print of iptables' table \($0.name), which leaves out matches and targets (recent, DNAT, MASQUERADE …)"
          } ?? cut.map {
            "\(node.snapshot.ruleset.files[Int($0.file)].name) ends inside table \($0.name): what is missing from it may be on the node"
          } ?? absence(node.snapshot, version, tool),
          fix: [
            hiding != nil
              ? .command("\(tool) -c > \("\(tool).txt")", why: "on the node, then add it to the snapshot")
              : .command(
                "\(tool) -c > \("\(tool).txt"); nft list ruleset > nft-ruleset.txt",
                why: "on the node, then \(cut == nil ? "add them to the snapshot" : "take them instead")")
          ],
          verify: [node.servicesCommand])
      }
    }
  }
}

import Findings
import Intent
import Ruleset
import Snapshot
import Wire

/// The snapshot has no rules of an IP version that Services have addresses of: what the node does with them cannot be told.
enum RuleDumpMissing: Check {
  static let id = "rule-dump-missing"

  /// Whether some dump speaks of packets of that version, or something else than rules translates them.
  static func hasRules(_ snapshot: Snapshot, _ version: IPVersion) -> Bool {
    let own: Family = version == .v4 ? .ip : .ip6
    return snapshot.ruleset.tables.contains { $0.family == own || $0.family == .inet }
      || snapshot.virtualServers != nil || snapshot.ebpfFrontends != nil
  }

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in
      node.withoutRules.map { version in
        let tool = version == .v4 ? "iptables-save" : "ip6tables-save"
        return Finding(
          id: id, severity: .warning, confidence: .certain, subject: node.subject,
          problem:
            "the \(version == .v4 ? "IPv4" : "IPv6") addresses of Services were not traced on \(node.name): the snapshot has no such rules",
          cause: "no output of \(tool) or nft list ruleset was given for this node, or none that could be read",
          fix: [
            "\(tool) -c > \(tool).txt; nft list ruleset > nft-ruleset.txt   # on the node, then add them to the snapshot"
          ],
          verify: ["kubepath services   (on \(node.name))"])
      }
    }
  }
}

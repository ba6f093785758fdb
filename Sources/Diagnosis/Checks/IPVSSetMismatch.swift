import Findings
import Input
import Intent
import Snapshot
import Wire

/// An ipset of kube-proxy's IPVS mode does not hold what the cluster's objects ask for: masquerading, policy Local and
/// the filter of virtual addresses go by these sets.
enum IPVSSetMismatch: Check {
  static let id = "ipvs-set-mismatch"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in
      node.setMismatches.map { finding($0, node.snapshot.ipsets![$0.set], node) }
    }
  }

  private static func finding(_ mismatch: ProxySets.Mismatch, _ set: IPSet, _ node: NodeContext) -> Finding {
    let extra = mismatch.extra
    let missing = mismatch.missing.map(\.description).sorted()
    let name = escaped(set.name)
    var parts: [String] = []
    if !missing.isEmpty { parts.append("lacks \(list(missing))") }
    if !extra.isEmpty { parts.append("holds \(list(extra.map(\.member.description))), which no Service asks for") }
    let file = node.snapshot.fileName(set.file)
    return Finding(
      id: id, severity: missing.isEmpty ? .warning : .error, confidence: .certain,
      subject: Finding.Subject(kind: "IPSet", name: name, node: node.name),
      problem: "ipset \(name) on \(node.name) is out of step with the Services: \(effect(set.name))",
      cause: "it \(parts.joined(separator: ", and ")) ← kube-proxy is behind, or the set was changed by hand",
      evidence: extra.isEmpty
        ? [Finding.Evidence(file: file, line: set.line > 0 ? set.line : nil, text: "\(set.elements.count) elements")]
        : extra.prefix(3).map {
          Finding.Evidence(file: file, line: $0.line > 0 ? $0.line : nil, text: "add \(name) \($0.member)")
        },
      fix: [node.restartKubeProxy],
      verify: ["ipset list \(name)"])
  }

  private static func list(_ texts: [String]) -> String {
    texts.prefix(3).joined(separator: " ") + (texts.count > 3 ? " and \(texts.count - 3) more" : "")
  }

  /// What a wrong element does.
  private static func effect(_ name: String) -> String {
    if name.hasSuffix("LOOP-BACK") { return "Pods that pick themselves get no answer" }
    if name.hasSuffix("-IPVS-IPS") { return "ports of the node itself are reachable at virtual addresses" }
    if name.hasSuffix("HEALTH-CHECK-NODE-PORT") { return "a load balancer's probe may be refused" }
    if name.contains("LOCAL") { return "client addresses of policy Local are lost" }
    return "connections are refused, or not masqueraded"
  }
}

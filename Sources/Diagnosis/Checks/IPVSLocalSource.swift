import Findings
import Ruleset
import ServiceMap
import Wire

/// The route to an address of kube-ipvs0 is local, so the node's own packets to a Service start with the Service's
/// address as source; unless they are masqueraded, the endpoint answers an address that every node holds.
enum IPVSLocalSource: Check {
  static let id = "ipvs-local-source"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in
      node.planes.compactMap { plane -> Finding? in
        guard plane.mode == .ipvs, let chain = plane.chain("KUBE-SERVICES", "nat") else { return nil }
        let own = Set((node.snapshot.addresses ?? []).filter { $0.interface == "kube-ipvs0" }.map(\.address))
        let clusterIPs = context.intent.services.filter(\.isProxied).flatMap(\.clusterIPs)
          .filter { $0.version == plane.family.version && own.contains($0) }
        guard let example = clusterIPs.min() else { return nil }
        let ruleset = plane.ruleset
        let marking = ruleset.rules(of: chain).filter { id in marks(id, ruleset) }
        let uncovered = clusterIPs.filter { address in
          !marking.contains { id in
            let rule = RuleFacts(id, in: ruleset)
            return rule.excludedSource.map { !$0.contains(address) } ?? true
          }
        }
        guard !uncovered.isEmpty else { return nil }
        return Finding(
          id: id, severity: .error, confidence: .likely,
          subject: node.subject,
          problem:
            "\(node.name) itself and its hostNetwork Pods do not reach \(uncovered.count) ClusterIPs, e.g. \(uncovered.min() ?? example)",
          cause: marking.isEmpty
            ? "no rule marks packets to KUBE-CLUSTER-IP for masquerading, and they leave with the Service's own address as source"
            : "the range that counts as Pods covers the Service's own address, which is the source of such packets",
          evidence: marking.first.map { context.evidence($0, node) } ?? [],
          fix: [
            .advice("set clusterCIDR in kube-proxy's configuration to the Pods' range and nothing else"),
            node.restartKubeProxy,
          ],
          verify: ["iptables -t nat -S KUBE-SERVICES | grep KUBE-CLUSTER-IP"], reference: "kubernetes/kubernetes#65158")
      }
    }
  }

  /// Marks packets to ClusterIPs: `… --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ`.
  private static func marks(_ id: RuleID, _ ruleset: Ruleset) -> Bool {
    let asks = ruleset.clauses(of: ruleset[id]).contains { clause in
      guard case .match(let match) = clause, case .ipset(let operand) = match.test else { return false }
      return ["KUBE-CLUSTER-IP", "KUBE-6-CLUSTER-IP"].contains(ruleset.ipsetTests[Int(operand.index)].name)
    }
    let facts = RuleFacts(id, in: ruleset)
    return asks && (facts.setsMark != 0 || facts.target.map { ruleset.name(of: $0) == "KUBE-MARK-MASQ" } ?? false)
  }
}

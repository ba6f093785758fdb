import Findings
import Ruleset

/// Rules of another kube-proxy mode are still in place.
enum ModeLeftovers: Check {
  static let id = "mode-leftovers"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let ruleset = node.snapshot.ruleset
      let iptables = ruleset.chains.count { $0.ruleCount > 0 && ruleset.names.name($0.name, hasPrefix: "KUBE-SVC-") }
      let nftables = ruleset.chains.count {
        $0.ruleCount > 0 && ruleset.names.name($0.name, hasPrefix: "service-") && ruleset[$0.table].name == "kube-proxy"
      }
      let ipvs = node.snapshot.virtualServers?.count ?? 0
      var modes: [String] = []
      if iptables > 0 { modes.append("\(iptables) iptables Service chains") }
      if nftables > 0 { modes.append("\(nftables) nftables Service chains") }
      if ipvs > 0 { modes.append("\(ipvs) IPVS virtual servers") }
      guard modes.count > 1 else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .certain,
        subject: node.subject,
        problem: "\(node.name) holds the rules of \(modes.count) kube-proxy modes at once",
        cause: "kube-proxy's mode was changed without cleaning up ← \(modes.joined(separator: ", "))",
        evidence: modes.map { Finding.Evidence(text: $0) },
        fix: [.advice("run kube-proxy --cleanup on the node, then restart kube-proxy")],
        verify: [node.checkCommand("mode-leftovers")],
        reference: "kubernetes/kubernetes#102314")
    }
  }
}

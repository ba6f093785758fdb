import Findings

/// route_localnet is on without the rule that keeps others from 127.0.0.1.
enum LocalhostNodePort: Check {
  static let id = "localhost-node-port"

  static func run(_ context: CheckContext) -> [Finding] {
    // Without localhost NodePorts kube-proxy leaves KUBE-FIREWALL empty, and the kernel drops such packets by itself.
    let missing = context.missingRules(id, reference: "kubernetes/kubernetes#90259") { _, node in
      node.snapshot.sysctlInt("net.ipv4.conf.all.route_localnet") == 1
    }
    let told = Set(missing.compactMap(\.subject.node))
    return missing
      + context.nodes.compactMap { node in
        let ruleset = node.snapshot.ruleset
        guard !node.isIPVS, !told.contains(node.name),
          node.snapshot.sysctlInt("net.ipv4.conf.all.route_localnet") == 1
        else { return nil }
        let protected = ruleset.rules.contains { rule in
          let text = ruleset.sourceText(of: rule)
          return text.contains("127.0.0.0/8") && (text.contains("DROP") || text.contains("drop"))
        }
        guard !protected,
          ruleset.chains.contains(where: { ruleset.names[$0.name].hasPrefix("KUBE-SVC-") && $0.ruleCount > 0 })
        else { return nil }
        return Finding(
          id: id, severity: .info, confidence: .likely,
          subject: node.subject,
          problem: "hosts on the same network can reach services that listen on 127.0.0.1 of \(node.name)",
          cause:
            "net.ipv4.conf.all.route_localnet is 1 and no rule drops outside packets to 127.0.0.0/8 (CVE-2020-8558)",
          fix: [
            .command(
              "iptables -I INPUT ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
            )
          ], verify: ["iptables-save -t filter | grep 127.0.0.0/8"])
      }
  }
}

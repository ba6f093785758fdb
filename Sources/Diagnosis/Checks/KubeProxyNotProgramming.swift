import Findings

/// No Service of the cluster is in a node's rules at all.
enum KubeProxyNotProgramming: Check {
  static let id = "kube-proxy-not-programming"

  static func run(_ context: CheckContext) -> [Finding] {
    programsNothing(context) + notRunning(context)
  }

  /// Rules stand, and nothing listens where kube-proxy answers health checks.
  private static func notRunning(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let port: UInt16 = 10256
      guard !node.planes.isEmpty, let sockets = node.snapshot.sockets,
        sockets.contains(where: { $0.state == "LISTEN" }),
        HostSockets.listeners(sockets, .tcp, port).isEmpty
      else { return nil }
      // As long as the rules say what the cluster wants, it is no more than a remark.
      let diverges =
        !node.leftovers.isEmpty
        || node.observations.contains {
          !$0.faults.isDisjoint(with: [.ignored, .partlyIgnored, .wrongEndpoints, .served])
        }
      return Finding(
        id: id, severity: diverges ? .warning : .info, confidence: .possible,
        subject: node.subject,
        problem: "the Service rules of \(node.name) may not follow the cluster any more",
        cause: "nothing listens on port \(port) ← kube-proxy does not run, or its healthzBindAddress is another",
        evidence: [Finding.Evidence(text: "ss: no TCP socket on port \(port)")],
        fix: [
          .advice(
            "see whether it runs: "
              + "\("kubectl -n kube-system get pods -l k8s-app=kube-proxy --field-selector spec.nodeName=\(node.name)" as ShellCommand)"
          )
        ],
        verify: ["curl -s http://127.0.0.1:\(port)/healthz"])
    }
  }

  private static func programsNothing(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard context.programsNothing(node), !RulesFlushed.hasServiceRules(node) else { return nil }
      let wanted = node.expectedFrom.values.max() ?? 0
      let proxy = node.proxy
      let app = proxy.lowercased()
      return Finding(
        id: id, severity: .error, confidence: .likely,
        subject: node.subject,
        problem: "no Service works on \(node.name): none of \(wanted) frontends with endpoints is translated",
        cause:
          "\(proxy) has \(proxy == "Cilium" ? "none of them in its tables" : "written no rules here") ← it does not run, cannot reach the API, or its \(proxy == "Cilium" ? "maps" : "rules") fail to load",
        evidence: [
          Finding.Evidence(
            text: "\(node.snapshot.ruleset.rules.count) rules in the snapshot, none translates a Service's address")
        ],
        fix: [
          .advice(
            """
            read its log: \
            \("kubectl -n kube-system logs -l k8s-app=\(app) --field-selector spec.nodeName=\(node.name)" as ShellCommand)
            """),
          .advice("restart it: kubectl -n kube-system rollout restart daemonset \(app)"),
        ],
        verify: [proxy == "Cilium" ? "cilium-dbg status --brief" : "curl -s http://127.0.0.1:10256/healthz"])
    }
  }
}

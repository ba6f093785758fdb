import Findings
import Snapshot

/// No Service of the cluster is in a node's rules at all.
enum KubeProxyNotProgramming: Check {
  static let id = "kube-proxy-not-programming"

  static func run(_ context: CheckContext) -> [Finding] {
    let crashing = crashing(context)
    let told = Set(crashing.compactMap(\.subject.node))
    return programsNothing(context) + unwritten(context) + crashing
      + notRunning(context).filter { !told.contains($0.subject.node ?? "") }
  }

  /// Its log says that the kernel, or the API server, does not do what it asks.
  private static func unwritten(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard let said = node.snapshot.files.complaints.first(where: { $0.trouble == .proxySync && $0.isRecent }) else {
        return nil
      }
      // An nft reads all tables of the kernel before it writes its own: what a newer one wrote brings an older one down.
      let isTooOld = said.text.contains("segmentation fault") || said.text.contains("core dumped")
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: node.subject,
        problem:
          "kube-proxy of \(node.name) does not get its rules into the kernel: Services there are as they were before",
        cause: (isTooOld
          ? "the nft in its image crashes at what a newer nft (1.1.3 or later) of the host or of another program wrote ← its log: "
          : "its log: ") + Explanation.quoted(said.text),
        evidence: [LogComplaint.evidence(said, node)],
        fix: isTooOld
          ? [
            .advice(
              "update kube-proxy to a patch release whose image has nft 1.0.6.1 or later, or remove the tables that the newer nft wrote"
            )
          ]
          : [
            .advice(
              "mend what the line names (a rule that the tool refuses, a kernel module that is missing, the API server that is not reached), then: \(node.restartKubeProxy.text)"
            )
          ],
        verify: ["kubectl -n kube-system logs -l k8s-app=kube-proxy --tail=20"],
        reference: isTooOld ? "kubernetes/kubernetes#136786" : nil)
    }
  }

  /// Its Pod on a node does not run: what stands works on, and the next change is not programmed.
  private static func crashing(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    let set = intent.workloads.first {
      $0.kind == .daemonSet && $0.namespace == "kube-system" && $0.name == "kube-proxy"
    }
    var findings: [Finding] = []
    for index in context.objects.podsOfNamespace["kube-system"] ?? [] {
      let pod = intent.pods[Int(index)]
      guard pod.isKubeProxy, pod.hasStatus, !pod.ready, !pod.isOver else { continue }
      let fault = PodFault.of(pod, context.objects, intent)
      // Its node's finding says it.
      guard fault.kind != .nodeDown else { continue }
      let explanation = fault.explanation(pod, context.objects, intent)
      findings.append(
        Finding(
          id: id, severity: .warning, confidence: .certain,
          subject: Finding.Subject(kind: "Pod", namespace: pod.namespace, name: pod.name, node: pod.node),
          problem:
            "kube-proxy of \(pod.node), Pod \(pod.fullName), does not run: the rules that stand work on, and the next change of a Service or endpoint is not programmed there",
          cause: explanation.cause,
          evidence: explanation.evidence
            + (set.map { [intent.evidence($0, ": \($0.ready) of \($0.wanted) ready")] }
              ?? []),
          fix: explanation.fix, verify: ["kubectl -n kube-system rollout status daemonset kube-proxy"]))
    }
    if let set, set.wanted == 0 {
      findings.append(
        Finding(
          id: id, severity: .error, confidence: .certain,
          subject: Finding.Subject(kind: "DaemonSet", namespace: set.namespace, name: set.name),
          problem: "kube-proxy is to run on no node: no Service's rules follow the cluster any more",
          cause:
            "DaemonSet \(set.fullName) has 0 desired Pods ← its nodeSelector \(set.nodeSelector.map { "\($0.key)=\($0.value)" }.joined(separator: ",")) fits none",
          evidence: [intent.evidence(set, ": 0 desired")],
          fix: [.look("kubectl -n kube-system edit daemonset kube-proxy", why: "correct the template's nodeSelector")],
          verify: ["kubectl -n kube-system rollout status daemonset kube-proxy"]))
    }
    return findings
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
        evidence: [node.snapshot.evidence([], absent: "no TCP socket on port \(port)")],
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
          node.snapshot.evidence(
            "\(node.snapshot.ruleset.rules.count) rules in the snapshot, none translates a Service's address",
            at: node.snapshot.firstRules)
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

import Findings
import Intent
import Snapshot

/// A node is NotReady or under pressure: why, and the Services that it takes down.
enum NodeNotReady: Check {
  static let id = "node-not-ready"

  static func run(_ context: CheckContext) -> [Finding] {
    context.intent.nodes.compactMap { node in
      node.ready ? pressure(node, context) : notReady(node, context)
    } + context.nodes.compactMap { logged($0, context) }
  }

  /// The kubelet's own log tells of what makes the node NotReady, and the API does not know it yet, or was not asked.
  private static func logged(_ node: NodeContext, _ context: CheckContext) -> Finding? {
    guard node.node?.ready ?? true, node.pod == nil,
      let said = node.snapshot.files.complaints.first(where: {
        $0.isRecent && ($0.trouble == .kubeletStart || $0.trouble == .runtime)
      })
    else { return nil }
    let doesNotStart = said.trouble == .kubeletStart
    return Finding(
      id: id, severity: .error, confidence: .likely, subject: node.subject,
      problem: doesNotStart
        ? "the kubelet of \(node.name) does not start: the node becomes NotReady, and its Pods no endpoints"
        : "the container runtime of \(node.name) does not answer the kubelet: the node becomes NotReady",
      cause: "its log: \(Explanation.quoted(said.text))", evidence: [LogComplaint.evidence(said, node)],
      fix: doesNotStart
        ? [
          said.text.contains("swap")
            ? .command("swapoff -a", why: "and take swap out of /etc/fstab, or set failSwapOn: false")
            : .advice("correct what the line names in /var/lib/kubelet/config.yaml or the kubelet's flags"),
          .command("systemctl restart kubelet", why: "behind that"),
        ] : NodeFault.runtime.fix(node.name),
      verify: ["systemctl status kubelet", "kubectl get node \(node.name)"])
  }

  private static func notReady(_ node: Node, _ context: CheckContext) -> Finding {
    let events = context.objects.events("Node", "", node.name, context.intent)
    let said = context.nodes.first { $0.node?.name == node.name }?.snapshot.files.complaints ?? []
    let fault = NodeFault.of(node, events, said)
    let entry = context.endpointCauses.entry(.node(node.name))
    let down = context.names(of: entry?.services ?? [])
    let pods = (context.objects.podsOfNode[node.name] ?? []).count
    var cause = "\(condition(node)) ← \(fault.cause)"
    if let start = said.last(where: {
      $0.component == "kubelet" && [.kubeletStart, .apiUnreachable, .runtime].contains($0.trouble)
    }) {
      cause += " ← its log: \(Explanation.quoted(start.text))"
    }
    var fix = fault.fix(node.name)
    var evidence = [context.intent.evidence(node, ": \(condition(node))")]
    if case .networkPlugin = fault, let told = context.plugin.fault(on: node.name, context.objects, context.intent) {
      cause += " ← \(told.cause)"
      fix = told.fix + fix.filter { !told.fix.contains($0) }
      evidence += told.evidence
    }
    // What the node itself says, where its log is among the dumps.
    for own in context.nodes where own.node?.name == node.name {
      evidence += own.snapshot.files.complaints.filter { $0.component == "kubelet" || $0.component == "containerd" }
        .prefix(3)
        .map { LogComplaint.evidence($0, own) }
    }
    evidence += events.prefix(2).map(context.intent.evidence) + (entry?.explanation.evidence ?? [])
    // Without Services and Pods among the objects nobody can say that it does no harm.
    let isKnown = !context.intent.services.isEmpty && !context.intent.pods.isEmpty
    return Finding(
      id: id, severity: down.isEmpty && isKnown ? .info : .error, confidence: .certain, subject: subject(node),
      problem: down.isEmpty
        ? !isKnown
          ? "node \(node.name) is NotReady: its Pods do not count as endpoints, and it gets no new ones"
          : "node \(node.name) is NotReady; its \(pods) Pods do not count, and every Service has endpoints elsewhere"
        : "node \(node.name) is NotReady and takes down \(down)",
      cause: cause, evidence: evidence, fix: fix,
      verify: ["kubectl wait --for=condition=Ready node/\(node.name) --timeout=120s"])
  }

  private static let pressures = ["DiskPressure": "disk", "MemoryPressure": "memory", "PIDPressure": "process ids"]

  private static func pressure(_ node: Node, _ context: CheckContext) -> Finding? {
    guard let condition = node.conditions.first(where: { pressures[$0.type] != nil && $0.status == "True" }) else {
      return nil
    }
    let what = pressures[condition.type]!
    // Where the Pods that it evicted are told of, the pressure is in that chain.
    let isTold = context.endpointCauses.entries.contains { entry in
      guard case .pod(let index) = entry.cause else { return false }
      return context.intent.pods[index].node == node.name && context.intent.pods[index].trouble?.reason == "Evicted"
    }
    return Finding(
      id: id, severity: isTold ? .info : .warning, confidence: .certain, subject: subject(node),
      problem: "node \(node.name) runs out of \(what): it evicts Pods and takes no new ones",
      cause:
        "\(condition.type): \(Explanation.quoted(condition.message.isEmpty ? condition.reason : condition.message))",
      evidence: [
        context.intent.evidence(node, ": \(condition.type) True, \(Explanation.quoted(condition.message))")
      ],
      fix: [
        what == "disk"
          ? .look("df -h /var/lib/kubelet /var/lib/containerd; crictl rmi --prune", why: "on \(node.name)")
          : what == "memory"
            ? .command("kubectl top pods -A --sort-by=memory", why: "move or limit what uses \(node.name)'s memory")
            : .look("ps -eLf | wc -l", why: "on \(node.name)")
      ], verify: ["kubectl describe node \(node.name)  # \(condition.type) False"])
  }

  /// `Ready Unknown (NodeStatusUnknown: Kubelet stopped posting node status.)`
  private static func condition(_ node: Node) -> String {
    guard let ready = node.condition("Ready") else { return "NotReady (\(Explanation.quoted(node.reason)))" }
    let words = [ready.reason, ready.message].filter { !$0.isEmpty }.joined(separator: ": ")
    return "Ready \(ready.status) (\(Explanation.quoted(words)))"
  }

  static func subject(_ node: Node) -> Finding.Subject {
    Finding.Subject(kind: "Node", name: node.name, node: node.name)
  }
}

import Findings
import Snapshot

/// A program of the control plane does not run.
enum ControlPlaneDown: Check {
  static let id = "control-plane-down"

  static func run(_ context: CheckContext) -> [Finding] {
    objects(context) + context.nodes.flatMap { logged($0, context) }
  }

  private static func objects(_ context: CheckContext) -> [Finding] {
    ControlPlane.Component.allCases.compactMap { component in
      guard let fault = context.controlPlane.faults[component] else { return nil }
      let entry = context.endpointCauses.entry(.controlPlane(component))
      let down = context.names(of: entry?.services ?? [])
      let explanation = fault.explanation
      return Finding(
        id: id, severity: .error, confidence: explanation.confidence,
        subject: fault.pod.map {
          Finding.Subject(
            kind: "Pod", namespace: "kube-system", name: context.intent.pods[$0].name,
            node: context.intent.pods[$0].node)
        } ?? Finding.Subject(kind: "Component", namespace: "kube-system", name: component.rawValue),
        problem:
          "\(component.rawValue) is down: \(component.consequence)\(down.isEmpty ? "" : "; without endpoints: \(down)")",
        cause: explanation.cause,
        evidence: explanation.evidence
          + (entry?.explanation.evidence ?? []).filter { !explanation.evidence.contains($0) },
        fix: explanation.fix, verify: explanation.verify)
    }
  }

  // MARK: etcd's own words

  /// etcd runs, and takes no writes.
  private static func logged(_ node: NodeContext, _ context: CheckContext) -> [Finding] {
    node.snapshot.files.complaints.filter(\.isRecent).compactMap { said in
      let told: (problem: String, cause: String, fix: [Fix])
      switch said.trouble {
      case .etcdSpace:
        told = (
          "etcd has no room left: the cluster can be read and not changed",
          "its database is as large as it may be (--quota-backend-bytes), and the alarm NOSPACE stands until it is lifted",
          [
            .look("etcdctl endpoint status --write-out=table", why: "how large it is, and which alarm stands"),
            .advice(
              "compact and defragment it, then lift the alarm: etcdctl compact REVISION; etcdctl defrag --cluster; etcdctl alarm disarm"
            ),
            .advice("raise --quota-backend-bytes in etcd.yaml where the data is meant to be that large"),
          ]
        )
      case .etcdLeader:
        told = (
          "etcd has no leader: the API server neither reads nor writes",
          "most of its members must reach each other at port 2380, and do not ← members that are down, a firewall, or a slow disk",
          [
            .look("etcdctl endpoint status --cluster --write-out=table", why: "which members answer"),
            .look("etcdctl endpoint health --cluster", why: "and how fast"),
          ]
        )
      default: return nil
      }
      return Finding(
        id: id, severity: .error, confidence: .likely,
        subject: Finding.Subject(kind: "Component", namespace: "kube-system", name: "etcd", node: node.name),
        problem: told.problem, cause: "\(told.cause): \(Explanation.quoted(said.text))",
        evidence: [LogComplaint.evidence(said, node)], fix: told.fix,
        verify: ["curl -k https://127.0.0.1:6443/readyz/etcd"])
    }
  }
}

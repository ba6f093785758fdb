import Findings
import Intent
import Wire

/// A node's address range is full, or its CNI says that it has no address to give.
enum IPAMExhausted: Check {
  static let id = "ipam-exhausted"

  static func run(_ context: CheckContext) -> [Finding] {
    let byNode = Dictionary(grouping: context.intent.pods.filter { !$0.hostNetwork && !$0.node.isEmpty }, by: \.node)
    return context.intent.nodes.compactMap { node in
      let pods = byNode[node.name] ?? []
      let refused = pods.filter { pod in
        pod.addresses.isEmpty && complaints.contains { pod.reason.contains($0) }
      }
      let range = node.podCIDRs.first { $0.address.version == .v4 }
      // Network, broadcast and the bridge's own address are not given to Pods (host-local).
      let room = range.map { max(0, 1 << (32 - $0.length) - 3) }
      let used = range.map { range in pods.count { $0.addresses.contains { range.contains($0) } } } ?? 0
      let isFull = room.map { used >= $0 } ?? false
      guard !refused.isEmpty || isFull || room.map({ used * 20 >= $0 * 19 }) ?? false else { return nil }
      return Finding(
        id: id, severity: refused.isEmpty && !isFull ? .warning : .error,
        confidence: refused.isEmpty ? .likely : .certain,
        subject: Finding.Subject(kind: "Node", name: node.name, node: node.name),
        problem: refused.isEmpty && !isFull
          ? "\(node.name) has addresses for \(room! - used) more Pods only"
          : "new Pods on \(node.name) get no address and stay in ContainerCreating",
        cause: range.map { "\(used) Pods use its range \($0), which has room for \(room!)" }
          ?? "the CNI has no address left",
        evidence: refused.prefix(3).map {
          Finding.Evidence(text: "Pod \($0.namespace)/\($0.name): \($0.reason)")
        },
        fix: [
          .advice("delete the entries of Pods that are gone: ls /var/lib/cni/networks/* on the node"),
          .advice("give nodes larger ranges (node-cidr-mask-size) or spread the Pods"),
        ], verify: ["kubectl get pods -A -o wide --field-selector spec.nodeName=\(node.name)"])
    }
  }

  private static let complaints = [
    "failed to assign an IP address", "no IP addresses available", "no available IP", "IPAM", "range is full",
  ]
}

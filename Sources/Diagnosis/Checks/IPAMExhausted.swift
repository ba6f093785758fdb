import Findings
import Intent
import Snapshot
import Wire

/// A node's address range is full, or its CNI says that it has no address to give.
enum IPAMExhausted: Check {
  static let id = "ipam-exhausted"

  static func run(_ context: CheckContext) -> [Finding] {
    context.intent.nodes.compactMap { node in
      let pods = (context.objects.podsOfNode[node.name] ?? []).lazy.map { context.intent.pods[Int($0)] }.filter {
        !$0.hostNetwork
      }
      let refused = pods.filter { $0.addresses.isEmpty && !$0.isOver }.compactMap { pod -> (Pod, PodFault)? in
        let fault = PodFault.of(pod, context.objects, context.intent)
        return fault.kind == .addresses || PodFault.isAddressComplaint(pod.reason) ? (pod, fault) : nil
      }
      let down = context.names(of: context.endpointCauses.entry(.addresses(node: node.name))?.services ?? [])
      let range = node.podCIDRs.first { $0.address.version == .v4 }
      // Network, broadcast and the bridge's own address are not given to Pods (host-local).
      let room = range.map { max(0, 1 << (32 - $0.length) - 3) }
      let used = range.map { range in pods.count { $0.addresses.contains { range.contains($0) } } } ?? 0
      let listed = range.flatMap { reserved($0, context) }
      let isFull = room.map { max(used, listed?.count ?? 0) >= $0 } ?? false
      guard !refused.isEmpty || isFull || room.map({ used * 20 >= $0 * 19 }) ?? false else { return nil }
      // Plugins of clouds give addresses of the machine's own network, not of the node's Pod range.
      let isCloud = refused.first.map { pair in cloudPlugins.contains { pair.1.words.contains($0) } } ?? false
      return Finding(
        id: id, severity: refused.isEmpty && !isFull ? .warning : .error,
        confidence: refused.isEmpty ? .likely : .certain,
        subject: Finding.Subject(kind: "Node", name: node.name, node: node.name),
        problem: refused.isEmpty && !isFull
          ? "\(node.name) has addresses for \(room! - used) more Pods only"
          : "new Pods on \(node.name) get no address and stay in ContainerCreating\(down.isEmpty ? "" : ", which takes down \(down)")",
        cause: (refused.first.map { $0.1.words.isEmpty ? "" : "\(Explanation.quoted($0.1.words)) ← " } ?? "")
          + (isCloud
            ? "the network interfaces of the machine hold no more addresses, or the subnet has none left"
            : range.map { "\(used) Pods use its range \($0), which has room for \(room!)" }
              ?? "the CNI has no address left")
          + (listed.map {
            $0.count > used ? " ← \($0.count) addresses are given out, most of them to Pods that are gone" : ""
          } ?? ""),
        evidence: refused.prefix(3).flatMap { pod, fault in
          [PodFault.evidence(pod, context.intent)] + (fault.event.map { [context.intent.evidence($0)] } ?? [])
        } + (listed.map { [$0.evidence] } ?? []),
        fix: isCloud
          ? [
            .look(
              "kubectl -n kube-system logs -l k8s-app=aws-node --tail=50",
              why: "is it the limit of the instance type, or the subnet's last address"),
            .advice(
              "spread the Pods over more nodes, use a larger instance type or prefix delegation, or a larger subnet"),
          ]
          : [
            .advice("delete the entries of Pods that are gone: ls /var/lib/cni/networks/* on the node"),
            .advice("give nodes larger ranges (node-cidr-mask-size) or spread the Pods"),
          ], verify: ["kubectl get pods -A -o wide --field-selector spec.nodeName=\(node.name)"])
    }
  }

  private static let cloudPlugins = ["aws-cni", "azure-vnet", "ENI", "ipamd"]

  /// What host-local has given out of a range, as a listing of its folder tells; nil: there is none.
  private static func reserved(_ range: IPPrefix, _ context: CheckContext) -> (count: Int, evidence: Finding.Evidence)?
  {
    for node in context.nodes {
      for listing in node.snapshot.files.localAddresses where listing.addresses.contains(where: range.contains) {
        // A count of the folder counts its lock and its last address, too.
        let others = 2
        let count = max(listing.addresses.count, (listing.count ?? 0) - others)
        return (
          count,
          Finding.Evidence(
            file: node.snapshot.fileName(listing.place.file), line: listing.place.line,
            text:
              "/var/lib/cni/networks/\(printable(listing.network, limit: 60)): \(listing.count ?? listing.addresses.count) entries"
          )
        )
      }
    }
    return nil
  }
}

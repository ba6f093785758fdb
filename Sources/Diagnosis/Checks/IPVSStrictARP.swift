import Findings
import Intent
import Snapshot
import Wire

/// Every node holds the load balancer's addresses on kube-ipvs0, and without strictARP every one of them answers ARP
/// for them.
enum IPVSStrictARP: Check {
  static let id = "ipvs-strict-arp"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard node.isIPVS, node.snapshot.sysctlInt("net.ipv4.conf.all.arp_ignore") == 0,
        (node.snapshot.sysctlInt("net.ipv4.conf.kube-ipvs0.arp_ignore") ?? 0) == 0
      else { return nil }
      let all = node.snapshot.addresses ?? []
      let held = Set(all.filter { $0.interface == "kube-ipvs0" && $0.address.version == .v4 }.map(\.address))
      let claimed = context.intent.services.filter(\.isProxied).flatMap { $0.loadBalancerIPs + $0.externalIPs }
        .filter { held.contains($0) }
      guard let first = claimed.min() else { return nil }
      // Asked for by ARP only where clients see it as a neighbour.
      let networks = all.filter { $0.interface != "kube-ipvs0" && $0.interface != "lo" && $0.prefixLength < 32 }
        .map { IPPrefix($0.address, length: $0.prefixLength) }
      let neighbour = claimed.sorted().first { address in networks.contains { $0.contains(address) } }
      return Finding(
        id: id, severity: neighbour == nil ? .info : .warning, confidence: .likely,
        subject: node.subject,
        problem:
          "\(node.name) answers ARP for \(neighbour ?? first), as every node in IPVS mode does: clients reach whichever is faster",
        cause:
          "\(claimed.count) load balancer and external addresses are on kube-ipvs0, and arp_ignore is 0 (strictARP is off)",
        evidence: [node.snapshot.evidence(sysctl: "net.ipv4.conf.all.arp_ignore")],
        fix: [
          .advice(
            "set ipvs: {strictARP: true} (kubectl -n kube-system edit configmap kube-proxy), then restart kube-proxy")
        ],
        verify: ["arping -I eth0 \(neighbour ?? first)  # from another host: one MAC must answer"],
        reference: "metallb/metallb#153")
    }
  }
}

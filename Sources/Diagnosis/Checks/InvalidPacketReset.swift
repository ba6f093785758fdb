import Findings

/// Segments that conntrack finds outside the window pass untranslated, since kube-proxy's rule that drops them is
/// missing: the client knows no such connection and resets it.
enum InvalidPacketReset: Check {
  static let id = "invalid-packet-reset"

  static func run(_ context: CheckContext) -> [Finding] {
    context.missingRules(id, reference: "kubernetes/kubernetes#74839") { _, node in
      // kube-proxy leaves the rule out where the kernel is told to be liberal; unknown counts as that.
      (node.snapshot.sysctlInt("net.netfilter.nf_conntrack_tcp_be_liberal") ?? 1) == 0
    }.map { finding in
      var finding = finding
      finding.fix.append(
        .command("sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=1", why: "instead of the rule"))
      return finding
    }
  }
}

import Findings
import Snapshot

/// A source port that is used again meets the old IPVS connection; what happens then depends on a sysctl and on the
/// kernel (5.9 mended both sides).
enum IPVSConnectionReuse: Check {
  static let id = "ipvs-connection-reuse"
  static let mended = KernelVersion(major: 5, minor: 9)

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard node.isIPVS, let mode = node.snapshot.sysctlInt("net.ipv4.vs.conn_reuse_mode"),
        let kernel = KernelVersion(node.snapshot), kernel < mended
      else { return nil }
      return Finding(
        id: id, severity: .warning, confidence: .likely,
        subject: node.subject,
        problem: mode == 0
          ? "clients of \(node.name) that use a source port again reach Pods that are gone (“No route to host” while a Deployment rolls out)"
          : "clients of \(node.name) that use a source port again wait one second for their connection",
        cause: "net.ipv4.vs.conn_reuse_mode is \(mode) on kernel \(kernel); kernels from \(mended) on do neither",
        evidence: [
          node.snapshot.evidence(sysctl: "net.ipv4.vs.conn_reuse_mode"),
          node.snapshot.evidence(sysctl: "kernel.osrelease"),
        ],
        fix: [.advice("update the kernel to \(mended) or newer")], verify: ["sysctl net.ipv4.vs.conn_reuse_mode"],
        reference: "kubernetes/kubernetes#81775")
    }
  }
}

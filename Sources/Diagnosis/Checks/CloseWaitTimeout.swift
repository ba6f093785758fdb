import Findings

/// Connections that one side has closed are forgotten while the other still sends.
enum CloseWaitTimeout: Check {
  static let id = "close-wait-timeout"

  /// The kernel's own value. kube-proxy sets an hour.
  private static let usual = 60

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let key = "net.netfilter.nf_conntrack_tcp_timeout_close_wait"
      guard let seconds = node.snapshot.sysctlInt(key), seconds < usual else { return nil }
      return Finding(
        id: id, severity: .warning, confidence: .possible, subject: node.subject,
        problem:
          "\(node.name) forgets half-closed connections after \(seconds) s: what is sent later is not translated",
        cause: "\(key) is below the kernel's own \(usual) s", evidence: [.init(text: "\(key) = \(seconds)")],
        fix: [.command("sysctl -w \(key)=3600")], verify: ["sysctl \(key)"],
        reference: "kubernetes/kubernetes#32551")
    }
  }
}

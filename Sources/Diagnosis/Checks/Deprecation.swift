import Findings

/// What still works and will not: externalIPs (deprecated in 1.36, KEP-5707), kube-proxy's IPVS mode (deprecated in 1.35, off by
/// default from 1.40, KEP-5495). Told only of clusters of such a release.
enum Deprecation: Check {
  static let id = "deprecation"

  static func run(_ context: CheckContext) -> [Finding] { externalIPs(context) + virtualServers(context) }

  private static func isReached(_ minor: Int, _ release: (major: Int, minor: Int)?) -> Bool {
    release.map { $0.major > 1 || $0.major == 1 && $0.minor >= minor } ?? false
  }

  private static func externalIPs(_ context: CheckContext) -> [Finding] {
    guard context.intent.nodes.contains(where: { isReached(36, $0.release) }) else { return [] }
    let users = context.intent.services.indices.filter { !context.intent.services[$0].externalIPs.isEmpty }
    guard let first = users.first else { return [] }
    return [
      Finding(
        id: id, severity: .info, confidence: .certain, subject: context.subject(context.intent.services[first]),
        problem: "\(users.count) Service\(users.count == 1 ? " has" : "s have") spec.externalIPs, which is deprecated",
        cause: "Kubernetes deprecated it in 1.36 and means to remove it: \(context.names(of: users))",
        fix: [.advice("use type LoadBalancer with an address pool, or a Gateway, before the release that removes it")],
        verify: ["kubectl get services -A -o wide"], reference: "kubernetes/enhancements#5707")
    ]
  }

  private static func virtualServers(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard node.isIPVS, isReached(35, node.node?.release) else { return nil }
      return Finding(
        id: id, severity: .info, confidence: .certain, subject: node.subject,
        problem: "kube-proxy of \(node.name) works in IPVS mode, which is deprecated",
        cause: "Kubernetes deprecated the mode in 1.35; it is off by default from 1.40 and gone in 1.43",
        fix: [.advice("plan the move to nftables mode")],
        verify: ["curl -s http://127.0.0.1:10249/proxyMode"], reference: "kubernetes/enhancements#5495")
    }
  }
}

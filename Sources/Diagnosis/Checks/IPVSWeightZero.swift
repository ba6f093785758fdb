import Findings

/// A ready endpoint stands in IPVS with weight 0: it gets no new connection.
enum IPVSWeightZero: Check {
  static let id = "ipvs-weight-zero"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    for node in context.nodes {
      for server in node.snapshot.virtualServers ?? [] where !server.realServers.isEmpty {
        let zero = server.realServers.filter { $0.weight == 0 }
        guard !zero.isEmpty, zero.count == server.realServers.count else { continue }
        let files = node.snapshot.ruleset.files
        findings.append(
          Finding(
            id: id, severity: .error, confidence: .likely,
            subject: Finding.Subject(kind: "VirtualServer", name: "\(server.address):\(server.port)", node: node.name),
            problem: "\(server.address):\(server.port) on \(node.name) accepts no new connection",
            cause: "all its \(zero.count) real servers have weight 0 ← kube-proxy restarted while it drained them",
            evidence: [
              Finding.Evidence(
                file: Int(server.file) < files.count ? files[Int(server.file)].name : nil, line: zero[0].line,
                text: "\(zero[0].address):\(zero[0].port) weight 0")
            ],
            fix: [
              "kubectl -n kube-system delete pod -l k8s-app=kube-proxy --field-selector spec.nodeName=\(node.name)"
            ], verify: ["ipvsadm -Ln"], reference: "kubernetes/kubernetes#111903"))
      }
    }
    return findings
  }
}

import Findings
import Snapshot

/// A masqueraded packet keeps its mark into the tunnel: the outer packet is masqueraded too, which with fully random
/// ports leaves a wrong outer UDP checksum on many kernels.
enum VXLANChecksum: Check {
  static let id = "vxlan-checksum"

  static func run(_ context: CheckContext) -> [Finding] {
    context.missingRules(id, reference: "kubernetes/kubernetes#92035").map { finding in
      let node = context.nodes.first { $0.name == finding.subject.node }
      guard let link = node?.snapshot.links?.first(where: { $0.vxlan != nil }) else { return finding }
      var finding = finding
      finding.severity = .error
      finding.problem =
        "connections of \(node!.name) to Services take up to a minute: what leaves through \(link.name) is masqueraded twice"
      finding.fix.append(.command("ethtool -K \(link.name) tx-checksum-ip-generic off"))
      return finding
    }
  }
}

import Findings
import Wire

/// Nobody answers for an address that is asked for again and again: the host is down, or nobody announces a LoadBalancer's
/// address.
struct UnansweredARPDetector: Detector {
  /// Kernels ask three times, a second apart, before they give up.
  private static let asked = 3
  private static let many = 8
  private static let span: Int64 = 1_500_000_000

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let silent = facts.questions.questions.filter { key, question in
      question.count >= Self.asked && question.lastTime - question.firstTime >= Self.span
        && facts.claims.claims[key] == nil && facts.questions.hears(question.asker)
    }.sorted { ($1.value.count, $0.value.first) < ($0.value.count, $1.value.first) }
    // Who asks for very many looks for hosts, and expects most of them not to be there.
    guard silent.count <= Self.many else { return [] }
    return silent.prefix(3).map { key, question in
      let isV4 = key.address.version == .v4
      return Finding(
        id: "arp-unanswered", severity: .error, confidence: .likely,
        subject: .init(kind: "Address", name: key.address.description, address: key.address),
        problem: "nobody answers for \(key.address): asked \(question.count) times by \(question.asker)",
        cause:
          "no host of this network has the address ← the machine is down, or it is a LoadBalancer's address that no speaker announces (MetalLB: speaker, L2Advertisement, a node with an endpoint)",
        evidence: [
          facts.evidence(question.first, "who has \(key.address)? tell \(question.asker)"),
          facts.evidence(question.last, "asked again, the last time; no answer"),
          facts.filterEvidence(
            isV4
              ? "arp.dst.proto_ipv4==\(key.address)" : "icmpv6.type==135 && icmpv6.nd.ns.target_address==\(key.address)"
          ),
        ],
        fix: [
          .advice(
            "see who should have it: kubectl get services,nodes -A -o wide; for a LoadBalancer's address kubectl -n metallb-system get pods -o wide"
          )
        ], verify: ["arping -c 3 -I IFACE \(key.address)  # one answer"])
    }
  }
}

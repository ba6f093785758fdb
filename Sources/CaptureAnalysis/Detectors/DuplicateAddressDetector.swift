import Findings
import Wire

/// Two hardware addresses that claim one IP address (RFC 5227), in ARP or neighbour discovery.
struct DuplicateAddressDetector: Detector {
  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let conflicts = facts.claims.claims.filter { $0.value.second != 0 && !$0.key.address.isLinkLocal }
      .sorted { $0.value.firstFrame < $1.value.firstFrame }
    return conflicts.prefix(3).map { key, claim in
      // One change may be a failover; going back and forth, or both within a second, is not.
      let flapping = claim.changes > 1 || claim.shortestChange < 1_000_000_000
      return Finding(
        id: "duplicate-address", severity: flapping ? .error : .warning, confidence: flapping ? .certain : .possible,
        subject: .init(kind: "Address", name: key.address.description, address: key.address),
        problem: "\(hardwareText(claim.first)) and \(hardwareText(claim.second)) both claim \(key.address)"
          + (claim.others > 0 ? ", and \(claim.others) more" : ""),
        cause: flapping
          ? "clients reach now the one, now the other ← the address is configured twice, IPVS without strict ARP "
            + "(arp_ignore, arp_announce), or two speakers announce one LoadBalancer address"
          : "the address moved once: a failover, or a second host that has it too",
        evidence: [
          facts.evidence(claim.firstFrame, "\(key.address) is at \(hardwareText(claim.first))"),
          facts.evidence(
            claim.secondFrame, "\(key.address) is at \(hardwareText(claim.second)); \(plural(claim.changes, "change"))"),
          facts.filterEvidence(
            key.address.version == .v4
              ? "arp.src.proto_ipv4==\(key.address)" : "icmpv6.type==136 && icmpv6.nd.na.target_address==\(key.address)"
          ),
        ],
        fix: [
          .advice("kube-proxy in IPVS mode with MetalLB: strictARP: true; else take the address off one host")
        ], verify: ["arping -c 3 -I IFACE \(key.address)  # one hardware address only"])
    }
  }
}

import Findings
import Wire

/// Overlays: what they cost, outer packets that are too large, wrong outer checksums.
struct TunnelDetector: Detector {
  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var list: [Finding] = []
    let tunnels = facts.tunnels.all
    list += tooBig(tunnels, facts)
    list += checksums(tunnels, facts)
    list += overhead(tunnels, facts)
    return list
  }

  private func tooBig(_ tunnels: [Tunnel], _ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tunnels.filter { $0.announcedMTU > 0 }.prefix(3).map { t in
      Finding(
        id: "overlay-mtu", severity: .error, confidence: .certain, subject: .init(kind: "Tunnel", name: t.names),
        problem: "the overlay's outer packets \(t.names) are too large: a router announces MTU \(t.announcedMTU)",
        cause:
          "inner packets plus \(Self.overheadBytes(t)) bytes of encapsulation exceed \(t.announcedMTU) ← the inner MTU "
          + "does not leave room for the outer header",
        evidence: [
          facts.evidence(t.announcedFrame, "ICMP: next-hop MTU \(t.announcedMTU)"),
          facts.evidence(t.largestInnerFrame, "the largest inner packet: \(t.largestInner) bytes"),
          facts.filterEvidence("icmp.type==3 && icmp.code==4 || icmpv6.type==2"),
        ],
        fix: [.advice("set the MTU of Pods and tunnel device to \(t.announcedMTU - Self.overheadBytes(t))")],
        verify: [
          "kubepath capture --live any --filter icmp  # no fragmentation-needed about UDP port \(t.key.port) may be left"
        ])
    }
  }

  /// Outer header to inner network header, mean over the tunnel.
  static func overheadBytes(_ t: Tunnel) -> Int {
    guard t.packets > 0 else { return 0 }
    return max(0, (t.bytes - t.innerBytes) / t.packets)
  }

  private func checksums(_ tunnels: [Tunnel], _ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let bad = tunnels.filter { $0.checksumBad > 0 }.sorted { $0.checksumBad > $1.checksumBad }
    guard let worst = bad.first else { return [] }
    let count = bad.reduce(0) { $0 + $1.checksumBad }
    let judged = tunnels.reduce(0) { $0 + $1.checksumBad + $1.checksumGood + $1.checksumOffloaded }
    let offloadSeen = tunnels.contains { $0.checksumOffloaded > 0 }
    return [
      Finding(
        id: "vxlan-checksum", severity: .error, confidence: offloadSeen ? .possible : .likely,
        subject: .init(kind: "Tunnel", name: worst.names),
        problem: "\(count) of \(judged) outer UDP checksums of the overlay are wrong, and not by checksum offload",
        cause:
          "the receiver drops these packets ← the sender's tunnel device leaves the checksum to a network card that gets "
          + "it wrong (kernels before 5.7 that masquerade twice, some virtual cards)"
          + (offloadSeen ? "; part of this capture is the sending side, where a checksum may still be unfinished" : ""),
        evidence: [
          facts.evidence(worst.firstBad, "\(worst.names): wrong outer checksum"),
          facts.evidence(worst.secondBad, "another"),
          facts.filterEvidence("udp.checksum.status==0 && udp.port==\(worst.key.port)"),
        ].filter { $0.frame != nil || $0.filter != nil },
        fix: [
          .advice(
            "on the sending node: ethtool -K flannel.1 tx-checksum-ip-generic off   (with Calico the device is vxlan.calico)"
          ),
          .advice("Calico: FELIX_FEATUREDETECTOVERRIDE=ChecksumOffloadBroken=true; else a newer kernel"),
        ],
        verify: ["nstat -az UdpInCsumErrors  # on the receiver: must not grow"],
        reference: "kubernetes/kubernetes#88986")
    ]
  }

  private func overhead(_ tunnels: [Tunnel], _ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let carried = tunnels.filter { $0.packets > 0 && [.vxlan, .vxlanGPE, .geneve].contains($0.key.kind) }
    guard let first = carried.first else { return [] }
    let outer = carried.reduce(0) { $0 + $1.bytes }
    let inner = carried.reduce(0) { $0 + $1.innerBytes }
    let packets = carried.reduce(0) { $0 + $1.packets }
    let per = max(0, (outer - inner) / max(1, packets))
    let nominal = first.key.version == 4 ? 50 : 70
    let kinds = Set(carried.map(\.key.kind.name)).sorted().joined(separator: " and ")
    let mtu = facts.options.linkMTU ?? 1500
    let largest = carried.map(\.largestInner).max() ?? 0
    // No link takes such packets: the wire carried each of its segments with a header of its own.
    let merged = largest + per > 9216
    return [
      Finding(
        id: "vxlan-overhead", severity: .info, confidence: .certain, subject: .init(kind: "Overlay", name: kinds),
        problem: "\(kinds) costs \(per) bytes a packet here: \(outer - inner) of \(outer) bytes, goodput share "
          + "\(inner * 1000 / max(1, outer) / 10).\(inner * 1000 / max(1, outer) % 10)%"
          + (merged ? " before offload cut the packets" : ""),
        cause:
          "outer \(first.key.version == 4 ? "IPv4 (20)" : "IPv6 (40)") + UDP (8) + header (8 and Geneve's options) + inner Ethernet (14); "
          + "on a link of \(mtu) bytes inner interfaces should have MTU \(mtu - max(nominal, per))",
        evidence: [
          facts.evidence(
            first.firstFrame,
            "\(first.names), identifier \(first.identifier)"
              + (facts.vxlanPorts.learned.isEmpty
                ? ""
                : "; UDP port \(facts.vxlanPorts.learned.map(String.init).joined(separator: ", ")) carries VXLAN by its content")
          ),
          facts.evidence(
            carried.max { $0.largestInner < $1.largestInner }!.largestInnerFrame,
            "the largest inner packet: \(largest) bytes"
              + (merged
                ? ", several segments merged by offload; on the wire each costs \(per) bytes, "
                  + "\(per * 1000 / mtu / 10).\(per * 1000 / mtu % 10)% of a full packet" : "")),
        ],
        verify: ["ip -d link show type vxlan  # mtu"])
    ]
  }
}

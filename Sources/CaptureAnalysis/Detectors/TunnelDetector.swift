import Findings
import Wire

/// Overlays: what they cost, wrong outer checksums, different ports on two nodes, ICMP errors about outer packets.
struct TunnelDetector: Detector {
  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var list: [Finding] = []
    var tunnels: [Tunnel] = []
    for index in 0..<facts.tunnels.count { tunnels.append(facts.tunnels.tunnels.pointer(index).pointee) }
    list += tooBig(tunnels, facts)
    list += checksums(tunnels, facts)
    list += ports(tunnels, facts)
    list += overhead(tunnels, facts)
    return list
  }

  private func names(_ t: Tunnel) -> String {
    let version: IPVersion = t.key.version == 4 ? .v4 : .v6
    return
      "\(IPAddress(bits: t.key.source, version: version)) → \(IPAddress(bits: t.key.destination, version: version))"
  }

  private func tooBig(_ tunnels: [Tunnel], _ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tunnels.filter { $0.announcedMTU > 0 }.prefix(3).map { t in
      Finding(
        id: "overlay-mtu", severity: .error, confidence: .certain, subject: .init(kind: "Tunnel", name: names(t)),
        problem: "the overlay's outer packets \(names(t)) are too large: a router announces MTU \(t.announcedMTU)",
        cause:
          "inner packets plus \(Self.overheadBytes(t)) bytes of encapsulation exceed \(t.announcedMTU) ← the inner MTU "
          + "does not leave room for the outer header",
        evidence: [
          facts.evidence(t.announcedFrame, "ICMP: next-hop MTU \(t.announcedMTU)"),
          facts.evidence(t.largestInnerFrame, "the largest inner packet: \(t.largestInner) bytes"),
          facts.filterEvidence("icmp.type==3 && icmp.code==4 || icmpv6.type==2"),
        ],
        fix: ["set the MTU of Pods and tunnel device to \(t.announcedMTU - Self.overheadBytes(t))"],
        verify: ["capture again: no fragmentation-needed about UDP port \(t.key.port) may be left"])
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
        subject: .init(kind: "Tunnel", name: names(worst)),
        problem: "\(count) of \(judged) outer UDP checksums of the overlay are wrong, and not by checksum offload",
        cause:
          "the receiver drops these packets ← the sender's tunnel device leaves the checksum to a network card that gets "
          + "it wrong (kernels before 5.7 that masquerade twice, some virtual cards)"
          + (offloadSeen ? "; part of this capture is the sending side, where a checksum may still be unfinished" : ""),
        evidence: [
          facts.evidence(worst.firstBad, "\(names(worst)): wrong outer checksum"),
          facts.evidence(worst.secondBad, "another"),
          facts.filterEvidence("udp.checksum.status==0 && udp.port==\(worst.key.port)"),
        ].filter { $0.frame != nil || $0.text.hasPrefix("Wireshark") },
        fix: [
          "on the sending node: ethtool -K flannel.1 tx-checksum-ip-generic off   (vxlan.calico with Calico)",
          "Calico: FELIX_FEATUREDETECTOVERRIDE=ChecksumOffloadBroken=true; else a newer kernel",
        ],
        verify: ["nstat -az UdpInCsumErrors   (on the receiver: must not grow)"],
        reference: "kubernetes/kubernetes#88986")
    ]
  }

  private func ports(_ tunnels: [Tunnel], _ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var list: [Finding] = []
    let vxlan = tunnels.filter { $0.key.kind == .vxlan }
    for (index, t) in vxlan.enumerated() where list.count < 3 {
      if t.unreachable != 0xFFFF {
        let isPort = t.unreachable == 0x0303 || t.unreachable == 0x0104
        list.append(
          Finding(
            id: isPort ? "vxlan-port" : "wrong-vtep", severity: .error, confidence: .certain,
            subject: .init(kind: "Tunnel", name: names(t), port: String(t.key.port)),
            problem: "VXLAN packets \(names(t)) to port \(t.key.port) are answered by "
              + ICMPEvent.name(
                t.key.version == 4 ? .v4 : .v6, type: UInt8(t.unreachable >> 8), code: UInt8(t.unreachable & 0xFF)),
            cause: isPort
              ? "nobody listens on UDP \(t.key.port) there ← the other node's VXLAN device uses another port, or is missing"
              : "the tunnel's far end cannot be reached ← a wrong VTEP address (flannel public-ip, node InternalIP)",
            evidence: [
              facts.evidence(t.unreachableFrame, "the ICMP error"),
              facts.evidence(t.firstFrame, "the tunnel's first packet"),
              facts.filterEvidence("udp.port==\(t.key.port) || icmp"),
            ],
            fix: [
              isPort
                ? "use one port on all nodes: ip -d link show type vxlan | grep dstport"
                : "bridge fdb show dev flannel.1; correct the VTEP address (flannel --iface, node annotation)"
            ],
            verify: ["capture again: the ICMP errors must be gone"]))
        continue
      }
      if let other = vxlan[(index + 1)...].first(where: {
        $0.key.port != t.key.port && $0.key.scope == t.key.scope
          && ($0.key.source == t.key.source && $0.key.destination == t.key.destination
            || $0.key.source == t.key.destination && $0.key.destination == t.key.source)
      }) {
        list.append(
          Finding(
            id: "vxlan-port", severity: .error, confidence: .likely,
            subject: .init(kind: "Tunnel", name: names(t), port: String(t.key.port)),
            problem:
              "two nodes use different VXLAN ports: \(names(t)) port \(t.key.port), \(names(other)) port \(other.key.port)",
            cause: "each side drops what comes to the other's port ← 4789 is the IANA port, 8472 the Linux default",
            evidence: [
              facts.evidence(t.firstFrame, "port \(t.key.port)"),
              facts.evidence(other.firstFrame, "port \(other.key.port)"),
              facts.filterEvidence("udp.port==\(t.key.port) || udp.port==\(other.key.port)"),
            ],
            fix: ["use one port on all nodes: ip -d link show type vxlan | grep dstport"],
            verify: ["capture again: one port only"]))
      }
    }
    return list
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
    return [
      Finding(
        id: "vxlan-overhead", severity: .info, confidence: .certain, subject: .init(kind: "Overlay", name: kinds),
        problem: "\(kinds) costs \(per) bytes a packet here: \(outer - inner) of \(outer) bytes, goodput share "
          + "\(inner * 1000 / max(1, outer) / 10).\(inner * 1000 / max(1, outer) % 10)%",
        cause:
          "outer \(first.key.version == 4 ? "IPv4 (20)" : "IPv6 (40)") + UDP (8) + header (8 and Geneve's options) + inner Ethernet (14); "
          + "on a link of \(mtu) bytes inner interfaces should have MTU \(mtu - max(nominal, per))",
        evidence: [
          facts.evidence(first.firstFrame, "\(names(first)), identifier \(first.identifier)"),
          facts.evidence(
            carried.max { $0.largestInner < $1.largestInner }!.largestInnerFrame,
            "the largest inner packet: \(carried.map(\.largestInner).max() ?? 0) bytes"),
        ],
        verify: ["ip -d link show type vxlan   (mtu)"])
    ]
  }
}

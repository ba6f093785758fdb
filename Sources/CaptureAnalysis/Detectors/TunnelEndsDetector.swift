import Findings
import Wire

/// The two ends of VXLAN tunnels: different ports or VNIs, far ends that refuse, packets that nothing answers.
struct TunnelEndsDetector: Detector {
  /// Whatever the port, the VNI and the direction.
  private struct Ends: MixHashable {
    var low: Bits128
    var high: Bits128
    var scope: UInt32

    init(_ key: TunnelKey) {
      low = min(key.source, key.destination)
      high = max(key.source, key.destination)
      scope = key.scope
    }
  }
  /// More ports between two hosts than any configuration has.
  private static let maximumPerPair = 16

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var list: [Finding] = []
    var alone: [Tunnel] = []
    // A port known by its content only may be a socket's, other than VXLAN's of one port for both ends.
    let learned = facts.vxlanPorts.learned
    let vxlan = facts.tunnels.all.filter {
      $0.key.kind == .vxlan && !$0.isMulticast && !learned.contains($0.key.port)
    }
    var pairs = KeyTable<Ends>()
    var members: [[Int]] = []
    var answered: Set<UInt32> = []
    for (index, t) in vxlan.enumerated() {
      if t.isAnswered { answered.insert(t.identifier) }
      guard let pair = pairs.number(Ends(t.key)) else { continue }
      if pair == members.count { members.append([]) }
      if members[pair].count < Self.maximumPerPair { members[pair].append(index) }
    }
    for (index, t) in vxlan.enumerated() where list.count < 3 {
      let between = pairs.find(Ends(t.key)).map { members[$0] } ?? []
      if t.unreachable != 0xFFFF {
        let isPort = t.unreachable == 0x0303 || t.unreachable == 0x0104
        list.append(
          Finding(
            id: isPort ? "vxlan-port" : "wrong-vtep", severity: .error, confidence: .certain,
            subject: .init(kind: "Tunnel", name: t.names, port: String(t.key.port)),
            problem: "VXLAN packets \(t.names) to port \(t.key.port) are answered by "
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
              .advice(
                isPort
                  ? "use one port on all nodes: ip -d link show type vxlan | grep dstport"
                  : "bridge fdb show dev flannel.1; correct the VTEP address (flannel --iface, node annotation)")
            ],
            verify: ["kubepath capture --live any --filter icmp  # the errors must be gone"]))
        continue
      }
      if !t.isAnswered,
        let other = between.first(where: { $0 > index && vxlan[$0].key.port != t.key.port && !vxlan[$0].isAnswered })
          .map({ vxlan[$0] })
      {
        list.append(
          Finding(
            id: "vxlan-port", severity: .error, confidence: .likely,
            subject: .init(kind: "Tunnel", name: t.names, port: String(t.key.port)),
            problem:
              "two nodes use different VXLAN ports: \(t.names) port \(t.key.port), \(other.names) port \(other.key.port)",
            cause: "each side drops what comes to the other's port ← 4789 is the IANA port, 8472 the Linux default",
            evidence: [
              facts.evidence(t.firstFrame, "port \(t.key.port)"),
              facts.evidence(other.firstFrame, "port \(other.key.port)"),
              facts.filterEvidence("udp.port==\(t.key.port) || udp.port==\(other.key.port)"),
            ],
            fix: [.advice("use one port on all nodes: ip -d link show type vxlan | grep dstport")],
            verify: [
              """
              kubepath capture --live any --filter \("udp port \(t.key.port) or udp port \(other.key.port)")  \
              # one port only
              """
            ]))
        continue
      }
      let backward = between.first { vxlan[$0].isReverse(of: t) }.map { vxlan[$0] }
      if let backward {
        guard backward.key.port == t.key.port, t.firstFrame < backward.firstFrame, !t.hasOther, !backward.hasOther,
          backward.identifier != t.identifier, !facts.senders.isLearned(.vxlan)
        else { continue }
        list.append(identifiers(t, backward, facts))
      } else if t.packets >= 3, !t.isAnswered, t.calls >= 3 || !answered.contains(t.identifier) {
        // Where the VNI works between others, what is flooded to everybody proves nothing.
        if !isTakenOut(t, facts) { alone.append(t) }
      }
    }
    guard list.isEmpty, let first = alone.first else { return list }
    // Looked for among the first only: what is wrong with many shows in few.
    for t in alone.prefix(256) {
      if let other = alone.prefix(256).first(where: {
        $0.key.source == t.key.destination && $0.identifier == t.identifier
      }) {
        return [astray(t, other, facts)]
      }
    }
    return [oneWay(first, facts)]
  }

  /// Whether the capture, of the receiving node, also shows what the tunnel carries as it goes on from the tunnel's end:
  /// what does not answer then is behind it. (On the sending node it shows before.)
  private func isTakenOut(_ t: Tunnel, _ facts: borrowing CaptureAnalyzer) -> Bool {
    var found = false
    facts.visitAll { carried in
      guard !found, carried.pointee.scope != 0,
        carried.pointee.firstFrame == t.firstFrame || carried.pointee.lastFrame == t.lastFrame
      else { return }
      var key = carried.pointee.key
      key.scope = t.key.scope
      let plain = facts.conversations.find(key, facts.conversations.hash(key))
      found =
        plain >= 0 && carried.pointee.firstFrame < facts.conversations.records.pointer(plain).pointee.firstFrame
    }
    return found
  }

  private func oneWay(_ t: Tunnel, _ facts: borrowing CaptureAnalyzer) -> Finding {
    Finding(
      id: "vxlan-port", severity: .error, confidence: t.hasSeveralCalled ? .likely : .possible,
      subject: .init(kind: "Tunnel", name: t.names, port: String(t.key.port)),
      problem: "\(plural(t.packets, "VXLAN packet")) \(t.names) to port \(t.key.port), none comes back",
      cause:
        "the far end does not get them or does not take them ← a firewall, security group or hypervisor that drops UDP "
        + "\(t.key.port), a VXLAN device with another port or VNI there, or a VTEP address that is no node's"
        + (t.hasSeveralCalled
          ? ""
          : "; or only \(t.called.map(\.description) ?? "what was dialled") does not answer: nothing else was dialled"),
      evidence: [
        facts.evidence(t.firstFrame, "the first of them, VNI \(t.identifier)"),
        facts.filterEvidence("udp.port==\(t.key.port)"),
      ],
      fix: [
        .advice("on the far node: tcpdump -ni any udp port \(t.key.port); ip -d link show type vxlan; bridge fdb show"),
        .advice(
          "open UDP \(t.key.port) between the nodes, or use another port where the hypervisor takes this one for itself"
        ),
      ],
      verify: ["kubepath capture SENDER.pcap RECEIVER.pcap  # taken on both nodes at once"])
  }

  private func astray(_ t: Tunnel, _ other: Tunnel, _ facts: borrowing CaptureAnalyzer) -> Finding {
    Finding(
      id: "wrong-vtep", severity: .error, confidence: .likely,
      subject: .init(kind: "Tunnel", name: other.names, port: String(other.key.port)),
      problem: "\(t.destination) gets VXLAN packets from \(t.source) and sends its own to \(other.destination)",
      cause:
        "one of the two addresses is no VTEP of that node ← a wrong public-ip annotation or --iface, or two addresses on one node",
      evidence: [
        facts.evidence(t.firstFrame, t.names), facts.evidence(other.firstFrame, other.names),
        facts.filterEvidence("udp.port==\(t.key.port) && ip.addr==\(t.destination)"),
      ],
      fix: [
        .advice(
          "on \(t.destination): bridge fdb show; correct the VTEP address of the other node (annotation, InternalIP)")
      ],
      verify: ["kubepath capture --live any --filter \("udp port \(t.key.port)")  # packets go to \(t.source)"])
  }

  private func identifiers(_ t: Tunnel, _ backward: Tunnel, _ facts: borrowing CaptureAnalyzer) -> Finding {
    Finding(
      id: "vxlan-port", severity: .error, confidence: .likely,
      subject: .init(kind: "Tunnel", name: t.names, port: String(t.key.port)),
      problem:
        "the two directions have different VNIs: \(t.names) \(t.identifier), \(backward.names) \(backward.identifier)",
      cause:
        "each side drops what carries a VNI that it has no device for ← two configurations, or two CNIs on one port",
      evidence: [
        facts.evidence(t.firstFrame, "VNI \(t.identifier)"),
        facts.evidence(backward.firstFrame, "VNI \(backward.identifier)"),
        facts.filterEvidence("vxlan.vni==\(t.identifier) || vxlan.vni==\(backward.identifier)"),
      ],
      fix: [.advice("use one VNI on all nodes: ip -d link show type vxlan   (id)")],
      verify: ["kubepath capture --live any --filter \("udp port \(t.key.port)")  # one VNI only"])
  }
}

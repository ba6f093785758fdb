import Findings
import Wire

/// Fragments: outer packets of an overlay (its MTU is wrong), datagrams with missing pieces, and fragments as such.
struct FragmentationDetector: Detector {
  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var list: [Finding] = []
    let groups = facts.fragments.groups.sorted { $0.fragments > $1.fragments }
    let timeouts = facts.icmpEvents.filter { $0.isTimeExceeded && $0.code == 1 }
    for group in groups.filter({ $0.overlay > 0 }).prefix(3) { list.append(overlay(group, facts)) }
    for group in groups.filter({ lost($0) && $0.overlay == 0 }).prefix(3) { list.append(incomplete(group, facts)) }
    // Whole here, not where they went: the receiver says so (RFC 792, time exceeded, code 1).
    func failed(_ group: FragmentTable.Group) -> [ICMPEvent] {
      timeouts.filter { $0.quotedSource == group.key.source && $0.quotedDestination == group.key.destination }
    }
    let whole = groups.filter { $0.overlay == 0 && !lost($0) }
    for group in whole.filter({ !failed($0).isEmpty }).prefix(3) { list.append(beyond(group, failed(group), facts)) }
    // Pieces with a corrupt header are counted, and nobody puts them together.
    let rest = whole.filter { $0.datagrams > 0 && failed($0).isEmpty }
    if let first = rest.first {
      let fragments = rest.reduce(0) { $0 + $1.fragments }
      let datagrams = rest.reduce(0) { $0 + $1.datagrams }
      let overlaps = rest.reduce(0) { $0 + $1.overlaps }
      list.append(
        Finding(
          id: "fragmentation", severity: overlaps > 0 ? .warning : .info, confidence: .certain,
          subject: .init(kind: "Path", name: names(first)),
          problem:
            "\(plural(datagrams, "datagram")) of \(plural(rest.count, "pair")) of hosts in \(plural(fragments, "fragment")); what is here arrives whole"
            + (overlaps > 0 ? ", but \(overlaps) pieces overlap with different bounds" : ""),
          cause: "datagrams of up to \(rest.map(\.largestDatagram).max() ?? 0) bytes on a path that takes "
            + "\(rest.map(\.largestFragment).max() ?? 0)-byte packets",
          evidence: rest.prefix(3).map {
            facts.evidence(
              $0.firstFrame, "\(names($0)): \(plural($0.fragments, "fragment")), \(plural($0.datagrams, "datagram"))")
          }
            + [facts.filterEvidence(filter(first))],
          fix: [.advice("nothing needs to be done where they arrive; for DNS, keep EDNS buffers at 1232 bytes")]))
    }
    return list
  }

  private func lost(_ group: FragmentTable.Group) -> Bool { group.incomplete > 0 }

  private func names(_ group: FragmentTable.Group) -> String {
    let version: IPVersion = group.key.version == 4 ? .v4 : .v6
    return
      "\(IPAddress(bits: group.key.source, version: version)) → \(IPAddress(bits: group.key.destination, version: version))"
  }

  private func filter(_ group: FragmentTable.Group) -> String {
    let version: IPVersion = group.key.version == 4 ? .v4 : .v6
    let source = IPAddress(bits: group.key.source, version: version)
    return version == .v4
      ? "(ip.flags.mf==1 || ip.frag_offset>0) && ip.src==\(source)" : "ipv6.fraghdr && ipv6.src==\(source)"
  }

  private func overlay(_ group: FragmentTable.Group, _ facts: borrowing CaptureAnalyzer) -> Finding {
    Finding(
      id: "overlay-mtu", severity: .error, confidence: .certain, subject: .init(kind: "Tunnel", name: names(group)),
      problem: "the overlay's outer packets \(names(group)) are fragmented: \(plural(group.datagrams, "packet")) in "
        + "\(group.fragments) fragments\(group.incomplete > 0 ? ", \(group.incomplete) of them incomplete" : "")",
      cause:
        "inner packets plus the encapsulation are larger than the link (\(group.largestFragment) bytes are the largest "
        + "fragment) ← the inner interfaces' MTU is not lowered by the overhead (50 bytes over IPv4, 70 over IPv6)",
      evidence: [
        facts.evidence(group.firstFrame, "first fragment, to UDP port \(group.destinationPort)"),
        facts.evidence(group.secondFrame, "another fragment"), facts.filterEvidence(filter(group)),
      ].filter { $0.frame != nil || $0.filter != nil },
      fix: [
        .advice(
          "set the MTU of the tunnel device and of the Pods to the link's MTU minus the overhead (1450 on a 1500-byte link)"
        ),
        .advice("or raise the link's MTU by 50 bytes (70 over IPv6) on every node and switch"),
      ],
      verify: [
        "ip -d link show type vxlan", "kubepath capture --live any --filter udp  # no outer fragments may be left",
      ])
  }

  /// Fragments that all pass here and do not all reach the receiver.
  private func beyond(
    _ group: FragmentTable.Group, _ errors: [ICMPEvent], _ facts: borrowing CaptureAnalyzer
  ) -> Finding {
    Finding(
      id: "udp-fragments-lost", severity: .error, confidence: .certain,
      subject: .init(kind: "Path", name: names(group)),
      problem:
        "\(errors[0].address(errors[0].reporter)) got \(plural(errors.count, "datagram")) \(names(group)) in part "
        + "only and gave up on the rest",
      cause:
        "fragments are lost behind this capture ← later fragments carry no ports: a NAT, firewall or load balancer "
        + "that does not reassemble drops them or sends them elsewhere",
      evidence: [
        facts.evidence(errors[0].frame, "ICMP: fragment reassembly time exceeded"),
        facts.evidence(group.firstFrame, "the first fragment of this pair"),
        facts.filterEvidence("\(filter(group)) || \(errors[0].version == .v4 ? "icmp.type==11" : "icmpv6.type==3")"),
      ],
      fix: [
        .advice("send smaller datagrams (DNS: EDNS buffer 1232; others: below the path MTU)"),
        .advice("or let fragments through: nf_defrag on the NATing node, fragment rules in the firewall"),
      ],
      verify: ["nstat -az IpReasmFails Ip6ReasmFails  # on the receiver: must not grow"])
  }

  private func incomplete(_ group: FragmentTable.Group, _ facts: borrowing CaptureAnalyzer) -> Finding {
    let udp = group.key.proto == 17
    let later = group.onlyFirst > group.withoutFirst
    // A capture filter with a port sees first pieces only, as a receiver does whose router drops the others.
    let onlyFirst = group.complete == 0 && group.onlyFirst == group.incomplete
    return Finding(
      id: udp ? "udp-fragments-lost" : "fragmentation",
      severity: udp && !onlyFirst && group.incomplete > 2 ? .error : .warning,
      confidence: group.complete == 0 && !onlyFirst ? .likely : .possible,
      subject: .init(kind: "Path", name: names(group)),
      problem:
        "\(group.incomplete) of \(plural(group.datagrams, "fragmented datagram")) \(names(group)) never become whole",
      cause: later
        ? "only the first piece arrives ← later fragments carry no ports: a NAT, firewall or load balancer that does not "
          + "reassemble drops them or sends them elsewhere"
          + (onlyFirst ? "; or the capture was filtered by port, which later fragments do not show" : "")
        : "pieces are missing ← loss on the way, or a middlebox that drops fragments",
      evidence: [
        facts.evidence(
          group.incompleteFrame,
          "the first incomplete datagram; \(group.onlyFirst) lack all but the first piece, \(group.withoutFirst) lack the first"
        ),
        facts.filterEvidence(filter(group)),
      ],
      fix: [
        .advice("send smaller datagrams (DNS: EDNS buffer 1232; others: below the path MTU)"),
        .advice("or let fragments through: nf_defrag on the NATing node, fragment rules in the firewall"),
      ],
      verify: ["nstat -az IpReasmFails Ip6ReasmFails  # on the receiver: must not grow"])
  }
}

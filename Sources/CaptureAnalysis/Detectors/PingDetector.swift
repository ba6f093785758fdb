import Findings
import Wire

/// Small pings are answered, large ones are not: the path carries less than its ends believe.
struct PingDetector: Detector {
  /// One may be lost by chance.
  private static let silent = 2
  /// The smallest packet that every link of IPv4 carries; below it size is not what stops a ping.
  private static let small = 576

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    facts.pings.finished().filter { pair, sizes in
      // Where a router says why, one is enough.
      let silent =
        facts.icmpEvents.contains { $0.isTooBig && $0.address($0.quotedDestination) == pair.destination }
        ? 1 : Self.silent
      return sizes.answers > 0 && sizes.silent >= silent && sizes.unanswered > sizes.answered
        && sizes.unanswered > Self.small
        && sizes.unanswered < .max
    }.prefix(3).map { pair, sizes in
      let told = facts.icmpEvents.first {
        $0.isTooBig && $0.address($0.quotedDestination) == pair.destination
          && $0.address($0.quotedSource) == pair.source
      }
      let isTold = told.map { $0.mtu > 0 } ?? false
      var evidence = [
        facts.evidence(sizes.answeredFrame, "echo request of \(sizes.answered) bytes, answered"),
        facts.evidence(sizes.unansweredFrame, "echo request of \(sizes.unanswered) bytes, no answer"),
      ]
      if let told {
        evidence.append(
          facts.evidence(told.frame, "\(told.address(told.reporter)): fragmentation needed, MTU \(told.mtu)"))
      }
      evidence.append(facts.filterEvidence("icmp && ip.addr==\(pair.destination)"))
      return Finding(
        id: isTold ? "overlay-mtu" : "pmtu-black-hole", severity: .error, confidence: .likely,
        subject: .init(kind: "Address", name: pair.destination.description, address: pair.destination),
        problem:
          "\(pair.destination) answers pings of up to \(sizes.answered) bytes and none of \(sizes.unanswered) or more",
        cause: isTold
          ? "the path carries \(told!.mtu) bytes, as \(told!.address(told!.reporter)) says ← an overlay or a tunnel on the way whose overhead the sender's MTU leaves out"
          : "a link on the way carries less than \(sizes.unanswered) bytes and nobody says so ← an overlay's MTU, and ICMP errors that are dropped",
        evidence: evidence,
        fix: [
          .advice(
            "lower the MTU of the Pods' interfaces (the network plugin's setting) to what passes\(isTold ? ", \(told!.mtu)" : "")"
          )
        ], verify: ["ping -M do -s \(max(0, sizes.answered - 28)) \(pair.destination)"])
    }
  }
}

import Findings
import Wire

/// What cannot be said because of the capture itself: one direction only, cut, snapped, packets dropped while capturing.
struct CaptureLimitsDetector: Detector {
  private var oneWay = 0
  private var bothWays = 0
  private var example: (FrameReference, String, String)?

  mutating func examine(_ c: ConversationView) {
    // A SYN without an answer is a finding of its own, not a missing direction.
    guard c.isTCP, c.record.totalPackets > 3, !c.isUnansweredSyn else { return }
    if c.record.isOneWay {
      oneWay += 1
      if example == nil { example = (c.record.firstFrame, c.endpoints, c.filter) }
    } else {
      bothWays += 1
    }
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var list: [Finding] = []
    if oneWay > 0, oneWay >= max(1, bothWays / 10), let example {
      list.append(
        Finding(
          id: "one-direction-only", severity: .info, confidence: .certain, subject: .init(kind: "Capture"),
          problem: "\(oneWay) of \(plural(oneWay + bothWays, "TCP conversation")) show one direction only",
          cause:
            "the other direction takes another way or was filtered out of the capture; whether segments arrive and how "
            + "long answers take cannot be said for these",
          evidence: [facts.evidence(example.0, example.1), facts.filterEvidence(example.2)],
          fix: [.advice("capture on -i any, or on both sides")]))
    }
    if facts.counts.packets > 0, facts.counts.undecoded >= facts.counts.packets {
      let types = Set(facts.summaries.flatMap(\.linkTypes)).sorted().joined(separator: ", ")
      list.append(
        Finding(
          id: "capture-unreadable", severity: .warning, confidence: .certain, subject: .init(kind: "Capture"),
          problem: "none of \(plural(facts.counts.packets, "frame")) could be decoded"
            + (types.isEmpty ? "" : ": link type \(types)"),
          cause:
            "what stands in the frames is not IP in any form that is known here; nothing can be said of the traffic",
          fix: [.advice("capture where IP shows: tcpdump -i any; or let Wireshark say what it is: capinfos FILE")]))
    }
    var limits: [Finding.Evidence] = []
    for summary in facts.summaries {
      if let damage = summary.damage { limits.append(.init(file: summary.file, text: damage.description)) }
      if summary.dropped > 0 {
        limits.append(.init(file: summary.file, text: "\(summary.dropped) packets were dropped while capturing"))
      }
    }
    if facts.counts.snapped > 0 {
      limits.append(
        .init(
          text:
            "\(facts.counts.snapped) of \(facts.counts.packets) frames were snapped: checksums and contents beyond are unknown"
        ))
    }
    if facts.counts.tcpAckedUnseen > 0 {
      limits.append(
        .init(
          text:
            "\(plural(facts.counts.tcpAckedUnseen, "acknowledgment")) of data that is not here, or only later: packets were lost "
            + "while capturing, or clocks differ (Wireshark display filter: tcp.analysis.ack_lost_segment)"))
    }
    if facts.conversations.evicted > 0 {
      limits.append(.init(text: "\(facts.conversations.evicted) idle conversations were dropped from the table"))
    }
    let isWhole = limits.isEmpty
    for summary in facts.summaries where summary.ahead != 0 {
      let way = summary.ahead > 0 ? "ahead of" : "behind"
      limits.append(
        .init(
          file: summary.file,
          text:
            "its clock is \(seconds(abs(summary.ahead))) \(way) the first capture's, as packets show that both hold: its "
            + "times were corrected"))
    }
    if !limits.isEmpty {
      list.append(
        Finding(
          id: "capture-damaged", severity: .info, confidence: .certain, subject: .init(kind: "Capture"),
          problem: isWhole ? "the captures' clocks differ" : "the capture does not hold everything",
          cause: isWhole
            ? "a host's clock is not synchronized ← chrony or another NTP client does not run there"
            : "see the evidence; absence of a packet here proves nothing",
          evidence: Array(limits.prefix(8)),
          fix: [
            .advice(
              isWhole
                ? "see whether the clock is kept: chronyc tracking; timedatectl"
                : "capture whole frames with a larger buffer: tcpdump -s 0 -B 16384 -w FILE")
          ]))
    }
    return list
  }
}

import Findings
import Wire

/// SYNs whose timestamps go backwards behind one translated address and stay unanswered: a server with
/// net.ipv4.tcp_tw_recycle (kernels before 4.12) drops them.
struct TimestampsNATDetector: Detector {
  private struct Attempt {
    var time: Int64
    var timestamp: UInt32
    var answered: Bool
    var frame: FrameReference
  }
  private var suspects = KeyTable<ClientTarget>()
  /// Unanswered attempts of each.
  private var unanswered: [Int] = []
  private static let enough = 3

  /// Of 2^16, for a pair of addresses in either order.
  @inline(__always) private static func bit(_ a: IPAddress, _ b: IPAddress) -> Int {
    Int(truncatingIfNeeded: mix(a.bits.low ^ b.bits.low, 0x9E37_79B9_7F4A_7C15) >> 16) & 0xFFFF
  }

  mutating func examine(_ c: ConversationView) {
    guard c.isUnansweredSyn, c.clientHalf.hasTimestamp else { return }
    guard let pair = suspects.number(ClientTarget(client: c.client, target: c.target), limit: 4096) else {
      return
    }
    if pair == unanswered.count { unanswered.append(0) }
    unanswered[pair] += 1
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    guard unanswered.contains(where: { $0 >= Self.enough }) else { return [] }
    var attempts = [[Attempt]](repeating: [], count: suspects.count)
    var kept = 0
    // Most conversations are of other pairs, which a look at a few bits tells.
    var filter = [UInt64](repeating: 0, count: 1 << 10)
    for (pair, count) in unanswered.enumerated() where count >= Self.enough {
      let bit = Self.bit(suspects.keys[pair].client, suspects.keys[pair].target.address)
      filter[bit >> 6] |= 1 << UInt64(bit & 63)
    }
    facts.visitKeys { record in
      let bit = Self.bit(record.pointee.address(0), record.pointee.address(1))
      guard filter[bit >> 6] >> UInt64(bit & 63) & 1 != 0, kept < 65_536, record.pointee.phase.contains(.syn),
        let pair = suspects.find(ClientTarget(client: record.pointee.client, target: record.pointee.target)),
        unanswered[pair] >= Self.enough
      else { return }
      let c = facts.view(record)
      guard c.clientHalf.syns > 0, c.clientHalf.hasTimestamp else { return }
      kept += 1
      attempts[pair].append(
        Attempt(
          time: c.clientHalf.firstSynTime, timestamp: c.clientHalf.timestamp, answered: !c.isUnansweredSyn,
          frame: c.clientHalf.firstSyn))
    }
    var list: [Finding] = []
    let order = attempts.indices.sorted { (attempts[$0].first?.frame ?? .none) < (attempts[$1].first?.frame ?? .none) }
    for number in order {
      let pair = suspects.keys[number]
      let sorted = attempts[number].sorted { $0.time < $1.time }
      var newest: UInt32?
      var back = 0
      var backLost = 0
      var lost = 0
      var example: Attempt?
      for attempt in sorted {
        if !attempt.answered { lost += 1 }
        if let newest, before(attempt.timestamp, newest) {
          back += 1
          if !attempt.answered {
            backLost += 1
            example = example ?? attempt
          }
        } else if attempt.answered {
          newest = attempt.timestamp
        }
      }
      // All that went backwards were dropped, nothing else was.
      guard backLost >= Self.enough, backLost == back, lost == backLost, let example, list.count < 2 else { continue }
      list.append(
        Finding(
          id: "tcp-timestamps-nat", severity: .error, confidence: .likely,
          subject: .init(
            kind: "Endpoint", name: pair.target.address.description, address: pair.target.address,
            port: String(pair.target.port)),
          problem:
            "\(backLost) SYNs from \(pair.client) to \(pair.target.text) with an older timestamp than a connection before got no answer",
          cause: "several hosts behind one address have different TCP clocks, and the server drops what looks old ← "
            + "net.ipv4.tcp_tw_recycle=1 on the server",
          evidence: [
            facts.evidence(example.frame, "TSval \(example.timestamp) goes backwards, no answer"),
            facts.filterEvidence("ip.addr==\(pair.client) && tcp.flags.syn==1 && tcp.options.timestamp"),
          ], fix: [.command("sysctl -w net.ipv4.tcp_tw_recycle=0", why: "on \(pair.target.address)")],
          verify: ["nstat -az TcpExtPAWSPassive"], reference: "kubernetes/kubernetes#33945"))
    }
    return list
  }
}

import Findings
import Wire

/// SYNs that carry data (TCP Fast Open, RFC 7413) vanish, the plain ones that follow are answered.
struct FastOpenDetector: Detector {
  private var tally = Tally<Target>()
  private var accepted = 0

  mutating func examine(_ c: ConversationView) {
    guard c.both.seen.contains(.synData), c.server.synAcks > 0 else { return }
    let delay = c.clientHalf.lastSynTime &- c.clientHalf.firstSynTime
    guard c.clientHalf.syns > 1, delay > 900_000_000 else {
      accepted += 1
      return
    }
    let ends = c.ends
    tally.add(
      c.target, client: c.client, amount: delay,
      example: .init(frames: [c.clientHalf.firstSyn, c.clientHalf.lastSyn, c.server.synAck]) {
        .init(
          text: "\(ends.text): no answer to a SYN with data; \(seconds(delay)) later a SYN without is answered",
          filter: ends.filter)
      })
  }

  func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    guard tally.total > accepted else { return [] }
    return tally.top(3).map { target, entry in
      Finding(
        id: "fastopen-dropped", severity: .warning, confidence: entry.count > 1 ? .likely : .possible,
        subject: .init(
          kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
        problem:
          "\(plural(entry.count, "connection")) to \(target.text) start \(seconds(entry.worst)) late: SYNs with data get no "
          + "answer, plain ones do",
        cause: "something on the way drops SYNs that carry data ← a firewall that takes TCP Fast Open for an attack",
        evidence: facts.evidence([(target, entry)], filter: "tcp.flags.syn==1 && tcp.len>0"),
        fix: [.command("sysctl -w net.ipv4.tcp_fastopen=0", why: "on the client")],
        verify: ["nstat -az TcpExtTCPFastOpenActiveFail  # on the client: must not grow"], reference: "RFC 7413")
    }
  }
}

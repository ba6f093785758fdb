import Findings
import Wire

/// Attempts answered by a reset: the host is there, nobody listens on the port (or a rule says so with tcp-reset).
struct ConnectionRefusedDetector: Detector {
  private var tally = Tally<Target>()

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP, c.clientHalf.syns > 0, c.server.synAcks == 0, c.server.resets > 0 else { return }
    let delay = c.server.health.firstResetTime - c.clientHalf.firstSynTime
    let ends = c.ends
    tally.add(
      c.target, client: c.client,
      example: .init(frames: [c.clientHalf.firstSyn, c.server.health.firstReset]) {
        .init(text: "\(ends.text): SYN, reset after \(seconds(delay))", filter: ends.filter)
      })
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(5).map { target, entry in
      Finding(
        id: "connection-refused", severity: .error, confidence: .certain,
        subject: .init(
          kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
        problem: "\(plural(entry.count, "connection attempt")) to \(target.text) answered by a reset",
        cause:
          "nobody listens on \(target.text) ← the process is down, listens on another port or on 127.0.0.1 only, or a "
          + "rule rejects with tcp-reset",
        evidence: facts.evidence([(target, entry)]),
        fix: [
          .advice(
            "compare targetPort with the container's port: kubectl get endpointslices -A | grep \(target.address)")
        ],
        verify: ["ss -lntp 'sport = :\(target.port)'  # in the Pod's network namespace"])
    }
  }
}

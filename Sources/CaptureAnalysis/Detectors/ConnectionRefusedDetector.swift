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

  /// Who was served, in connections that others dialled beside these.
  private func served(_ facts: borrowing CaptureAnalyzer) -> Set<IPAddress> {
    guard tally.top(5).contains(where: { $0.1.count == 1 }) else { return [] }
    var served: Set<IPAddress> = []
    facts.visitAll { c in
      if served.count < 1024, c.pointee.phase.contains(.synAck) { served.insert(c.pointee.client) }
    }
    return served
  }

  /// One attempt of somebody who is served nowhere, while others are: most likely a scan.
  private func isStray(_ entry: Tally<Target>.Entry, _ served: Set<IPAddress>) -> Bool {
    entry.count == 1 && !served.isEmpty && entry.clients.keys.allSatisfy { !served.contains($0) }
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let served = served(facts)
    return tally.top(5).map { target, entry in
      let known = WellKnownPort.refusedAdvice(target.port, at: target.address.description)
      return Finding(
        id: "connection-refused", severity: isStray(entry, served) ? .warning : .error, confidence: .certain,
        subject: .init(
          kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
        problem: "\(plural(entry.count, "connection attempt")) to \(target.text) answered by a reset",
        cause: known?.cause
          ?? "nobody listens on \(target.text) ← the process is down, listens on another port or on 127.0.0.1 only, or a "
          + "rule rejects with tcp-reset",
        evidence: facts.evidence([(target, entry)]),
        fix: [
          .advice(
            known?.advice
              ?? "compare targetPort with the container's port: kubectl get endpointslices -A | grep \(target.address)")
        ],
        verify: ["ss -lntp 'sport = :\(target.port)'  # in the Pod's network namespace"])
    }
  }
}

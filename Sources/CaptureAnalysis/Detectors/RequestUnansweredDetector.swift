import Findings
import Wire

/// Requests that the server took, acknowledged and never answered, until the client gave up: the program behind the socket
/// hangs. Probes that time out look so.
struct RequestUnansweredDetector: Detector {
  /// The shortest timeout that probes have (timeoutSeconds: 1), a little less for clocks.
  private static let patience: Int64 = 900_000_000
  private var tally = Tally<Target>()
  private var requests: Set<Target> = []

  mutating func examine(_ c: ConversationView) {
    let (client, server) = (c.clientPointer, c.serverPointer)
    guard client.pointee.segments > 0, client.pointee.segments <= 4, server.pointee.segments == 0,
      client.pointee.syns > 0, server.pointee.synAcks > 0, server.pointee.resets == 0,
      c.both.seen.isDisjoint(with: [.clientHello, .applicationData])
    else { return }
    // All of it was acknowledged, so it did arrive.
    let end = client.pointee.baseSequence &+ 1 &+ client.pointee.largestPayload
    guard server.pointee.lastAck != 0, !before(server.pointee.lastAck, end), !server.pointee.health.hole.exists else {
      return
    }
    guard client.pointee.resets > 0 || c.record.phase.contains(.fin) else { return }
    let wait = c.record.lastTime &- client.pointee.lastData
    guard wait >= Self.patience else { return }
    if c.both.seen.contains(.plainRequest), requests.count < 4096 { requests.insert(c.target) }
    let ends = c.ends
    tally.add(
      c.target, client: c.client, amount: wait,
      example: .init(frames: [client.pointee.lastDataFrame, c.record.lastFrame]) {
        .init(
          text: "\(ends.text): the request was acknowledged, no answer in \(seconds(wait)), then the client hung up",
          filter: ends.filter)
      })
  }

  func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).compactMap { target, entry in
      let isRequest = requests.contains(target)
      // Of other protocols it is not known whether an answer is owed: once may be how they are.
      guard isRequest || entry.count > 2 else { return nil }
      return Finding(
        id: "request-unanswered", severity: isRequest ? .error : .warning,
        confidence: isRequest && entry.count > 1 ? .likely : .possible,
        subject: .init(
          kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
        problem: "\(target.text) takes \(plural(entry.count, "request")) and never answers: "
          + "\(plural(entry.clients.count, "client")) gave up after \(seconds(entry.worst))",
        cause:
          "the program behind the socket hangs or is overloaded, the kernel acknowledges in its name ← a deadlock, a CPU limit, "
          + "what it waits for itself; a probe with such a timeout marks the Pod not ready or restarts it",
        evidence: facts.evidence([(target, entry)]),
        fix: [
          .advice(
            "look at the program, not at the network: kubectl describe pod (probe failures), kubectl top pod, its own log"
          )
        ], verify: ["curl -m 5 -w '%{time_total}\\n' -o /dev/null -s \("http://\(target.text)/")"])
    }
  }
}

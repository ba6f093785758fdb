import Findings
import Wire

/// Servers that end connections by a reset in the middle: instead of an answer, or behind a part of one.
struct ConnectionResetDetector: Detector {
  private struct Key: MixHashable {
    var target: Target
    /// A request was on its way, not an answer.
    var insteadOfAnswer: Bool
  }
  /// As long as this no NAT, load balancer or conntrack table forgets a connection that is silent.
  private static let briefIdleness: Int64 = 60_000_000_000

  private var tally = Tally<Key>()
  private var behindIdleness: Set<Target> = []

  mutating func examine(_ c: ConversationView) {
    // Behind a FIN resets are how many programs hang up.
    guard c.isTCP, c.record.phase.contains(.reset), !c.record.phase.contains(.fin) else { return }
    let (client, server) = (c.clientPointer, c.serverPointer)
    guard server.pointee.resets > 0, client.pointee.resets == 0, client.pointee.segments > 0,
      server.pointee.synAcks > 0 || server.pointee.segments > 0
    else { return }
    let tls = c.both.seen
    guard !tls.contains(.clientHello) || tls.contains(.serverHello) else { return }
    let insteadOfAnswer = c.record.lastDataDirection == c.record.initiator
    let idle = insteadOfAnswer && server.pointee.lastData > 0 ? client.pointee.lastData - server.pointee.lastData : 0
    if idle > Self.briefIdleness, behindIdleness.count < 4096 { behindIdleness.insert(c.target) }
    let trouble = server.pointee.trouble
    let delay = trouble.pointee.firstResetTime - client.pointee.lastData
    let ends = c.ends
    tally.add(
      Key(target: c.target, insteadOfAnswer: insteadOfAnswer), client: c.client,
      example: .init(frames: [trouble.pointee.firstReset, client.pointee.lastDataFrame]) {
        .init(
          text: "\(ends.text): the server's reset came \(seconds(delay)) behind the client's last data"
            + (idle > Self.briefIdleness ? ", which came after \(seconds(idle)) of silence" : ""), filter: ends.filter)
      })
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).map { key, entry in
      let isIdle = key.insteadOfAnswer && behindIdleness.contains(key.target)
      return Finding(
        id: "connection-reset", severity: key.insteadOfAnswer ? .warning : .info, confidence: .likely,
        subject: .init(
          kind: "Endpoint", name: key.target.address.description, address: key.target.address,
          port: String(key.target.port)),
        problem: "\(plural(entry.count, "connection")) to \(key.target.text) reset by the server "
          + (key.insteadOfAnswer ? "instead of an answer" : "behind its last data, without a FIN"),
        cause: isIdle
          ? "what stands before the server forgot the connection while nothing was sent ← an idle timeout of a load "
            + "balancer, a NAT or conntrack that is shorter than the pause"
          : "the server's program ended, gave up or hung up hard ← a crash or restart, a full queue, a limit, or a device "
            + "on the way that resets in its name",
        evidence: facts.evidence([(key, entry)]),
        fix: isIdle
          ? [
            .advice(
              "keep-alives more often than the timeout: sysctl net.ipv4.tcp_keepalive_time; or a pool that drops old ones"
            )
          ]
          : [
            .advice(
              "see whether it restarts: kubectl get pods -A -o wide | grep \(key.target.address); kubectl logs --previous POD"
            )
          ],
        verify: ["nstat -az TcpOutRsts TcpExtTCPAbortOnData TcpExtTCPAbortOnClose  # where the server runs"])
    }
  }
}

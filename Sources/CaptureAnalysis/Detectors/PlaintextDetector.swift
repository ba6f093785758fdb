import Findings
import Wire

/// HTTP in the clear to a port that speaks TLS: a mesh's STRICT sidecar resets it, a server says so or sends an alert.
struct PlaintextDetector: Detector {
  private enum Ending: Hashable { case reset, alert, told }
  private struct Key: MixHashable {
    var target: Target
    var ending: Ending
  }

  private var tally = Tally<Key>()
  /// Targets that did answer such a request: what they reset now and then is something else.
  private var answering: Set<Target> = []
  /// A sidecar that finds no TLS record resets at once.
  private static let atOnce: Int64 = 100_000_000

  mutating func examine(_ c: ConversationView) {
    guard c.both.seen.contains(.plainRequest) else { return }
    let server = c.serverPointer
    let ending: Ending
    if c.both.seen.contains(.wantsTLS) {
      ending = .told
    } else if server.pointee.segments > 0 {
      guard server.pointee.tls.state == .records else {
        if answering.count < 4096 { answering.insert(c.target) }
        return
      }
      ending = .alert
    } else {
      guard server.pointee.resets > 0,
        server.pointee.health.firstResetTime &- c.clientPointer.pointee.lastData < Self.atOnce
      else { return }
      ending = .reset
    }
    let ends = c.ends
    let frames =
      ending == .reset
      ? [c.clientHalf.lastDataFrame, server.pointee.health.firstReset]
      : [c.clientHalf.lastDataFrame, server.pointee.lastDataFrame]
    tally.add(
      Key(target: c.target, ending: ending), client: c.client,
      example: .init(frames: frames) {
        .init(text: "\(ends.text): an HTTP request, \(Self.text(ending))", filter: ends.filter)
      })
  }

  private static func text(_ ending: Ending) -> String {
    switch ending {
    case .reset: "reset at once"
    case .alert: "answered by a TLS alert"
    case .told: "answered by status 400, which asks for HTTPS"
    }
  }

  func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).compactMap { key, entry in
      // A single reset has many reasons.
      guard key.ending != .reset || entry.count > 1 && !answering.contains(key.target) else { return nil }
      return Finding(
        id: "plaintext-to-tls", severity: .error, confidence: key.ending == .reset ? .likely : .certain,
        subject: .init(
          kind: "Endpoint", name: key.target.address.description, address: key.target.address,
          port: String(key.target.port)),
        problem: "\(plural(entry.count, "plain HTTP request")) to \(key.target.text), which wants TLS: "
          + Self.text(key.ending),
        cause: key.ending == .reset
          ? "something in front of the program takes TLS only ← a mesh's PeerAuthentication STRICT and a client without sidecar; or a "
            + "TLS server that says nothing; or the program resets such requests itself"
          : "the port speaks HTTPS, the client or its probe HTTP ← a Service's port or appProtocol, an Ingress backend-protocol or a "
            + "probe's scheme that says HTTP",
        evidence: facts.evidence([(key, entry)]),
        fix: key.ending == .reset
          ? [
            .advice(
              "see who requires TLS: kubectl get peerauthentications -A; give the client a sidecar, or make that port PERMISSIVE"
            )
          ] : [.advice("let the client speak HTTPS: the scheme of the probe, the Ingress' backend protocol, the URL")],
        verify: ["curl -vk \("https://\(key.target.text)/")  # a handshake"])
    }
  }
}

import Findings
import Wire

/// Attempts answered by an ICMP unreachable message: a REJECT rule, or a host or port that is not there.
struct RejectedByICMPDetector: Detector {
  private struct Key: MixHashable {
    var target: Target
    var reporter: IPAddress
    var type: UInt8
    var code: UInt8
    var version: IPVersion
    /// The conversation had answers before.
    var answered: Bool

    var isTimeExceeded: Bool { type == (version == .v4 ? 11 : 3) }
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var tally = Tally<Key>()
    for event in facts.icmpEvents where event.isUnreachable || event.isTimeExceeded && event.code == 0 {
      guard event.quotedProtocol != 0, event.isUnreachable || runsInCircle(event, facts) else { continue }
      var answered = false
      if event.conversation >= 0 {
        let c = facts.conversations.records.pointer(Int(event.conversation))
        answered = !c.pointee.isOneWay
      }
      let key = Key(
        target: Target(
          address: event.address(event.quotedDestination), port: event.quotedDestinationPort,
          proto: event.quotedProtocol),
        reporter: event.address(event.reporter), type: event.type, code: event.code, version: event.version,
        answered: answered)
      // A client that closed its socket before the DNS answer came is no fault of the path.
      if event.quotedProtocol == 17, event.quotedSourcePort == 53 { continue }
      if facts.vxlanPorts[event.quotedDestinationPort], event.quotedProtocol == 17 { continue }
      var frames = [event.frame]
      var filter =
        event.version == .v4 ? "icmp && ip.addr==\(key.target.address)" : "icmpv6 && ipv6.addr==\(key.target.address)"
      if event.conversation >= 0 {
        let c = facts.view(facts.conversations.records.pointer(Int(event.conversation)))
        frames.append(c.record.firstFrame)
        // The error matches too, by the headers that it quotes.
        filter = c.filter
      }
      tally.add(
        key, client: event.address(event.quotedSource),
        example: .init(
          frames: frames,
          text: "\(ICMPEvent.name(event.version, type: event.type, code: event.code)) from \(key.reporter) to "
            + "\(event.address(event.receiver)) about \(endpointText(event.address(event.quotedSource), event.quotedSourcePort))"
            + " → \(key.target.text)",
          filter: filter
        ))
    }
    return tally.top(5).map { key, entry in finding(key, entry, facts) }
  }

  /// Traceroute sends its packets with few hops to go; those of connections that TCP dials are unanswered SYNs.
  private func runsInCircle(_ event: ICMPEvent, _ facts: borrowing CaptureAnalyzer) -> Bool {
    guard event.quotedProtocol != 6, event.conversation >= 0 else { return false }
    let c = facts.conversations.records.pointer(Int(event.conversation))
    return c.pointee.isOneWay && max(c.pointee.ttl[0], c.pointee.ttl[1]) >= 32
  }

  /// Not every rejection is a fault: a traceroute ends in one, and an application that hangs up leaves its peer's last
  /// packets without a listener.
  private func severity(_ key: Key, _ count: Int, closedPort: Bool) -> Finding.Severity {
    let port = key.target.port
    switch key.target.proto {
    case 17:
      if key.answered || (33_434...33_625).contains(port) { return .info }
      return count < 2 || closedPort && port >= 32_768 ? .warning : .error
    case 6:
      // A server's packet to a client's port, or a connection attempt.
      return key.answered || port >= 32_768 && count < 2 ? .warning : .error
    default: return count < 2 ? .warning : .error
    }
  }

  private func finding(_ key: Key, _ entry: Tally<Key>.Entry, _ facts: borrowing CaptureAnalyzer) -> Finding {
    let name = ICMPEvent.name(key.version, type: key.type, code: key.code)
    let own = key.reporter == key.target.address
    let udpPort = key.target.proto == 17 && (key.version == .v4 ? key.code == 3 : key.code == 4)
    let proto = IPProtocol(rawValue: key.target.proto).description
    let cause: String
    if key.isTimeExceeded {
      cause = "packets run in a circle until their hop limit ends ← two routers or nodes send them to each other"
    } else if key.version == .v4 ? key.code == 1 || key.code == 0 : key.code == 0 || key.code == 3 {
      // The error of a translated packet comes from the address that was dialled.
      cause =
        own
        ? "what stands behind \(key.target.address) cannot be reached ← no route to it, or no neighbour answers: its host is "
          + "down or gone"
        : "\(key.reporter) has no way to \(key.target.address) ← no route, or no neighbour answers for it"
    } else if udpPort, own {
      cause = "nobody listens on \(proto)/\(key.target.port) at \(key.target.address)"
    } else {
      cause =
        "a rule on \(key.reporter) rejects it (REJECT --reject-with \(name)) ← a Service without endpoints, a firewall such as "
        + "firewalld, or a network policy"
    }
    return Finding(
      id: "rejected-by-icmp", severity: severity(key, entry.count, closedPort: udpPort && own), confidence: .certain,
      subject: .init(
        kind: "Endpoint", name: key.target.address.description, address: key.target.address,
        port: key.target.hasPort ? String(key.target.port) : nil),
      problem:
        "\(plural(entry.count, "packet")) to \(proto) \(key.target.text) answered by \(name) from \(key.reporter)",
      cause: cause, evidence: facts.evidence([(key, entry)]),
      fix: key.isTimeExceeded
        ? [.advice("on \(key.reporter) and the next hop: ip route get \(key.target.address)")]
        : [
          .advice(
            "on \(own ? "the node" : "\(key.reporter)"): iptables-save -c | grep REJECT; nft list ruleset | grep reject"
          )
        ],
      verify: [key.target.traceCommand(from: entry)])
  }
}

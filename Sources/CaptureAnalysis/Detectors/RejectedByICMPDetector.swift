import Findings
import Wire

/// Attempts answered by an ICMP unreachable message: a REJECT rule, or a host or port that is not there.
struct RejectedByICMPDetector: Detector {
  private struct Key: Hashable {
    var target: Target
    var reporter: IPAddress
    var type: UInt8
    var code: UInt8
    var version: IPVersion
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var tally = Tally<Key>()
    for event in facts.icmpEvents where event.isUnreachable {
      guard event.quotedProtocol != 0 else { continue }
      let key = Key(
        target: Target(
          address: event.address(event.quotedDestination), port: event.quotedDestinationPort,
          proto: event.quotedProtocol),
        reporter: event.address(event.reporter), type: event.type, code: event.code, version: event.version)
      // A client that closed its socket before the DNS answer came is no fault of the path.
      if event.quotedProtocol == 17, event.quotedSourcePort == 53 { continue }
      if facts.isVXLANPort[Int(event.quotedDestinationPort)], event.quotedProtocol == 17 { continue }
      var frames = [event.frame]
      if event.conversation >= 0 {
        frames.insert(facts.conversations.records.pointer(Int(event.conversation)).pointee.firstFrame, at: 0)
      }
      tally.add(
        key, client: event.address(event.quotedSource),
        example: .init(
          frames: frames.reversed(),
          text: "\(ICMPEvent.name(event.version, type: event.type, code: event.code)) from \(key.reporter) to "
            + "\(event.address(event.receiver)) about \(endpointText(event.address(event.quotedSource), event.quotedSourcePort))"
            + " → \(key.target.text)",
          filter:
            "\(event.version == .v4 ? "icmp" : "icmpv6") && \(event.version == .v4 ? "ip" : "ipv6").addr==\(key.target.address)"
        ))
    }
    return tally.top(5).map { key, entry in finding(key, entry, facts) }
  }

  private func finding(_ key: Key, _ entry: Tally<Key>.Entry, _ facts: borrowing CaptureAnalyzer) -> Finding {
    let name = ICMPEvent.name(key.version, type: key.type, code: key.code)
    let own = key.reporter == key.target.address
    let udpPort = key.target.proto == 17 && (key.version == .v4 ? key.code == 3 : key.code == 4)
    let proto = IPProtocol(rawValue: key.target.proto).description
    let cause: String
    if key.version == .v4 ? key.code == 1 || key.code == 0 : key.code == 0 || key.code == 3 {
      cause = "\(key.reporter) has no way to \(key.target.address) ← no route, or no neighbour answers for it"
    } else if udpPort, own {
      cause = "nobody listens on \(proto)/\(key.target.port) at \(key.target.address)"
    } else {
      cause =
        "a rule on \(key.reporter) rejects it (REJECT --reject-with \(name)) ← a Service without endpoints, a firewall such as "
        + "firewalld, or a network policy"
    }
    return Finding(
      id: "rejected-by-icmp", severity: .error, confidence: .certain,
      subject: .init(kind: "Endpoint", name: key.target.address.description, port: String(key.target.port)),
      problem:
        "\(plural(entry.count, "packet")) to \(proto) \(key.target.text) answered by \(name) from \(key.reporter)",
      cause: cause, evidence: facts.evidence([(key, entry)]),
      fix: ["on \(key.reporter): iptables-save -c | grep REJECT; nft list ruleset | grep reject"],
      verify: [
        "kubepath trace \(key.target.text) --from \(entry.clients.first.map(\.description) ?? "CLIENT") -s NODE/"
      ])
  }
}

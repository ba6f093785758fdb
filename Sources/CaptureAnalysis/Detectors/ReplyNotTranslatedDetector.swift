import Findings
import Wire

/// Answers from an address that the client never dialled: the NAT that changed the destination was not undone on the
/// way back. The client answers such a SYN-ACK with a reset, or drops it.
struct ReplyNotTranslatedDetector: Detector {
  private struct Attempt {
    var server: IPAddress
    var port: UInt16
    var frame: FrameReference
    var nextSequence: UInt32
    var answered: Bool
    /// The client went on as if it had been answered; a reset behind its data only ends what worked.
    var continued: Bool
    var time: Int64
    /// When either side last sent data.
    var lastData: Int64
  }
  private struct Stray {
    var client: IPAddress
    var clientPort: UInt16
    var server: IPAddress
    var serverPort: UInt16
    var frame: FrameReference
    var reset: FrameReference
    var acknowledges: UInt32
    var isSynAck: Bool
    /// The SYN to this address was seen as well.
    var isDialled = false
    var time: Int64
    var filter: String
  }
  private struct ClientPort: Hashable {
    var address: IPAddress
    var port: UInt16
  }

  private static let maximum = 65_536
  private var strays: [Stray] = []

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP else { return }
    // A capture on the node shows the translated SYN too; its answer is as strange to the client, who resets it.
    guard c.clientHalf.syns == 0 || c.isRefusedAnswer else { return }
    if c.server.synAcks > 0, strays.count < Self.maximum {
      strays.append(
        Stray(
          client: c.client, clientPort: c.record.clientPort, server: c.target.address,
          serverPort: c.target.port,
          frame: c.server.synAck, reset: c.clientHalf.health.firstReset, acknowledges: c.server.synAckAcknowledges,
          isSynAck: true, isDialled: c.clientHalf.syns > 0,
          time: c.record.firstTime, filter: c.filter))
    } else if c.server.synAcks == 0, strays.count < Self.maximum {
      // In the middle: one side sends data, the other only resets.
      let client = c.clientHalf
      let server = c.server
      if server.segments > 0 || server.resets == 0, client.resets > 0, client.segments == 0 {
        strays.append(
          Stray(
            client: c.client, clientPort: c.record.clientPort, server: c.target.address,
            serverPort: c.target.port, frame: c.record.firstFrame, reset: client.health.firstReset,
            acknowledges: 0,
            isSynAck: false, time: c.record.firstTime, filter: c.filter))
      }
    }
  }

  /// The connections that clients of strays dialled.
  private func dialledAttempts(_ facts: borrowing CaptureAnalyzer) -> [ClientPort: [Attempt]] {
    guard !strays.isEmpty else { return [:] }
    let wanted = Set(strays.map { ClientPort(address: $0.client, port: $0.clientPort) })
    var attempts: [ClientPort: [Attempt]] = [:]
    for index in 0..<facts.conversations.records.count {
      let c = facts.view(facts.conversations.records.pointer(index))
      guard c.isTCP, c.clientHalf.syns > 0 else { continue }
      let key = ClientPort(address: c.client, port: c.record.clientPort)
      guard wanted.contains(key), (attempts[key]?.count ?? 0) < 8 else { continue }
      attempts[key, default: []].append(
        Attempt(
          server: c.target.address, port: c.target.port, frame: c.clientHalf.firstSyn,
          nextSequence: c.clientHalf.baseSequence &+ 1, answered: c.server.synAcks > 0,
          continued: c.clientHalf.lastAck != 0 && (c.clientHalf.resets == 0 || c.clientHalf.segments > 0),
          time: c.record.firstTime, lastData: max(c.clientHalf.lastData, c.server.lastData)))
    }
    return attempts
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let attempts = dialledAttempts(facts)
    var untranslated = Tally<Target>()
    var invalid = Tally<Target>()
    var expired = Tally<Target>()
    var dialled: [Target: Target] = [:]
    for stray in strays {
      let key = ClientPort(address: stray.client, port: stray.clientPort)
      guard let known = attempts[key] else { continue }
      // With the same first number where there are several: it is the same connection, translated.
      let others = known.filter { $0.server != stray.server || $0.port != stray.serverPort }
      let match = others.first { $0.nextSequence == stray.acknowledges } ?? others.first
      guard let match else { continue }
      let source = Target(address: stray.server, port: stray.serverPort)
      let target = Target(address: match.server, port: match.port)
      if stray.isSynAck {
        guard stray.acknowledges == match.nextSequence || !match.answered && !stray.isDialled else { continue }
        // A bridge device shows packets after the destination was changed and answers after it was changed back
        // (br_netfilter), another tap of the node the endpoint's own answers too: the client is content.
        if match.continued, !stray.reset.exists { continue }
        dialled[source] = target
        untranslated.add(
          source, client: stray.client,
          example: .init(
            frames: [match.frame, stray.frame, stray.reset],
            text:
              "\(endpointText(stray.client, stray.clientPort)) dialled \(target.text), the SYN-ACK came from \(source.text)"
              + (stray.reset.exists ? ", the client reset it" : ""), filter: stray.filter))
      } else if match.answered, match.time <= stray.time {
        if stray.time &- match.lastData > NATEntryExpiredDetector.idleness, match.lastData > 0 {
          expired.add(
            target, client: stray.client,
            example: .init(
              frames: [stray.frame, stray.reset, match.frame],
              text: "\(endpointText(stray.client, stray.clientPort)) → \(target.text): after "
                + "\(seconds(stray.time &- match.lastData)) of silence a packet comes from \(source.text), not translated, and is "
                + "reset",
              filter: stray.filter))
          continue
        }
        dialled[source] = target
        invalid.add(
          source, client: stray.client,
          example: .init(
            frames: [stray.frame, stray.reset, match.frame],
            text:
              "in the middle of \(endpointText(stray.client, stray.clientPort)) → \(target.text) a packet came from "
              + "\(source.text) and was reset", filter: stray.filter))
      }
    }
    var list = untranslated.top(3).map { source, entry in
      finding(
        "reply-not-translated", source, dialled[source]!, entry, facts,
        cause:
          "the destination was changed on the way there and not changed back ← the answer bypasses the node that holds "
          + "the conntrack entry (bridge-nf-call-iptables off, missing masquerade, asymmetric route, same-node Pod to Pod)"
      )
    }
    list += invalid.top(3).map { source, entry in
      finding(
        "invalid-packet-reset", source, dialled[source]!, entry, facts,
        cause:
          "conntrack called a packet INVALID (out of window), passed it untranslated, and the client reset the connection"
      )
    }
    list += expired.top(3).map { NATEntryExpiredDetector.finding($0, $1, facts) }
    list += datagrams(facts)
    return list
  }

  private func finding(
    _ id: String, _ source: Target, _ target: Target, _ entry: Tally<Target>.Entry, _ facts: borrowing CaptureAnalyzer,
    cause: String
  ) -> Finding {
    Finding(
      id: id, severity: .error, confidence: .certain,
      subject: .init(kind: "Frontend", name: target.address.description, port: String(target.port)),
      problem: "answers to \(target.text) come from \(source.text), which the client never dialled "
        + "(\(plural(entry.count, "connection")))",
      cause: cause,
      evidence: facts.evidence(
        [(source, entry)],
        filter: anyOf([target, source].map { "\($0.address.version == .v4 ? "ip" : "ipv6").addr==\($0.address)" })),
      fix: id == "invalid-packet-reset"
        ? [
          .command("sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=1"),
          .advice("or drop INVALID packets before they are forwarded, as kube-proxy does since 1.15"),
        ]
        : [
          .command(
            "modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1", why: "for Pods of one bridge"),
          .advice("or masquerade this traffic: kube-proxy --masquerade-all or --cluster-cidr"),
        ],
      verify: ["conntrack -L -d \(target.address)  # the reply tuple must name \(source.address)"])
  }

  /// The same for DNS over UDP: an answer with the identifier of a question that was put to somebody else.
  private func datagrams(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    guard !facts.dns.strangers.isEmpty else { return [] }
    var tally = Tally<Target>()
    var dialled: [Target: Target] = [:]
    var open: [ClientPort: [(UInt16, IPAddress, FrameReference)]] = [:]
    for index in 0..<facts.dns.queries.count where open.count < Self.maximum {
      let query = facts.dns.queries.pointer(index).pointee
      guard query.answerTime < 0 else { continue }
      open[ClientPort(address: facts.dns.client(of: query), port: query.clientPort), default: []].append(
        (query.identifier, facts.dns.server(of: query), query.firstFrame))
    }
    for stranger in facts.dns.strangers {
      let version: IPVersion = stranger.version == 4 ? .v4 : .v6
      let client = IPAddress(bits: stranger.client, version: version)
      let server = IPAddress(bits: stranger.server, version: version)
      guard
        let asked = open[ClientPort(address: client, port: stranger.clientPort)]?.first(where: {
          $0.0 == stranger.identifier && $0.1 != server
        })
      else { continue }
      let source = Target(address: server, port: 53, proto: 17)
      dialled[source] = Target(address: asked.1, port: 53, proto: 17)
      tally.add(
        source, client: client,
        example: .init(
          frames: [asked.2, stranger.frame], text: "\(client) asked \(asked.1), \(server) answered",
          filter: "dns.id==0x" + String(stranger.identifier, radix: 16)))
    }
    return tally.top(3).map { source, entry in
      finding(
        "reply-not-translated", source, dialled[source]!, entry, facts,
        cause:
          "the destination was changed on the way there and not changed back ← the answer bypasses the node that holds the "
          + "conntrack entry")
    }
  }
}

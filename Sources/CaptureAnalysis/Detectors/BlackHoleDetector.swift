import Findings
import Wire

/// Full-size segments that are sent again and again while small ones arrive: something on the way drops what is too
/// large for a link, and the ICMP message that would say so is missing or ignored (RFC 2923).
struct BlackHoleDetector: Detector {
  private struct Pair: Hashable {
    var sender: IPAddress
    var receiver: IPAddress
    var tunnelled: Bool
    var ignored: Bool
  }

  private var tally = Tally<Pair>()
  private var mtus: [Pair: Int] = [:]
  private var sizes: [Pair: (stuck: Int, passed: Int)] = [:]

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP, c.clientHalf.worstCount >= 2 || c.server.worstCount >= 2 || c.record.oversized >= 2 else { return }
    side(
      c, half: c.clientHalf, other: c.server, sender: c.record.client, receiver: c.record.server,
      direction: Int(c.record.initiator))
    side(
      c, half: c.server, other: c.clientHalf, sender: c.record.server, receiver: c.record.client,
      direction: 1 - Int(c.record.initiator))
  }

  private mutating func side(
    _ c: ConversationView, half: TCPHalf, other: TCPHalf, sender: IPAddress, receiver: IPAddress, direction: Int
  ) {
    let announced = c.record.announcedMTU[direction]
    let ignored = announced != 0 && c.record.oversized >= 2
    guard half.worstCount >= 2 || ignored else { return }
    let peer = other.maximumSegment > 0 ? Int(other.maximumSegment) : 1460
    // Timestamps take 12 bytes of each segment.
    let full = min(peer, 1460) * 9 / 10 - 12
    if !ignored {
      guard Int(half.worstLength) >= min(full, 1200), half.worstLength > half.largestAcked else { return }
      // Acknowledged later all the same: it was loss, or the sender went over to smaller segments (PLPMTUD).
      let delivered = other.lastAck != 0 && before(half.worstSequence, other.lastAck)
      guard !delivered || half.largestAcked * 10 < half.worstLength * 9 else { return }
      // Something must have got through, else the host is simply gone.
      guard
        half.largestAcked > 0 || c.serverPackets > 1 && (other.synAcks > 0 || half.synAcks > 0 || other.segments > 0)
      else { return }
    }
    let pair = Pair(sender: sender, receiver: receiver, tunnelled: c.isTunnelled, ignored: ignored)
    if ignored { mtus[pair] = Int(announced) }
    let known = sizes[pair] ?? (0, 0)
    if sizes.count < 2048 {
      sizes[pair] = (max(known.stuck, Int(half.worstLength)), max(known.passed, Int(half.largestAcked)))
    }
    let text =
      ignored
      ? "\(c.endpoints): MTU \(announced) announced in frame \(c.record.announcedFrame.number), "
        + "\(plural(Int(c.record.oversized), "larger packet")) sent after that"
      : "\(c.endpoints): a segment of \(half.worstLength) bytes from \(sender) sent \(half.worstCount + 1) times without an "
        + "acknowledgment; the largest that arrived: \(half.largestAcked) bytes"
    tally.add(
      pair, client: c.record.client, amount: Int64(half.worstCount),
      example: .init(
        frames: ignored
          ? [c.record.oversizedFrame, c.record.announcedFrame] : [half.worstFirst, half.worstLast], text: text,
        filter: c.filter + " && tcp.len>0"))
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).map { pair, entry in
      let size = sizes[pair] ?? (0, 0)
      let overlay = pair.tunnelled
      let cause =
        pair.ignored
        ? "the sender does not take the announced MTU \(mtus[pair] ?? 0) ← ICMP is filtered on its side or belongs to a NATed "
          + "connection that is not recognised"
        : overlay
          ? "the inner packet and its outer header do not fit the link ← the inner interfaces' MTU is larger than the link's "
            + "minus the encapsulation (50 bytes for VXLAN over IPv4, 70 over IPv6)"
          : "a link on the way is smaller than the packets and its ICMP \"fragmentation needed\" does not arrive ← a rule or "
            + "firewall drops ICMP errors, or a tunnel drops what is too large without a word"
      return Finding(
        id: overlay && !pair.ignored ? "overlay-mtu" : "pmtu-black-hole", severity: .error,
        confidence: pair.ignored || entry.count > 1 ? .likely : entry.worst >= 3 ? .likely : .possible,
        subject: .init(kind: "Path", name: "\(pair.sender) → \(pair.receiver)"),
        problem: pair.ignored
          ? "\(pair.sender) keeps sending packets larger than the MTU announced for the way to \(pair.receiver)"
          : "large packets from \(pair.sender) to \(pair.receiver) never arrive, small ones do "
            + "(\(plural(entry.count, "conversation")))",
        cause: cause,
        evidence: facts.evidence([(pair, entry)]),
        fix: overlay
          ? [
            "set the MTU of Pod and tunnel interfaces to the link's MTU minus the overhead (for a 1500-byte link: 1450)",
            "or clamp: iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
          ]
          : [
            "let ICMP errors through: iptables -A INPUT -m conntrack --ctstate RELATED -j ACCEPT (and FORWARD)",
            "until then: sysctl -w net.ipv4.tcp_mtu_probing=1 on \(pair.sender)",
          ],
        verify: [
          "ping -M do -s \(size.stuck > 0 ? size.stuck : 1472) \(pair.receiver)   (must not be silent: an answer, or \"message too long\")"
        ], reference: "RFC 2923")
    }
  }
}

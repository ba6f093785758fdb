import Findings
import Wire

/// Full-size segments that are sent again and again while small ones arrive: something on the way drops what is too
/// large for a link, and the ICMP message that would say so is missing or ignored (RFC 2923).
struct BlackHoleDetector: Detector {
  private struct Pair: MixHashable {
    var sender: IPAddress
    var receiver: IPAddress
    var tunnelled: Bool
    var kind: Kind
  }

  private enum Kind: Hashable {
    /// Sent again and again, never acknowledged.
    case silent
    /// The sender found a size that passes by itself (RFC 4821, RFC 8899).
    case probed
    /// An MTU was announced and the sender does not take it.
    case ignored
  }

  /// Below that no link that people use is too small for a segment.
  static let largeSegment: UInt32 = 1200
  private var tally = Tally<Pair>()
  private var mtus: [Pair: Int] = [:]
  private var sizes: [Pair: Sizes] = [:]
  /// Pairs of which some conversation went on beside its large segments.
  private var proven: Set<Pair> = []

  /// Payloads of segments, and the whole IP packet of the largest.
  private struct Sizes {
    var stuck = 0
    var passed = 0
    var packet = 0
  }

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP, !c.isUnaccepted else { return }
    guard c.clientHalf.health.worstCount >= 2 || c.server.health.worstCount >= 2 || c.remarks.oversized >= 2 else {
      return
    }
    side(
      c, half: c.clientHalf, other: c.server, sender: c.client, receiver: c.target.address,
      direction: Int(c.record.initiator))
    side(
      c, half: c.server, other: c.clientHalf, sender: c.target.address, receiver: c.client,
      direction: 1 - Int(c.record.initiator))
  }

  private mutating func note(_ pair: Pair, stuck: Int, passed: Int, packet: Int) {
    guard sizes.count < 2048 || sizes[pair] != nil else { return }
    let known = sizes[pair, default: Sizes()]
    sizes[pair] = Sizes(
      stuck: max(known.stuck, stuck), passed: max(known.passed, passed), packet: max(known.packet, packet))
  }

  private mutating func side(
    _ c: ConversationView, half: TCPHalf, other: TCPHalf, sender: IPAddress, receiver: IPAddress, direction: Int
  ) {
    let announced = c.remarks.announcedMTU[direction]
    let ignored = announced != 0 && c.remarks.oversized >= 2
    guard half.health.worstCount >= 2 || ignored else { return }
    var delivered = false
    var isMute = false
    let peer = other.maximumSegment > 0 ? Int(other.maximumSegment) : 1460
    // Timestamps take 12 bytes of each segment.
    let full = min(peer, 1460) * 9 / 10 - 12
    if !ignored {
      guard Int(half.health.worstLength) >= min(full, Int(Self.largeSegment)),
        half.health.worstLength > half.largestAcked
      else { return }
      // Acknowledged later all the same: it was loss, or the sender went over to smaller segments (PLPMTUD).
      delivered = other.lastAck != 0 && before(half.health.worstSequence, other.lastAck)
      guard !delivered || half.largestAcked * 10 < half.health.worstLength * 9 else { return }
      // Something must have got through, else the host is simply gone. Where the first thing said is too large (an upload,
      // a ClientHello), that is the handshake only: what passed elsewhere between the two decides, at the end.
      let isShaken = other.synAcks > 0 || half.synAcks > 0
      isMute = half.largestAcked == 0 && !(c.serverPackets > 1 && (isShaken || other.segments > 0))
      guard !isMute || isShaken && half.health.worstCount >= 3 else { return }
    }
    let pair = Pair(
      sender: sender, receiver: receiver, tunnelled: c.isTunnelled,
      kind: ignored ? .ignored : delivered ? .probed : .silent)
    if ignored { mtus[pair] = Int(announced) }
    // Not the largest packet where an offload merged several before they were captured.
    let payload = ignored ? max(peer, Int(half.health.worstLength)) : Int(half.health.worstLength)
    let headers = (c.record.version == 4 ? 40 : 60) + (half.hasTimestamp ? 12 : 0)
    note(
      pair, stuck: Int(half.health.worstLength), passed: Int(half.largestAcked),
      packet: min(Int(c.record.largest[direction]), payload + headers))
    if !isMute { proven.insert(pair) }
    let text =
      ignored
      ? "\(c.endpoints): MTU \(announced) announced in frame \(c.remarks.announcedFrame.number), "
        + "\(plural(Int(c.remarks.oversized), "larger packet")) sent after that"
      : "\(c.endpoints): a segment of \(half.health.worstLength) bytes from \(sender) sent \(half.health.worstCount + 1) times "
        + (delivered ? "before it was cut into smaller ones" : "without an acknowledgment")
        + (half.largestAcked == 0
          ? "; nothing with a payload arrived" : "; the largest that arrived: \(half.largestAcked) bytes")
    tally.add(
      pair, client: c.client, amount: Int64(half.health.worstCount),
      example: .init(
        frames: ignored
          ? [c.remarks.oversizedFrame, c.remarks.announcedFrame] : [half.health.worstFirst, half.health.worstLast],
        text: text,
        // An ICMP error matches by the header that it quotes, but has no segment length.
        filter: ignored ? c.filter : c.filter + " && tcp.len>0"))
  }

  /// The largest segments that arrived in other conversations of pairs whose own say nothing.
  private func passedElsewhere(_ facts: borrowing CaptureAnalyzer) -> [Pair: Int] {
    let open = Set(sizes.keys).subtracting(proven).filter { $0.kind == .silent }
    guard !open.isEmpty else { return [:] }
    var passed: [Pair: Int] = [:]
    facts.visitAll {
      let c = facts.view($0)
      guard c.isTCP else { return }
      for (sender, receiver, half) in [
        (c.client, c.target.address, c.clientHalf), (c.target.address, c.client, c.server),
      ] {
        let pair = Pair(sender: sender, receiver: receiver, tunnelled: c.isTunnelled, kind: .silent)
        if half.largestAcked > 0, open.contains(pair) { passed[pair] = max(passed[pair] ?? 0, Int(half.largestAcked)) }
      }
    }
    return passed
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let elsewhere = passedElsewhere(facts)
    return tally.top(3).compactMap { pair, entry in
      let other = elsewhere[pair] ?? 0
      // Full segments arrive in other conversations: not their size stopped these.
      guard other * 10 < (sizes[pair]?.stuck ?? 0) * 9 || proven.contains(pair) else { return nil }
      let isShown = proven.contains(pair) || other > 0
      let size = sizes[pair] ?? Sizes()
      let overlay = pair.tunnelled && pair.kind != .ignored
      let overhead = facts.tunnels.all.contains { $0.key.version == 6 } ? 70 : 50
      let outer = size.packet + overhead
      // Already small enough for the link that the nodes have: then another one on the way is smaller.
      let isSmallerLink = overlay && outer <= facts.options.linkMTU ?? 1500
      return Finding(
        id: overlay ? "overlay-mtu" : "pmtu-black-hole", severity: pair.kind == .probed ? .warning : .error,
        confidence: isShown && (pair.kind == .ignored || entry.count > 1 || entry.worst >= 3) ? .likely : .possible,
        subject: .init(kind: "Path", name: "\(pair.sender) → \(pair.receiver)"),
        problem: problem(pair, entry.count, isShown: isShown),
        cause: isSmallerLink
          ? "a link between the nodes takes less than \(outer) bytes, the size of these packets with their outer header, and "
            + "says nothing ← a VPN, tunnel or cloud network below the overlay"
          : cause(pair, overlay: overlay)
            + (isShown ? "" : "; or \(pair.receiver) went silent behind the handshake: nothing small was sent either"),
        evidence: facts.evidence([(pair, entry)]),
        fix: isSmallerLink
          ? [
            .advice(
              "find what passes from node to node: ping -M do -s \(outer - 28) NODE, then smaller; that size plus 28 is the link's MTU"
            ),
            .advice("set the MTU of Pod and tunnel interfaces to it minus \(overhead)"),
          ]
          : overlay
            ? [
              .advice(
                "set the MTU of Pod and tunnel interfaces to the link's MTU minus the overhead (for a 1500-byte link: 1450)"
              ),
              .advice("or clamp: \(MSSDetector.clamp)"),
            ]
            : [
              .advice(
                "let ICMP errors through: iptables -I INPUT -m conntrack --ctstate RELATED -j ACCEPT (and FORWARD)"),
              .command("sysctl -w net.ipv4.tcp_mtu_probing=1", why: "on \(pair.sender), until then"),
            ],
        verify: [
          """
          ping -M do -s \(size.packet > 0 ? size.packet - (pair.receiver.version == .v4 ? 28 : 48) : 1472) \
          \(pair.receiver)  # must not be silent: an answer, or "message too long"
          """
        ], reference: "RFC 2923")
    }
  }

  private func problem(_ pair: Pair, _ count: Int, isShown: Bool) -> String {
    let conversations = "(\(plural(count, "conversation")))"
    switch pair.kind {
    case .ignored:
      return "\(pair.sender) keeps sending packets larger than the MTU announced for the way to \(pair.receiver)"
    case .probed:
      return
        "large packets from \(pair.sender) to \(pair.receiver) vanish until the sender tries smaller ones by itself "
        + "(path MTU probing) \(conversations)"
    case .silent:
      return "large packets from \(pair.sender) to \(pair.receiver) never arrive, "
        + (isShown ? "small ones do" : "handshakes do") + " \(conversations)"
    }
  }

  private func cause(_ pair: Pair, overlay: Bool) -> String {
    if pair.kind == .ignored {
      return
        "the sender does not take the announced MTU \(mtus[pair] ?? 0) ← ICMP is filtered on its side or belongs to a "
        + "NATed connection that is not recognised"
    }
    if overlay {
      return "the inner packet and its outer header do not fit the link ← the inner interfaces' MTU is larger than the "
        + "link's minus the encapsulation (50 bytes for VXLAN over IPv4, 70 over IPv6)"
    }
    return
      "a link on the way is smaller than the packets and its ICMP \"fragmentation needed\" does not arrive ← a rule or "
      + "firewall drops ICMP errors, or a tunnel drops what is too large without a word"
  }
}

import Findings
import Wire

/// Connection attempts to which nothing came back: dropped on the way, by a rule, or by a host that is not there.
struct SynUnansweredDetector: Detector {
  private var tally = Tally<Target>()
  private var single = Tally<Target>()
  /// Attempts whose answers were sent, again and again, and did not reach the client.
  private var lostAnswers = Tally<Target>()
  /// Captures on a node show an attempt before and after its translation and in the tunnel: it is counted where it was
  /// seen first.
  private var attempts = KeyTable<Attempt>()
  /// Where each of them went.
  private var dialled: [Target] = []
  private var furthest: [Target: Sight] = [:]
  /// Those whose answer was seen after all, in another conversation: past the tunnel that brought them, say.
  private var answered: [Attempt] = []
  private var hairpins = 0
  /// Attempts that announce no segment size, as every operating system does and generators of floods do not.
  private var bare = 0
  private var ttlExceeded = 0
  /// Conversations whose packets were seen again, further on their way.
  private var returned = 0

  /// What translation leaves as it is.
  private struct Attempt: MixHashable {
    var sequence: UInt32
    var timestamp: UInt32
    /// Nil where the timestamp tells attempts apart: masquerading changes the client.
    var client: IPAddress?
    var port: UInt16?

    init(_ c: ConversationView) {
      let half = c.clientPointer
      sequence = half.pointee.baseSequence
      timestamp = half.pointee.timestamp
      client = half.pointee.timestamp == 0 ? c.client : nil
      port = half.pointee.timestamp == 0 ? c.record.clientPort : nil
    }

    func mixed(_ seed: UInt64) -> UInt64 {
      let numbers = mix(
        UInt64(sequence) << 32 ^ UInt64(timestamp) ^ seed, UInt64(port ?? 0) << 8 ^ 0x1656_67B1_9E37_79F9)
      return client.map { mix(numbers ^ $0.mixed(seed), 0xC2B2_AE3D_27D4_EB4F) } ?? numbers
    }
  }

  /// How far an attempt came.
  private struct Sight {
    var ends: ConversationEnds
    var frame: FrameReference
  }

  private static let maximumAttempts = 65_536

  mutating func examine(_ c: ConversationView) {
    if c.isAnswerLost, c.clientHalf.syns > 1 {
      if answered.count < Self.maximumAttempts { answered.append(Attempt(c)) }
      lostAnswers.add(
        c.target, client: c.client, amount: Int64(c.server.synAcks),
        example: .init(
          frames: [c.clientHalf.firstSyn, c.server.synAck, c.clientHalf.lastSyn],
          text:
            "\(c.endpoints): \(plural(Int(c.clientHalf.syns), "SYN")) and \(plural(Int(c.server.synAcks), "SYN-ACK")), no "
            + "acknowledgment", filter: c.filter))
    }
    guard c.isUnansweredSyn else { return }
    let timeExceeded = c.remarks.icmpError >> 8 == (c.record.version == 4 ? 11 : 3)
    guard c.remarks.icmpError == 0xFFFF || timeExceeded else { return }
    let half = c.clientHalf
    if c.client == c.target.address { hairpins += 1 }
    let attempt = Attempt(c)
    let known = attempts.count
    if let number = attempts.number(attempt, limit: Self.maximumAttempts) {
      guard number == known else {
        if furthest.count < Self.maximumAttempts {
          furthest[dialled[number]] = Sight(ends: c.ends, frame: half.firstSyn)
        }
        return
      }
      dialled.append(c.target)
    }
    let firstTTL = c.record.ttl[Int(c.record.initiator)]
    if c.remarks.duplicates > 0, half.lastTTL < firstTTL { returned += 1 }
    // Copies of one packet, and not something else that the client said; those on other interfaces are a hop older at most.
    let circles = c.remarks.duplicates > 0 && half.resets == 0 && Int(firstTTL) - Int(half.lastTTL) > 3
    if timeExceeded || circles { ttlExceeded += 1 }
    // A client that is told gives up at once: no retry is needed as a proof.
    if half.syns > 1 || timeExceeded || circles {
      tally.add(c.target, client: c.client, amount: Int64(half.syns), example: Self.example(c))
    } else {
      if half.maximumSegment == 0 { bare += 1 }
      single.add(
        c.target, client: c.client, amount: 0 &- half.lastSynTime, keepFirst: true, example: Self.example(c))
    }
  }

  private static func example(_ c: ConversationView) -> Tally<Target>.Example {
    let half = c.clientHalf
    let (syns, span) = (Int(half.syns), half.lastSynTime - half.firstSynTime)
    let ends = c.ends
    return Tally<Target>.Example(
      frames: [half.firstSyn, half.secondSyn, half.lastSyn].reduce(into: []) { list, frame in
        if frame.exists, list.last != frame { list.append(frame) }
      }
    ) {
      .init(
        text: "\(ends.text): \(plural(syns, "SYN"))\(syns > 1 ? " over \(seconds(span))" : ""), no answer",
        filter: ends.filter)
    }
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let served = served(facts)
    let beside = answeredBeside()
    var list: [Finding] = []
    let silent = SilentNetwork.among(
      tally.top(Tally<Target>.maximumKeys).filter { served[$0.0] == nil && (beside[$0.0] ?? 0) < $0.1.count })
    list += silent.prefix(3).map { $0.finding(facts) }
    let told = Set(silent.flatMap(\.targets))
    for (target, entry) in tally.top(told.isEmpty ? 5 : Tally<Target>.maximumKeys)
    where beside[target] ?? 0 < entry.count && !told.contains(target) && list.count < 5 {
      if let flood = flood(target, entry, facts) {
        list.append(flood)
        continue
      }
      list.append(finding(target, entry, facts, served: served[target], retried: true))
    }
    for (target, entry) in lostAnswers.top(3) {
      list.append(oneWay(target, entry, facts, isBeside: beside[target] != nil))
    }
    if tally.isEmpty {
      // Without a retry the answer may only have come after the capture's end, unless the earliest waited long enough.
      // Where many ask once and no other segment is there, the capture was filtered for SYNs.
      let isFiltered = facts.counts.tcp == facts.counts.tcpSyn && bare * 10 < single.total * 9
      for (target, entry) in single.top(3)
      where isForged(entry) || 0 &- entry.worst < facts.end &- 3_000_000_000 && !(isFiltered && entry.count > 2) {
        list.append(finding(target, entry, facts, served: served[target], retried: false))
      }
    }
    return list
  }

  /// How many of the attempts to each place came in one way (through a tunnel) and were answered another.
  private func answeredBeside() -> [Target: Int] {
    var counts: [Target: Int] = [:]
    for attempt in answered { if let number = attempts.find(attempt) { counts[dialled[number], default: 0] += 1 } }
    return counts
  }

  /// Connections that a place did take.
  private struct Served {
    var taken = 0
    /// Those in which it said something, and be it that it closes: a full queue accepts in the kernel only.
    var spoken = 0
  }

  /// What the places that did not answer some did for others.
  private func served(_ facts: borrowing CaptureAnalyzer) -> [Target: Served] {
    guard !tally.isEmpty || !single.isEmpty else { return [:] }
    var served: [Target: Served] = [:]
    for (target, _) in tally.top(tally.total > 8 ? Tally<Target>.maximumKeys : 5) + single.top(3) {
      served[target] = Served()
    }
    facts.visitKeys { c in
      guard c.pointee.phase.contains(.synAck), var known = served[c.pointee.target] else { return }
      let view = facts.view(c)
      guard view.serverPointer.pointee.synAcks > 0, view.clientPointer.pointee.lastAck != 0 else { return }
      known.taken += 1
      let server = view.serverPointer
      if before(server.pointee.baseSequence &+ 1, server.pointee.nextSequence) { known.spoken += 1 }
      served[c.pointee.target] = known
    }
    return served.filter { $0.value.taken > 0 }
  }

  private func cause(
    _ target: Target, _ entry: Tally<Target>.Entry, _ facts: borrowing CaptureAnalyzer, served: Served?, retried: Bool
  ) -> String {
    if hairpins == entry.count {
      return
        "the packet goes back to the Pod it came from and is dropped ← the bridge port has hairpin mode off, or the "
        + "source was not masqueraded"
    }
    if ttlExceeded > 0 {
      return "packets run in a circle until their hop limit ends ← two routers or nodes send them to each other"
    }
    if returned > 0, !facts.mayDuplicate {
      return "a router sends the packets back out of the interface they came in, with a lower hop limit ← its route to "
        + "\(target.address) leads back: a loop, or a route that is missing there"
    }
    if isFlood(entry, retried: retried) {
      return
        "every client asks once and never again, as no real one does ← forged source addresses: a SYN flood or a scan"
    }
    guard let served else {
      return
        "dropped silently ← a DROP rule or network policy, a cloud firewall or security group, a host that is down, or "
        + "a route that leads nowhere" + unmasqueraded(target, entry)
    }
    if served.spoken == 0 {
      return
        "the listener's accept queue is full: of the \(plural(served.taken, "connection")) that it took, it never said "
        + "a word in any ← its program hangs or accepts too slowly"
    }
    return
      "dropped silently while other attempts to the same place succeed ← conntrack or SNAT ports run out, a rate limit, "
      + "a listener whose accept queue is full, or one backend of several is gone"
  }

  /// Very many ask once; that a few sources come twice is chance, or a generator that runs out of numbers.
  private func flood(
    _ target: Target, _ entry: Tally<Target>.Entry, _ facts: borrowing CaptureAnalyzer
  ) -> Finding? {
    guard let once = single.entry(target), once.count >= entry.count * 10, isFlood(once, retried: false) else {
      return nil
    }
    return finding(target, once, facts, served: nil, retried: false)
  }

  /// A flood as no filter for SYNs makes one of real clients.
  private func isForged(_ entry: Tally<Target>.Entry) -> Bool {
    isFlood(entry, retried: false) && bare * 10 >= single.total * 9
  }

  private func isFlood(_ entry: Tally<Target>.Entry, retried: Bool) -> Bool {
    !retried && entry.count >= HalfOpenDetector.fewest && entry.clients.count * 10 >= min(entry.count, 1024) * 9
  }

  private func finding(
    _ target: Target, _ entry: Tally<Target>.Entry, _ facts: borrowing CaptureAnalyzer, served: Served?,
    retried: Bool
  ) -> Finding {
    let isFlood = isFlood(entry, retried: retried)
    return Finding(
      id: isFlood ? "syn-flood" : "syn-unanswered", severity: retried ? .error : .warning,
      confidence: served != nil ? .likely : .certain,
      subject: .init(
        kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
      problem: "\(plural(entry.count, "connection attempt")) to \(target.text) from "
        + "\(plural(entry.clients.count, "client")) got no answer\(retried && entry.worst > 1 ? ", retries included" : "")",
      cause: cause(target, entry, facts, served: served, retried: retried),
      evidence: facts.evidence(
        [(target, entry)],
        filter: anyOf(entry.examples.map(\.filter) + (furthest[target].map { [$0.ends.filter] } ?? [])))
        + lastSight(target, facts) + circle(target, facts),
      fix: isFlood
        ? HalfOpenDetector.floodFixes
        : (served.map { $0.spoken == 0 ? HalfOpenDetector.queueAdvice(target) : [] } ?? []) + [
          .advice(
            """
            look for what drops it: \(target.traceCommand(from: entry)); \
            iptables-save -c | grep -E 'DROP|KUBE-FIREWALL'; nft list ruleset | grep -w drop
            """)
        ],
      verify: [
        "kubepath capture --live any --filter \(target.captureFilter)  # on the server's node"
      ])
  }

  /// The destination was translated and the client left as it was: its answer need not come back through here.
  private func unmasqueraded(_ target: Target, _ entry: Tally<Target>.Entry) -> String {
    guard let ends = furthest[target]?.ends, ends.scope != 0, ends.server != target.address,
      entry.clients.keys.contains(ends.client)
    else { return "" }
    return "; or the answer goes past this node, as the source was not masqueraded"
  }

  /// Where on this node the attempts were seen last.
  private func lastSight(_ target: Target, _ facts: borrowing CaptureAnalyzer) -> [Finding.Evidence] {
    guard let sight = furthest[target] else { return [] }
    return [facts.evidence(sight.frame, "seen last as \(sight.ends.text)")]
  }

  /// The ICMP error that says where the packets' hop limit ended.
  private func circle(_ target: Target, _ facts: borrowing CaptureAnalyzer) -> [Finding.Evidence] {
    guard ttlExceeded > 0,
      let event = facts.icmpEvents.first(where: {
        $0.isTimeExceeded && $0.code == 0 && $0.address($0.quotedDestination) == target.address
      })
    else { return [] }
    return [facts.evidence(event.frame, "time exceeded in transit, from \(event.address(event.reporter))")]
  }

  private func oneWay(
    _ target: Target, _ entry: Tally<Target>.Entry, _ facts: borrowing CaptureAnalyzer, isBeside: Bool
  ) -> Finding {
    let client = entry.clients.keys.first.map(\.description) ?? "CLIENT"
    return Finding(
      id: "syn-unanswered", severity: .error, confidence: .certain,
      subject: .init(
        kind: "Endpoint", name: target.address.description, address: target.address, port: String(target.port)),
      problem: "\(target.text) answers \(plural(entry.count, "connection attempt")) from "
        + "\(plural(entry.clients.count, "client")), but the answers do not arrive: SYN and SYN-ACK are both repeated",
      cause: isBeside
        ? "the SYN came through a tunnel, the SYN-ACK leaves beside it and reaches the client as from a stranger ← the node "
          + "that translated the destination did not masquerade the source, so the answer does not go back through it"
        : "SYN-ACKs are lost between here and the client ← a return path that differs and meets a firewall without the "
          + "connection's state, a route that is missing or wrong there, rp_filter, or a tunnel that works one way only",
      evidence: facts.evidence([(target, entry)]),
      fix: (isBeside
        ? [
          .advice(
            "on the node that the client dialled: iptables-save -t nat | grep -E 'MASQUERADE|KUBE-MARK-MASQ'")
        ] : []) + [
          .advice("on each hop back: ip route get \(client) from \(target.address); sysctl -a | grep -w rp_filter")
        ],
      verify: [
        "kubepath capture --live any --filter \(target.captureFilter)  # on the client's node"
      ])
  }
}

import Findings
import Wire

/// A full conntrack table: new connections of everybody to everywhere stop being answered for a time while old ones go
/// on; and source ports that run out behind one translated address.
struct ConntrackTableDetector: Detector {
  private static let maximum = 1 << 16
  /// New TCP connections and those unanswered, by second from the first.
  private var opened: [UInt32] = []
  private var unanswered: [UInt32] = []
  private var origin: Int64 = .min
  private var targetNumbers = KeyTable<Target>()
  private var targets: [TargetTally] = []
  private var clientsLost = KeyTable<IPAddress>()
  private var lostCount = 0
  /// Of the lost, those that were repeated, and those that were not though there was time.
  private var lostAgain = 0
  private var lostOnce = 0
  private var established: [(from: Int64, to: Int64)] = []
  private var pairNumbers = KeyTable<ClientTarget>()
  private var pairs: [PortTally] = []
  private var retried = Tally<Target>()
  private var dialled = 0

  /// New connections to one place.
  private struct TargetTally {
    var open = 0
    var lost = 0
    var frame = FrameReference.none
    var last = FrameReference.none

    /// `lost`: the first SYN; a retry may have been answered.
    mutating func add(_ c: ConversationView, lost isLost: Bool) {
      if !isLost || c.serverPointer.pointee.synAcks > 0 { open += 1 }
      guard isLost else { return }
      lost += 1
      if !frame.exists { frame = c.clientHalf.firstSyn }
      last = c.clientHalf.lastSyn
    }
  }

  /// Source ports that one client took towards one place.
  private struct PortTally {
    var count = 0
    var reused = 0
    var reusedLost = 0
    var lost = 0
    var frame = FrameReference.none

    mutating func add(_ c: ConversationView, lost isLost: Bool) {
      count += 1
      var failed = isLost
      if isLost { lost += 1 }
      if c.remarks.reuses > 0, c.remarks.reuseGap >= 0, c.remarks.reuseGap < 60 {
        reused += 1
        // In TIME_WAIT the server answers a SYN that looks old by an acknowledgment, which the client resets.
        let isOld = c.serverPointer.pointee.synAcks == 0 && c.clientPointer.pointee.resets > 0 && c.serverPackets > 0
        if isLost || c.clientPointer.pointee.syns > 1 || isOld {
          reusedLost += 1
          failed = true
        }
      }
      if failed, !frame.exists { frame = c.clientHalf.firstSyn }
    }
  }

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP else { return }
    if c.record.lastTime &- c.record.firstTime > 2_000_000_000, c.serverPackets > 2, established.count < 4096 {
      established.append((c.record.firstTime, c.record.lastTime))
    }
    guard c.clientHalf.syns > 0 else { return }
    dialled += 1
    let time = c.clientHalf.firstSynTime / 1_000_000_000
    if origin == .min { origin = time }
    let lost = c.isUnansweredSyn && c.remarks.icmpError == 0xFFFF
    let delay = c.clientPointer.pointee.lastSynTime - c.clientPointer.pointee.firstSynTime
    // The first SYN went the same way as those that nothing ever answered.
    let isDelayed = c.clientPointer.pointee.syns > 1 && c.serverPointer.pointee.synAcks > 0 && delay > 900_000_000
    if time >= origin, time - origin < Int64(Self.maximum) {
      let at = Int(time - origin)
      while opened.count <= at {
        opened.append(0)
        unanswered.append(0)
      }
      opened[at] += 1
      if lost || isDelayed { unanswered[at] += 1 }
    }
    if let number = targetNumbers.number(c.target, limit: 4096) {
      if number == targets.count { targets.append(TargetTally()) }
      targets[number].add(c, lost: lost || isDelayed)
    }
    if lost || isDelayed {
      _ = clientsLost.number(c.client, limit: 4096)
      lostCount += 1
      let isPatient = c.now &- c.clientPointer.pointee.lastSynTime > HalfOpenDetector.patience
      if c.clientPointer.pointee.syns > 1 { lostAgain += 1 } else if isPatient { lostOnce += 1 }
    }
    if let number = pairNumbers.number(ClientTarget(client: c.client, target: c.target), limit: 8192) {
      if number == pairs.count { pairs.append(PortTally()) }
      pairs[number].add(c, lost: lost)
    }
    if isDelayed, delay < 3_500_000_000 {
      retried.add(
        c.target, client: c.client,
        example: .init(
          frames: [c.clientHalf.firstSyn, c.clientHalf.lastSyn],
          text: "\(c.endpoints): the first SYN was lost, the one \(seconds(delay)) later answered", filter: c.filter))
    }
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var list: [Finding] = []
    list += exhaustion(facts)
    list += tableFull(facts, portsExhausted: !list.isEmpty)
    if retried.total >= 3, retried.total * 5 < max(dialled, 15), list.isEmpty {
      let top = retried.top(3)
      list.append(
        Finding(
          id: "snat-port-race", severity: .warning, confidence: .possible,
          subject: .init(
            kind: "Endpoint", name: top[0].0.address.description, address: top[0].0.address, port: String(top[0].0.port)
          ),
          problem:
            "\(plural(retried.total, "connection")) lost the first SYN and succeeded with the retry: 1 or 3 s of delay",
          cause:
            "two connections got the same source port at once and one entry could not be inserted (insert_failed) ← "
            + "masquerading without random ports; or plain loss", evidence: facts.evidence(top),
          fix: [.advice("masquerade with --random-fully (kube-proxy and CNI do where the kernel knows it)")],
          verify: ["conntrack -S | grep -o 'insert_failed=[0-9]*'"]))
    }
    return list
  }

  private func exhaustion(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    let suspects = pairs.indices.filter {
      let pair = pairs[$0]
      return pair.count >= 24_000 && (pair.lost > 20 || pair.reused > 100)
        || pair.reusedLost >= 5 && pair.reusedLost * 4 >= pair.reused
    }.sorted { pairs[$0].count > pairs[$1].count }
    return suspects.prefix(2).map { number in
      let group = pairNumbers.keys[number]
      let value = pairs[number]
      return Finding(
        id: "snat-port-exhaustion", severity: .error, confidence: value.count >= 24_000 ? .likely : .possible,
        subject: .init(
          kind: "Endpoint", name: group.target.address.description, address: group.target.address,
          port: String(group.target.port)),
        problem:
          "\(group.client) used \(value.count) source ports towards \(group.target.text); \(value.reused) were used again "
          + "within a minute, \(max(value.lost, value.reusedLost)) connections failed or were delayed",
        cause:
          "all connections to one destination share the translated address's ports (32768-60999: 28232), each held "
          + "120 s after its end",
        evidence: [
          facts.evidence(value.frame, "the first failed attempt"),
          facts.filterEvidence("ip.addr==\(group.client) && ip.addr==\(group.target.address) && tcp.flags.syn==1"),
        ],
        fix: [
          .advice(
            "keep connections open (HTTP keep-alive, pools); more source addresses; a wider net.ipv4.ip_local_port_range"
          )
        ], verify: ["conntrack -L -d \(group.target.address) | wc -l"])
    }
  }

  private func tableFull(_ facts: borrowing CaptureAnalyzer, portsExhausted: Bool) -> [Finding] {
    let curve = facts.conntrack.curve(duration: facts.duration / 1_000_000)
    let peak = curve.max() ?? 0
    let affected = targets.indices.filter { targets[$0].lost > 0 }
    // Where nobody ever answers, the table is not the reason.
    let alive = affected.filter { targets[$0].open > 0 }
    var worst = (at: -1, lost: 0, open: 0)
    for at in opened.indices {
      let range = at..<min(at + 5, opened.count)
      let lost = range.reduce(0) { $0 + Int(unanswered[$1]) }
      if lost > worst.lost { worst = (at, lost, range.reduce(0) { $0 + Int(opened[$1]) }) }
    }
    while worst.at >= 0, worst.at < unanswered.count, unanswered[worst.at] == 0 { worst.at += 1 }
    let begin = (origin == .min ? 0 : origin + Int64(max(0, worst.at))) &* 1_000_000_000
    let old = established.count { $0.from < begin && $0.to > begin &+ 1_000_000_000 }
    let known = facts.options.conntrackMaximum
    // Another client each time, and none asks again: forged, or a scan.
    let isFlood = lostOnce >= 20 && lostOnce > lostAgain * 9 && clientsLost.count * 2 >= min(lostCount, 4096)
    let symptom =
      !isFlood && worst.lost >= 20 && worst.lost * 2 >= worst.open && alive.count >= 1
      && (alive.count >= 2 || clientsLost.count >= 3 || old > 0) && !portsExhausted
    if let known, peak >= known {
      return [finding(facts, peak, known, worst.lost, old, affected.count, symptom ? .certain : .likely, alive)]
    }
    // A full table spares no destination: where others take new connections, it is this one, or its source ports.
    // Nor does it single out those that nobody ever reaches: they are down.
    let lostAlive = alive.reduce(0) { $0 + targets[$1].lost }
    guard lostAlive * 2 >= affected.reduce(0, { $0 + targets[$1].lost }) else { return [] }
    let spared = targets.contains { $0.open >= 5 && $0.lost == 0 }
    guard symptom, affected.count > 1 || !spared else { return [] }
    return [
      finding(
        facts, peak, known, worst.lost, old, affected.count, old > 0 && affected.count > 1 ? .likely : .possible, alive)
    ]
  }

  private func finding(
    _ facts: borrowing CaptureAnalyzer, _ peak: Int, _ known: Int?, _ lost: Int, _ old: Int, _ destinations: Int,
    _ confidence: Finding.Confidence, _ alive: [Int]
  ) -> Finding {
    let examples = alive.sorted { targets[$0].frame < targets[$1].frame }.prefix(3)
    return Finding(
      id: "conntrack-table-full", severity: .error, confidence: confidence,
      subject: .init(kind: "Node"),
      problem: lost > 0
        ? "\(plural(lost, "new connection")) within 5 s got no answer, or none to the first SYN (\(plural(destinations, "destination"))), while "
          + "\(plural(old, "older connection")) went on"
        : "the simulated conntrack table reaches \(peak) entries, the limit is \(known ?? 0)",
      cause: "the node's conntrack table is full and new entries are dropped ← too many short connections for "
        + "nf_conntrack_max\(known.map { " (\($0))" } ?? "")"
        + (destinations == 1
          ? "; or, as all went to one place, the masquerade's source ports towards it are used up" : "")
        + "; simulated peak of what this capture shows: \(peak) entries",
      evidence: examples.map {
        facts.evidence(
          targets[$0].frame,
          "\(targetNumbers.keys[$0].text): \(targets[$0].lost) attempts unanswered or answered late, "
            + "\(targets[$0].open) answered at other times or in the end")
      } + [facts.filterEvidence("tcp.flags.syn==1 && tcp.flags.ack==0")],
      fix: [
        .command(
          "sysctl -w net.netfilter.nf_conntrack_max=\(max(262_144, peak * 2))",
          why: "for good: conntrack.maxPerCore in kube-proxy's configuration"),
        .advice("shorter net.netfilter.nf_conntrack_tcp_timeout_time_wait and _established; fewer short connections"),
      ],
      verify: [
        "dmesg | grep 'table full'", "conntrack -S | grep -o ' drop=[0-9]*'",
        "sysctl net.netfilter.nf_conntrack_count",
      ])
  }
}

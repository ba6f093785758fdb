import Glibc
import Wire

/// What has been seen of one probe so far.
struct ProbeRecord {
  let probe: Probe
  let identity: UInt16
  var steps: [ObservedStep] = []
  /// By hook: the packet, its mark and its out interface behind the last chain.
  var ends: [String: (packet: SeenPacket, mark: UInt32, outInterface: UInt32?)] = [:]
  var packet: SeenPacket?
  var mark: UInt32 = 0
  var wire: (interface: String, packet: SeenPacket)?
  /// The ICMP error or reset that came back.
  var answer: String?
  var errorNumber: Int32 = 0

  init(_ probe: Probe, identity: UInt16) {
    self.probe = probe
    self.identity = identity
    mark = probe.mark ?? 0
  }

  var isDropped: Bool { steps.last.map { $0.verdict == "drop" || $0.verdict == "policy drop" } ?? false }
  var isSettled: Bool { wire != nil || ends["input"] != nil || isDropped }
  /// Whether it passed the last hook on its way to a wire.
  var isLeaving: Bool { ends["postrouting"].map { $0.outInterface ?? 1 != 1 } ?? false }

  /// Whether a packet is the probe itself, and neither an answer that quotes it nor one that happens to carry its
  /// identity.
  func owns(_ packet: SeenPacket) -> Bool {
    guard packet.identity == identity, packet.ipProtocol == probe.ipProtocol else { return false }
    if let flags = packet.tcpFlags, flags & 0x17 != probe.tcpFlags & 0x17 { return false }
    return packet.icmpType == nil || packet.icmpType == probe.icmpType
  }

  mutating func takeAnswer(_ packet: SeenPacket) {
    if packet.quotedIdentity == UInt32(identity) {
      answer = packet.errorName
    } else if let flags = packet.tcpFlags, flags & 4 != 0,
      packet.tcpAcknowledged == Probe.sequenceBase + UInt32(identity) + 1
    {
      answer = "tcp-reset"
    }
  }

  mutating func take(_ record: LogRecord, rules: SavedRules) {
    guard let seen = SeenPacket(record.packet) else { return }
    guard owns(seen) else { return takeAnswer(seen) }
    packet = seen
    mark = record.mark
    let count = rules.rules[record.chain]?.count ?? 0
    var step = ObservedStep(hook: record.hook, chain: record.chain, rule: nil, verdict: "")
    // xtables calls the tail of a chain, and any rule without matches that ends one, "return" or "policy": only the
    // number tells them apart.
    if record.number <= count {
      step.rule = record.number
      step.verdict = rules.verdict(record.chain, record.number)
    } else if let policy = rules.policies[record.chain] {
      step.verdict = "policy " + policy
    } else {
      return
    }
    steps.append(step)
  }

  func conclusion(rules: SavedRules, names: [UInt32: String], legacy: Bool) throws(LabError) -> Observation {
    var observed = Observation(
      verdict: .drop, source: probe.source, destination: probe.destination, mark: mark, steps: steps)
    func show(_ seen: SeenPacket?) {
      observed.source = seen?.source ?? probe.source
      observed.destination = seen?.destination ?? probe.destination
      guard probe.ipProtocol.hasPorts else { return }
      observed.sourcePort = seen?.sourcePort ?? probe.sourcePort
      observed.destinationPort = seen?.destinationPort ?? probe.destinationPort
    }
    show(nil)
    let reached = probe.from == "local" ? "output" : "prerouting"
    if let wire {
      observed.verdict = .forward
      let name = ends["postrouting"]?.outInterface.flatMap { names[$0] }
      observed.outInterface = name == nil || name == "lo" ? wire.interface : name
      show(wire.packet)
    } else if let end = ends["input"] {
      observed.verdict = .deliver
      show(end.packet)
    } else if isDropped, let last = steps.last {
      if let kind = rules.rejectKind(last.chain, last.rule) {
        observed.verdict = .reject
        observed.rejectWith = answer ?? kind
      }
    } else if probe.from == "local" && errorNumber != 0 && errorNumber != EPERM
      || ends[reached] != nil && ["input", "forward", "postrouting"].allSatisfy({ ends[$0] == nil })
    {
      observed.verdict = .noroute
      observed.detail = answer ?? (errorNumber == 0 ? "silent" : String(cString: strerror(errorNumber)))
    } else if legacy, let last = steps.last, last.chain.table == "nat", last.verdict == "accept", ends[last.hook] == nil
    {
      // Legacy TRACE names a rule before it acts: one that found no address to translate to drops.
      observed.steps[observed.steps.count - 1].verdict = "drop"
    } else if let answer, answer.hasSuffix("ttl-exceeded") {
      observed.detail = answer
    } else {
      observed.detail = "unexplained"
    }
    return observed
  }
}

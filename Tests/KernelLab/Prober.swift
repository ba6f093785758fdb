import Glibc
import Wire

/// Sends probes one at a time through a loaded node and tells what the kernel did with each.
public final class Prober {
  private let node: LabNode
  private let backend: Backend
  private let rules: SavedRules
  private let index: RuleIndex
  private let conntrack: ConntrackSocket
  private let trace: TraceSocket
  private let log: LogSocket?
  private let wires: [String: PacketSocket]
  /// Sees each frame that reaches the node, before any hook.
  private let fence: PacketSocket
  private let loopback: PacketSocket
  private let interfaceNames: [UInt32: String]
  private var identity: UInt16 = 0
  private var marker: UInt64 = 0
  /// Which trace belongs to the probe under way.
  private var ownTraces: [UInt64: Bool] = [:]

  /// Arms the trace; the snapshot is to be taken before.
  public init(_ node: LabNode, backend: Backend, rules: SavedRules) throws {
    self.node = node
    self.backend = backend
    self.rules = rules
    try node.armTrace()
    (index, conntrack, trace, log, fence, loopback, interfaceNames) = try node.namespace.run {
      var names: [UInt32: String] = [:]
      var buffer = [CChar](repeating: 0, count: 16)
      for number in UInt32(1)...64 where if_indextoname(number, &buffer) != nil {
        names[number] = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
      return (
        try RuleIndex(), try ConntrackSocket(), try TraceSocket(), backend == .legacy ? try LogSocket() : nil,
        try PacketSocket(interface: nil), try PacketSocket(interface: "lo"), names
      )
    }
    wires = try node.peers.run {
      try Dictionary(uniqueKeysWithValues: node.wires.map { ($0, try PacketSocket(interface: $0)) })
    }
    if backend != .legacy {
      for (chain, texts) in rules.rules where (index.places[chain]?.count ?? 0) != texts.count {
        throw LabError("\(chain): \(texts.count) rules dumped, \(index.places[chain]?.count ?? 0) in the kernel")
      }
    }
  }

  // MARK: one probe

  public func send(_ probe: Probe) throws -> Observation {
    try conntrack.flush()
    identity = identity % 65000 + 1
    var record = ProbeRecord(probe, identity: identity)
    drain()
    record.errorNumber = try transmit(probe)
    for _ in 0..<2 {
      try passMarker(probe)
      read(&record)
      if record.isSettled, !record.isDropped { break }
    }
    // The second fence does not cover frames that a bridge or the loopback device queued once more.
    var rounds = 0
    while !record.isSettled, record.isLeaving, rounds < 100 {
      usleep(1000)
      read(&record)
      rounds += 1
    }
    var observation = try record.conclusion(rules: rules, names: interfaceNames, legacy: backend == .legacy)
    // A bridge keeps frames without a word: whether it did, or the routing decision, nothing tells.
    if probe.isFrame(at: node), observation.verdict == .drop, !record.isDropped, observation.detail == "unexplained" {
      observation.verdict = .noroute
      observation.detail = "vanished"
    }
    return observation
  }

  private func drain() {
    _ = trace.events()
    _ = log?.records()
    for wire in wires.values { wire.discard() }
    fence.discard()
    loopback.discard()
    ownTraces = [:]
  }

  private func entry(_ probe: Probe) -> (wire: String, destination: [UInt8]) {
    let world = World(probe.source.version)
    if probe.isFrame(at: node) {
      let port = ["pod1": "veth1", "pod1b": "veth1", "pod2": "veth2", "pod2b": "veth2"].first {
        world.address($0.key) == probe.destination
      }
      return (probe.from, port.map { node.address(ofPeer: $0.value) } ?? node.address(ofLink: "cni0"))
    }
    guard probe.from == "cni0" else { return (probe.from, node.address(ofLink: probe.from)) }
    let second = [world.address("pod2"), world.address("pod2b")].contains(probe.source)
    return (probe.port ?? (second ? "veth2" : "veth1"), node.address(ofLink: "cni0"))
  }

  /// Returns errno, 0 when the packet went off.
  private func transmit(_ probe: Probe) throws -> Int32 {
    let packet = probe.packet(identity: identity)
    guard probe.from == "local" else {
      let (name, destination) = entry(probe)
      guard let wire = wires[name] else { throw LabError("no wire \(name)") }
      wire.send(destination + node.address(ofPeer: name) + (probe.isV6 ? [0x86, 0xDD] : [8, 0]) + packet)
      return 0
    }
    return try node.namespace.run {
      let family: Int32 = probe.isV6 ? AF_INET6 : AF_INET
      let descriptor = SystemCall.owned(by: probe.user ?? 0, probe.group ?? 0) {
        socket(family, Int32(SOCK_RAW.rawValue), 255)  // IPPROTO_RAW: the header is ours
      }
      guard descriptor >= 0 else { throw LabError.system("raw socket") }
      defer { close(descriptor) }
      if var mark = probe.mark { setsockopt(descriptor, SOL_SOCKET, 36, &mark, 4) }  // SO_MARK
      // Bound to its source as a client's socket is, so that routing rules about sources hold.
      _ = bindRaw(descriptor, Self.socketAddress(probe.source))
      let address = Self.socketAddress(probe.destination)
      let count = address.withUnsafeBytes {
        sendto(
          descriptor, packet, packet.count, 0, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
          socklen_t($0.count))
      }
      return count < 0 ? errno : 0
    }
  }

  private static func socketAddress(_ address: IPAddress) -> [UInt8] {
    address.version == .v4
      ? [2, 0, 0, 0] + address.bytes + [UInt8](repeating: 0, count: 8)
      : [10, 0, 0, 0, 0, 0, 0, 0] + address.bytes + [0, 0, 0, 0]
  }

  /// Sends a marker frame after the probe, by the same way, and waits for it: the queue between is then empty.
  private func passMarker(_ probe: Probe) throws {
    marker += 1
    var frame: [UInt8] = []
    if probe.from == "local" {
      frame = [UInt8](repeating: 0, count: 12)
    } else {
      let (name, destination) = entry(probe)
      frame = destination + node.address(ofPeer: name)
    }
    frame += [0x88, 0xB5]
    appendBig(marker, to: &frame)
    frame += [UInt8](repeating: 0, count: 46)
    if probe.from == "local" { loopback.send(frame) } else { wires[entry(probe).wire]?.send(frame) }
    for _ in 0..<20 {
      guard fence.wait(milliseconds: 100) else { continue }
      while let seen = fence.receive() {
        if seen.kind != 4, seen.frame.count >= 22, Array(seen.frame[12..<22]) == Array(frame[12..<22]) { return }
      }
    }
    throw LabError("a marker frame was lost")
  }

  private func read(_ record: inout ProbeRecord) {
    for event in trace.events() { take(event, &record) }
    for entry in log?.records() ?? [] { record.take(entry, rules: rules) }
    for (name, wire) in wires {
      while let seen = wire.receive() {
        guard seen.kind == 0, let packet = SeenPacket(seen.frame.dropFirst(14)) else { continue }
        if record.owns(packet) { record.wire = (name, packet) } else { record.takeAnswer(packet) }
      }
    }
  }

  private func take(_ event: TraceEvent, _ record: inout ProbeRecord) {
    if let header = event.header {
      let packet = SeenPacket(header)
      let own = packet.map { record.owns($0) } ?? false
      ownTraces[event.packetIdentity] = own
      if own { record.packet = packet } else if let packet { record.takeAnswer(packet) }
    }
    guard ownTraces[event.packetIdentity] == true else { return }
    record.mark = event.mark
    if event.chain.table == "kernellab" {
      // The policy's event follows the chain's and tells neither header nor interfaces.
      if event.header != nil, event.chain.chain.hasPrefix("end_"), let packet = record.packet {
        record.ends[String(event.chain.chain.dropFirst(4))] = (packet, event.mark, event.outInterface)
      }
      return
    }
    let rule = event.handle.flatMap { index.places[event.chain]?[$0] }
    // The end of a user chain is no step.
    guard rule != nil || event.kind == .policy else { return }
    record.steps.append(
      ObservedStep(
        hook: index.hooks[event.chain] ?? record.steps.last?.hook ?? "", chain: event.chain, rule: rule,
        verdict: event.verdict))
  }
}

extension Probe {
  /// It comes as a frame through a port of the bridge, and to the bridge only if its sender needs a router.
  fileprivate func isFrame(at node: LabNode) -> Bool { node.bridge && from.hasPrefix("veth") }
}

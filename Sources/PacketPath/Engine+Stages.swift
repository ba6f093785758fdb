import Ruleset
import Wire

// The parts of a walk in order: hooks, connection tracking, routing decisions in between.
extension Engine {
  /// Runs a branch to its end; forks wait in `pending`.
  mutating func advance(_ b: inout Branch) {
    while true {
      switch b.stage {
      case .ingress:
        b.packet.hook = .ingress
        guard runHook(&b) else { return }
        next(&b, .prerouting)
      case .prerouting:
        b.packet.hook = .prerouting
        guard runHook(&b) else { return }
        next(&b, b.packet.input == Self.loopback && b.packet.routedLocally ? .input : .routeInput)
      case .routeInput:
        guard routeInput(&b) else { return }
      case .input:
        b.packet.hook = .input
        b.packet.output = .zero
        guard runHook(&b) else { return }
        b.packet.status |= b.packet.hasConnection ? ConnectionStatus.confirmed : 0
        return finish(b, .deliver)
      case .forward:
        b.packet.hook = .forward
        guard runHook(&b) else { return }
        next(&b, .postrouting)
      case .outputRoute:
        guard routeOutput(&b) else { return }
        next(&b, .output)
      case .output:
        b.packet.hook = .output
        b.packet.input = .zero
        guard runHook(&b) else { return }
        b.packet.input = b.packet.arrival
        next(&b, .postrouting)
      case .postrouting:
        b.packet.hook = .postrouting
        // A forwarded packet still shows the device it came by; a local one has none.
        b.packet.output = b.packet.routedOutput
        if b.packet.bridged { b.packet.input = .zero }
        guard runHook(&b) else { return }
        if b.packet.virtualServer >= 0 { noteVirtualServerTracking(&b) }
        b.packet.status |= b.packet.hasConnection ? ConnectionStatus.confirmed : 0
        if b.packet.routedLocally {
          next(&b, .loopback)
        } else {
          return finish(b, .forward)
        }
      case .loopback:
        b.packet.input = Self.loopback
        b.packet.output = .zero
        next(&b, .ingress)
      }
    }
  }

  static let loopback = Bits128(leftAligned: "lo".utf8)

  private func next(_ b: inout Branch, _ stage: Stage) {
    b.stage = stage
    b.entry = 0
    b.natChain = 0
    b.inChain = false
  }

  /// Runs what is attached to the packet's hook from `b.entry` on. False: the branch ended.
  private mutating func runHook(_ b: inout Branch) -> Bool {
    let order = b.packet.version == .v4 ? node.order4 : node.order6
    let range = order.ranges[HookOrder.index(b.packet.hook)]
    while b.entry < range.upperBound - range.lowerBound {
      switch order.entries[Int(range.lowerBound + b.entry)] {
      case .tracking: track(&b)
      case .chain(let chain):
        if b.packet.hook == .ingress, !node.attached(chain, to: b.packet.input) { break }
        guard runBaseChain(&b, chain) else { return false }
      case .nat(let first, let end):
        guard runNAT(&b, order.natChains, Int(first)..<Int(end)) else { return false }
      case .virtualServers:
        guard runVirtualServers(&b) else { return false }
      }
      b.entry += 1
      b.natChain = 0
    }
    return true
  }

  /// Connection tracking: the packet is the first of its connection.
  private func track(_ b: inout Branch) {
    switch b.packet.tracking {
    case .new, .untracked: return  // looped back, or NOTRACK
    case .notYet, .invalid, .template: break
    }
    guard trackable(b.packet) else {
      b.packet.tracking = neighbourDiscovery(b.packet) ? .untracked : .invalid
      return
    }
    b.packet.beginConnection()
  }

  /// Whether a first packet like this makes an entry (nf_conntrack_proto_tcp.c, _icmp.c, _icmpv6.c).
  private func trackable(_ packet: PacketState) -> Bool {
    switch IPProtocol(rawValue: packet.ipProtocol) {
    case .tcp:
      let flags = packet.tcpFlags & 0x17
      if flags == 0x02 { return true }
      // Mid-stream pick-up: an ACK alone, unless nf_conntrack_tcp_loose is 0.
      return flags == 0x10 && node.looseTCPTracking
    case .icmp: return [8, 13, 15, 17].contains((packet.icmpTypeAndCode ?? 0) >> 8)
    case .icmpv6: return [128, 139].contains((packet.icmpTypeAndCode ?? 0) >> 8)
    default: return true
    }
  }

  private func neighbourDiscovery(_ packet: PacketState) -> Bool {
    guard packet.ipProtocol == IPProtocol.icmpv6.rawValue, let type = packet.icmpTypeAndCode else { return false }
    return [130, 131, 132, 133, 134, 135, 136, 137, 143].contains(type >> 8)
  }

  /// One base chain from its start, or from where a fork stopped in it.
  private mutating func runBaseChain(_ b: inout Branch, _ chain: ChainID) -> Bool {
    let facts = node.bases[Int(chains[Int(chain.index)].base)]
    if !b.inChain {
      enter(&b, chain)
      if facts.reroutes {
        b.savedMark = b.packet.mark
        b.savedTOS = b.packet.typeOfService
        b.savedSource = b.packet.source
        b.savedDestination = b.packet.destination
      }
    }
    guard runChain(&b, base: chain, policyDrops: facts.policyDrops) else { return false }
    b.inChain = false
    guard facts.reroutes else { return true }
    if b.packet.mark != b.savedMark || b.packet.typeOfService != b.savedTOS || b.packet.source != b.savedSource
      || b.packet.destination != b.savedDestination
    {
      return reroute(&b)
    }
    return true
  }

  private func enter(_ b: inout Branch, _ chain: ChainID) {
    b.inChain = true
    b.chain = chain.index
    b.position = 0
    b.clause = 0
    b.depth = 0
    b.caller = -1
  }

  /// The nat chains of a hook, a range of `list`: only for the first packet, only until one has bound the connection.
  private mutating func runNAT(_ b: inout Branch, _ list: [ChainID], _ range: Range<Int>) -> Bool {
    guard b.packet.hasConnection else { return true }
    let destination = b.packet.hook == .prerouting || b.packet.hook == .output
    if destination ? b.packet.destinationBound : b.packet.sourceBound { return true }
    while range.lowerBound + Int(b.natChain) < range.upperBound {
      let chain = list[range.lowerBound + Int(b.natChain)]
      if !b.inChain { enter(&b, chain) }
      let drops = node.bases[Int(chains[Int(chain.index)].base)].policyDrops
      guard runChain(&b, base: chain, policyDrops: drops) else { return false }
      b.inChain = false
      if destination ? b.packet.destinationBound : b.packet.sourceBound { break }
      b.natChain += 1
    }
    if destination { b.packet.destinationBound = true } else { b.packet.sourceBound = true }
    if b.packet.hook == .output, b.packet.destination != b.packet.originalDestination { return reroute(&b) }
    return true
  }
}

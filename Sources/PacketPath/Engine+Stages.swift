import Ruleset
import Snapshot
import Wire

// The parts of a walk in order: hooks, connection tracking, routing decisions in between.
extension Engine {
  /// Runs a branch to its end; forks wait in `pending`.
  mutating func advance(_ b: inout Branch) {
    while true {
      switch b.stage {
      case .ingress:
        b.packet.hook = .ingress
        b.packet.layer = .device
        guard runHook(&b, order(b)) else { return }
        next(&b, b.packet.frame.passedPrerouting ? .routeInput : .prerouting)
      case .prerouting:
        b.packet.hook = .prerouting
        b.packet.layer = .ip
        guard runHook(&b, order(b)) else { return }
        if b.packet.frame.isShown, !b.packet.frame.passedPrerouting {
          b.packet.frame.passedPrerouting = true
          next(&b, .bridgeTranslated)
        } else {
          next(&b, b.packet.input == Self.loopback && b.packet.routedLocally ? .input : .routeInput)
        }
      case .routeInput:
        b.packet.layer = .ip
        if isAnyReply {
          var other = b
          next(&other, .input)
          pending.append(other)
          next(&b, .forward)
          continue
        }
        guard routeInput(&b) else { return }
      case .input:
        b.packet.hook = .input
        b.packet.output = .zero
        guard runHook(&b, order(b)) else { return }
        b.packet.status |= b.packet.hasConnection ? ConnectionStatus.confirmed : 0
        return finish(b, .deliver)
      case .forward:
        b.packet.hook = .forward
        b.packet.layer = .ip
        guard runHook(&b, order(b)) else { return }
        next(&b, b.packet.bridged ? .bridgeForwardBehind : .postrouting)
      case .outputRoute:
        guard routeOutput(&b) else { return }
        next(&b, .output)
      case .output:
        b.packet.hook = .output
        b.packet.input = .zero
        guard runHook(&b, order(b)) else { return }
        b.packet.input = b.packet.arrival
        next(&b, .postrouting)
      case .postrouting:
        b.packet.hook = .postrouting
        b.packet.layer = .ip
        // A forwarded packet still shows the device it came by; a local one has none.
        b.packet.output = b.packet.routedOutput
        if b.packet.bridged { b.packet.input = .zero }
        guard runHook(&b, order(b)) else { return }
        if b.packet.virtualServer >= 0 { noteVirtualServerTracking(&b) }
        b.packet.status |= b.packet.hasConnection ? ConnectionStatus.confirmed : 0
        next(&b, b.packet.bridged ? .portEgress : .egress)
      case .egress where isAnyReply: return finish(b, .forward)
      case .egress:
        guard runEgress(&b, device: b.packet.routedOutput) else { return }
        if b.packet.routedLocally {
          next(&b, .loopback)
        } else if leavesByBridge(&b) {
          next(&b, .bridgeOutput)
        } else {
          return finish(b, .forward)
        }
      case .loopback:
        b.packet.input = Self.loopback
        b.packet.output = .zero
        next(&b, .ingress)
      default:
        guard advanceOnBridge(&b) else { return }
      }
    }
  }

  static let loopback = Bits128(leftAligned: "lo".utf8)

  func next(_ b: inout Branch, _ stage: Stage) {
    b.stage = stage
    b.entry = 0
    b.natChain = 0
    b.inChain = false
  }

  private func order(_ b: borrowing Branch) -> HookOrder { b.packet.version == .v4 ? node.order4 : node.order6 }

  private mutating func runHook(_ b: inout Branch, _ order: HookOrder) -> Bool {
    runHook(&b, order, order.ranges[HookOrder.index(b.packet.hook)])
  }

  /// The hook of the device that takes the packet away.
  mutating func runEgress(_ b: inout Branch, device: Bits128) -> Bool {
    let order = order(b)
    let range = order.ranges[HookOrder.index(.egress)]
    guard !range.isEmpty else { return true }
    b.packet.hook = .egress
    b.packet.layer = .device
    let input = b.packet.input
    b.packet.input = .zero
    b.packet.output = device
    if device.isZero { assumeOnce(&b, "no egress chain of the device that takes the packet stops it") }
    guard runHook(&b, order, range) else { return false }
    b.packet.input = input
    b.packet.layer = .ip
    return true
  }

  /// Runs what is attached to the packet's hook, a range of `order.entries`, from `b.entry` on. False: the branch ended.
  mutating func runHook(_ b: inout Branch, _ order: HookOrder, _ range: Range<Int32>) -> Bool {
    while b.entry < range.upperBound - range.lowerBound {
      switch order.entries[Int(range.lowerBound + b.entry)] {
      case .tracking: track(&b)
      case .chain(let chain):
        if b.packet.hook == .ingress, !isAttached(&b, chain, b.packet.input) { break }
        if b.packet.hook == .egress, !isAttached(&b, chain, b.packet.output) { break }
        guard runBaseChain(&b, chain) else { return false }
      case .nat(let first, let end):
        guard runNAT(&b, order.natChains, Int(first)..<Int(end)) else { return false }
      case .virtualServers where isAnyReply: break
      case .virtualServers:
        guard runVirtualServers(&b) else { return false }
      }
      b.entry += 1
      b.natChain = 0
    }
    return true
  }

  /// Whether a chain of devices is one of this device. nft's JSON leaves out the devices of chains (1.0.6): then it
  /// is, or it is not.
  private mutating func isAttached(_ b: inout Branch, _ chain: ChainID, _ device: Bits128) -> Bool {
    guard node.bases[Int(chains[Int(chain.index)].base)].lacksDevice else { return node.attached(chain, to: device) }
    guard !b.inChain else { return true }
    let other = forkOnIgnorance(&b, holds: .device(chain, true), fails: .device(chain, false))
    pending[other].entry += 1
    return true
  }

  /// Connection tracking: the packet is the first of its connection.
  private func track(_ b: inout Branch) {
    switch b.packet.tracking {
    case .new, .established, .further, .again, .related, .untracked: return  // looped back, or NOTRACK
    case .notYet, .invalid, .template: break
    }
    if let connection {
      if connection.isTracked { b.packet.join(connection) } else { b.packet.tracking = unsolicited(b.packet) }
      return
    }
    guard trackable(b.packet) else {
      b.packet.tracking = neighbourDiscovery(b.packet) ? .untracked : .invalid
      return
    }
    b.packet.beginConnection()
  }

  /// What a reply is where the request left no entry: a SYN-ACK begins no connection.
  private func unsolicited(_ packet: PacketState) -> PacketState.Tracking {
    guard trackable(packet) else { return .invalid }
    return .new
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
    if b.packet.hasEntry { return followTranslation(&b) }
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

import Ruleset
import Snapshot
import Wire

// Bridges: net/bridge/br_input.c, br_forward.c and br_netfilter_hooks.c. A frame passes the ingress hook of its port
// and the bridge's PREROUTING; it then goes up to IP, or on to another port through FORWARD and POSTROUTING. Where
// bridge-nf-call-iptables is on, the bridge shows IP packets to the hooks of IP on the way.
extension Engine {
  /// The flow comes by a port of a bridge, or by the bridge.
  func enterBridge(_ b: inout Branch, _ flow: Flow) {
    var named = interface(b.packet.input)
    var port = Bits128.zero
    if !named.master.isZero {
      port = b.packet.input
      named = interface(named.master)
    }
    guard let bridge = named.bridge else { return }
    b.stage = .portIngress
    b.packet.frame.bridge = Bits128(leftAligned: named.name.utf8)
    b.packet.frame.inputPort = port
    b.packet.frame.destination = b.packet.destination
    let isFrame = flow.isFrame || !port.isZero
    // Where ports are alike, nothing more is asked of the source, and flows that differ in it alone fare the same.
    guard isFrame || bridge.portsDiffer else { return }
    inspection.pointee.compareWholeAddress()
    if port.isZero { b.packet.frame.inputPort = bridge.port(of: flow.source) }
    // A neighbour solicitation goes out by all ports.
    let isFlooded = flow.ipProtocol == .icmpv6 && flow.icmpType == 135 && flow.destination.isMulticast
    b.packet.frame.isForOther =
      isFrame
      && (isFlooded
        || !flow.destination.isMulticast && isLocal(b, flow.destination) != true
          && bridge.joins(flow.source, flow.destination))
    b.packet.frame.cameForOther = b.packet.frame.isForOther
    b.packet.sourceMAC = bridge.linkAddress(of: flow.source)
    b.packet.destinationMAC = b.packet.frame.isForOther ? bridge.linkAddress(of: flow.destination) : bridge.mac
  }

  /// The stages of a bridge. False: the branch ended.
  mutating func advanceOnBridge(_ b: inout Branch) -> Bool {
    let order = node.bridgeOrder
    func range(_ hook: Hook, behind: Bool = false) -> Range<Int32> {
      behind ? order.rangesBehind[HookOrder.index(hook)] : order.ranges[HookOrder.index(hook)]
    }
    switch b.stage {
    case .portIngress:
      if b.packet.frame.inputPort.isZero { chooseInputPort(&b) }
      see(&b, .device, .ingress, input: b.packet.frame.inputPort)
      if bridgeFlags(b, b.packet.frame.inputPort)?.forwards == false {
        finish(b, .drop, .bridge(.portNotForwarding(portName(b.packet.frame.inputPort))))
        return false
      }
      let devices = b.packet.version == .v4 ? node.order4 : node.order6
      guard runHook(&b, devices, devices.ranges[HookOrder.index(.ingress)]) else { return false }
      next(&b, .bridgePrerouting)
    case .bridgePrerouting:
      see(&b, .bridge, .prerouting, input: b.packet.frame.inputPort)
      guard runHook(&b, order, range(.prerouting)) else { return false }
      if isShown(&b) {
        b.packet.frame.isShown = true
        see(&b, .ip, .prerouting, input: b.packet.frame.bridge)
        next(&b, .prerouting)
      } else {
        next(&b, .bridgePreroutingBehind)
      }
    case .bridgeTranslated:
      if b.packet.destination != b.packet.frame.destination {
        b.packet.frame.isForOther = false
        guard routeOnBridge(&b) else { return false }
        if !b.packet.frame.isForOther {
          b.packet.frame.cameForOther = false
          b.packet.destinationMAC = interface(b.packet.frame.bridge).bridge?.mac
        }
      }
      next(&b, .bridgePreroutingBehind)
    case .bridgePreroutingBehind:
      see(&b, .bridge, .prerouting, input: b.packet.frame.inputPort)
      guard runHook(&b, order, range(.prerouting, behind: true)) else { return false }
      next(&b, .bridgeDecision)
    case .bridgeDecision:
      guard b.packet.frame.isForOther else {
        next(&b, .bridgeInput)
        return true
      }
      if b.packet.destination != b.packet.frame.destination { b.packet.destinationMAC = linkAddressOfDestination(b) }
      if b.packet.frame.outputPort.isZero {
        chooseOutputPort(&b, IPAddress(bits: b.packet.destination, version: b.packet.version), isRouted: false)
      }
      if let refusal = refusal(b) {
        finish(b, .drop, .bridge(refusal))
        return false
      }
      b.packet.bridged = true
      b.packet.routedLocally = false
      b.packet.routedOutput = b.packet.frame.bridge
      next(&b, .bridgeForward)
    case .bridgeInput:
      see(&b, .bridge, .input, input: b.packet.frame.inputPort)
      guard runHook(&b, order, range(.input)) else { return false }
      see(&b, .device, .ingress, input: b.packet.frame.bridge)
      next(&b, .ingress)
    case .bridgeForward:
      see(&b, .bridge, .forward, input: b.packet.frame.inputPort, output: b.packet.frame.outputPort)
      guard runHook(&b, order, range(.forward)) else { return false }
      if b.packet.frame.isShown {
        see(&b, .ip, .forward, input: b.packet.frame.bridge, output: b.packet.frame.bridge)
        next(&b, .forward)
      } else {
        next(&b, .bridgeForwardBehind)
      }
    case .bridgeForwardBehind:
      see(&b, .bridge, .forward, input: b.packet.frame.inputPort, output: b.packet.frame.outputPort)
      guard runHook(&b, order, range(.forward, behind: true)) else { return false }
      next(&b, .bridgePostrouting)
    case .bridgeOutput:
      see(&b, .bridge, .output, output: b.packet.frame.outputPort)
      if b.packet.frame.outputPort.isZero { chooseOutputPort(&b, nextHop(b), isRouted: true) }
      see(&b, .bridge, .output, output: b.packet.frame.outputPort)
      guard runHook(&b, order, range(.output)) else { return false }
      next(&b, .bridgePostrouting)
    case .bridgePostrouting:
      see(&b, .bridge, .postrouting, output: b.packet.frame.outputPort)
      guard runHook(&b, order, range(.postrouting)) else { return false }
      if b.packet.bridged, b.packet.frame.isShown {
        see(&b, .ip, .postrouting, output: b.packet.frame.bridge)
        next(&b, .postrouting)
      } else {
        next(&b, .portEgress)
      }
    default:
      guard runEgress(&b, device: b.packet.frame.outputPort) else { return false }
      finish(b, .forward)
      return false
    }
    return true
  }

  /// What the hook that comes next shows of the packet.
  private func see(
    _ b: inout Branch, _ layer: PacketState.Layer, _ hook: Hook, input: Bits128? = nil, output: Bits128? = nil
  ) {
    b.packet.layer = layer
    b.packet.hook = hook
    b.packet.input = input ?? .zero
    b.packet.output = output ?? .zero
    b.packet.inputUnknown = input?.isZero ?? false
    b.packet.outputUnknown = output?.isZero ?? false
  }

  /// Whether the bridge shows the packet to the hooks of IP. Where the snapshot does not tell, that matters only for
  /// what is bridged.
  private mutating func isShown(_ b: inout Branch) -> Bool {
    if let setting = bridgeCalls(b.packet.version) { return setting == 1 }
    guard b.packet.frame.isForOther else { return false }
    let other = forkOnIgnorance(
      &b, holds: .bridgeCalls(b.packet.version, true), fails: .bridgeCalls(b.packet.version, false))
    pending[other].stage = .bridgePreroutingBehind
    pending[other].entry = 0
    return true
  }

  // MARK: ports

  private func portName(_ name: Bits128) -> String? { name.isZero ? nil : NodeModel.name(name) }

  private func bridgeFlags(_ b: borrowing Branch, _ port: Bits128) -> BridgeFacts.Port? {
    interface(b.packet.frame.bridge).bridge?.flags(port)
  }

  private func linkAddressOfDestination(_ b: borrowing Branch) -> Bits128? {
    interface(b.packet.frame.bridge).bridge?.linkAddress(
      of: IPAddress(bits: b.packet.destination, version: b.packet.version))
  }

  /// No dump tells the port: where that makes a difference, each is tried.
  private mutating func chooseInputPort(_ b: inout Branch) {
    let names = candidates(b.packet.frame.bridge)
    guard let first = names.first else { return }
    let others = forkOnIgnorance(&b, among: names.map { .inputPort($0) })
    for (branch, name) in zip(others, names.dropFirst()) { pending[branch].packet.frame.inputPort = name }
    b.packet.frame.inputPort = first
  }

  /// By the host that the frame goes to. Another host than the sender is behind another port, as a Pod is.
  private mutating func chooseOutputPort(_ b: inout Branch, _ host: IPAddress, isRouted: Bool) {
    guard let bridge = interface(b.packet.frame.bridge).bridge else { return }
    if !isRouted, b.packet.sourceMatches(host.bits, mask: .ones) {
      b.packet.frame.outputPort = b.packet.frame.inputPort
      return
    }
    b.packet.frame.outputPort = bridge.port(of: host)
    guard b.packet.frame.outputPort.isZero else { return }
    let names = candidates(b.packet.frame.bridge).filter { isRouted || $0 != b.packet.frame.inputPort }
    guard let first = names.first else { return }
    let others = forkOnIgnorance(&b, among: names.map { .outputPort($0) })
    for (branch, name) in zip(others, names.dropFirst()) { pending[branch].packet.frame.outputPort = name }
    b.packet.frame.outputPort = first
  }

  private func nextHop(_ b: borrowing Branch) -> IPAddress {
    if b.packet.route >= 0, b.packet.nextHop >= 0,
      let gateway = node.routing.routes[Int(b.packet.route)].nextHops[Int(b.packet.nextHop)].gateway
    {
      return gateway
    }
    return IPAddress(bits: b.packet.destination, version: b.packet.version)
  }

  private func candidates(_ bridge: Bits128) -> [Bits128] {
    guard let bridge = interface(bridge).bridge, bridge.portsDiffer, bridge.ports.count <= BridgeFacts.maximumPorts
    else { return [] }
    return bridge.ports.map(\.name)
  }

  /// Why the bridge does not give the frame to its port; nil: it does.
  private func refusal(_ b: borrowing Branch) -> Reason.BridgeRefusal? {
    let (input, output) = (b.packet.frame.inputPort, b.packet.frame.outputPort)
    let isSame =
      input.isZero || output.isZero ? b.packet.sourceMatches(b.packet.destination, mask: .ones) : input == output
    let (from, to) = (bridgeFlags(b, input), bridgeFlags(b, output))
    if isSame, to?.hairpin == false { return .hairpinOff(port: portName(output)) }
    if to?.forwards == false { return .portNotForwarding(portName(output)) }
    guard from?.isolated == true, to?.isolated == true else { return nil }
    return .bothPortsIsolated(portName(input), portName(output))
  }

  /// Whether what is routed to a bridge passes hooks of the bridge, or of its ports, that may tell ports apart.
  mutating func leavesByBridge(_ b: inout Branch) -> Bool {
    guard let bridge = interface(b.packet.routedOutput).bridge, bridge.portsDiffer else { return false }
    b.packet.frame = PacketState.Frame()
    b.packet.frame.bridge = b.packet.routedOutput
    b.packet.sourceMAC = bridge.mac
    b.packet.destinationMAC = linkAddressOfDestination(b)
    return true
  }
}

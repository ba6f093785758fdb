import Ruleset
import Snapshot
import Wire

// Virtual servers: net/netfilter/ipvs/ip_vs_core.c (ip_vs_in), ip_vs_xmit.c. IPVS takes packets at LOCAL_IN, behind the
// filter chains, and at LOCAL_OUT, behind nat. What it sends on to another host passes LOCAL_OUT (again) with its new
// address, then POSTROUTING; it never passes FORWARD.
extension Engine {
  /// A hook's turn for IPVS. False: the branch ended, or goes on from `pending` once for each real server.
  mutating func runVirtualServers(_ b: inout Branch) -> Bool {
    // skb->ipvs_property: it has been through.
    guard b.packet.virtualServer < 0 else { return true }
    guard let table = node.virtualServers else {
      if node.virtualAddresses.contains(b.packet.destination) {
        let address = IPAddress(bits: b.packet.destination, version: b.packet.version)
        assumeOnce(&b, .noVirtualServer(address))
      }
      return true
    }
    guard isSchedulable(b.packet), let index = table.find(b.packet) else { return true }
    let server = node.snapshot.virtualServers![index]
    b.packet.virtualServer = Int32(index)
    // Port 0 takes all ports of its address only with persistence.
    let fits =
      server.firewallMark != nil || server.port == b.packet.destinationPort || server.persistence != nil
    var scheduling = Scheduling(server)
    if scheduling.choices.count > Self.maximumRealServers {
      cut += scheduling.choices.count - Self.maximumRealServers
      scheduling.keep(Self.maximumRealServers)
    }
    if !fits || scheduling.choices.isEmpty {
      leave(b, fits ? .noWeightedServer : .portZeroWithoutPersistence)
      return false
    }
    if let seconds = server.persistence, scheduling.choices.count > 1 {
      assumeOnce(&b, "the client has made no connection in the last \(seconds) s, else its real server is kept")
    }
    forks += scheduling.choices.count - 1
    // Last first: `pending` is a stack.
    for choice in scheduling.choices.reversed() {
      var other = b
      other.take(chance: choice.share)
      guard let real = choice.realServer else {
        assumeOnce(&other, "the scheduler picks a real server of weight 0 (\(scheduling.reason ?? server.scheduler))")
        leave(other, .weightZeroPicked)
        continue
      }
      if let reason = scheduling.reason {
        let picked = server.realServers[real].address
        assumeOnce(&other, "the scheduler picks \(picked) (\(printable(server.scheduler)): \(reason))")
      }
      send(&other, server, real)
    }
    return false
  }

  /// Real servers that are followed; more than any virtual server sensibly has.
  static let maximumRealServers = 1 << 16

  /// Whether a packet may begin a connection of IPVS (tcp_conn_schedule, udp_conn_schedule, sctp_conn_schedule).
  private func isSchedulable(_ packet: PacketState) -> Bool {
    switch IPProtocol(rawValue: packet.ipProtocol) {
    case .tcp:
      guard packet.tcpFlags & 4 == 0 else { return false }
      if packet.tcpFlags & 2 == 0, node.snapshot.sysctlInt("net.ipv4.vs.sloppy_tcp") != 1 { return false }
    case .udp, .sctp: break
    default: return false
    }
    return !packet.sourcePortMatches(20)  // FTP data belongs to another connection
  }

  /// ip_vs_leave: nobody to send it to, so the client is told.
  private mutating func leave(_ b: Branch, _ why: Reason.VirtualServerRefusal) {
    finish(
      b, .reject, rejectWith: b.packet.version == .v4 ? .icmpPortUnreachable : .icmp6PortUnreachable,
      .virtualServer(why))
  }

  /// ip_vs_nat_xmit, ip_vs_dr_xmit, ip_vs_tunnel_xmit: to one real server.
  private mutating func send(_ b: inout Branch, _ server: VirtualServer, _ real: Int) {
    let target = server.realServers[real]
    b.packet.realServer = Int32(real)
    if b.packet.tracking == .new, node.snapshot.sysctlInt("net.ipv4.vs.conntrack") == 0 {
      b.packet.tracking = .untracked
    }
    guard target.address.version == b.packet.version else {
      return finish(b, .drop, .virtualServer(.otherVersion(target.address)))
    }
    guard node.routing.known(b.packet.version) else {
      b.packet.routeKnown = false
      b.packet.routedLocally = false
      b.packet.outputUnknown = true
      assumeOnce(&b, .route(target.address))
      return transmit(&b, target)
    }
    // The kernel asks for the address alone: no mark, no source.
    let query = RoutingTables.Query(
      version: b.packet.version, destination: target.address.bits, source: .zero, inputInterface: .zero, mark: 0)
    switch node.routing.lookup(query) {
    case .none: finish(b, .noroute, .noRoute(.realServer, target.address))
    case .refused(let type, let route):
      b.packet.route = route
      b.packet.nextHop = -1
      finish(b, .noroute, .refusingRoute(.realServer, target.address, type))
    case .multipath(let index, let hops):
      let total = Double(hops.reduce(0) { $0 + $1.weight })
      for hop in hops {
        var other = b
        other.take(chance: Double(hop.weight) / total)
        route(&other, index, hop.hop, target)
      }
    case .route(let index, let hop): route(&b, index, hop, target)
    }
  }

  private mutating func route(_ b: inout Branch, _ index: Int32, _ hop: Int32, _ target: VirtualServer.RealServer) {
    if node.routing.type(of: index) == .local { return continueHere(&b, target) }
    if b.packet.sourceIsLoopback {
      let source = IPAddress(bits: b.packet.source, version: b.packet.version)
      return finish(b, .drop, .virtualServer(.loopbackToOtherHost(source: source)))
    }
    if let hops = b.packet.timeToLive {
      if hops <= 1 { return finish(b, .drop, .hopLimit(hops)) }
      b.packet.timeToLive = hops - 1
    }
    b.packet.timeToLiveChanged = Int32(assumptions.count)
    b.packet.route = index
    b.packet.nextHop = hop
    b.packet.routeKnown = true
    b.packet.routedLocally = false
    b.packet.routedOutput = node.routing.interface(of: index, hop: hop)
    transmit(&b, target)
  }

  /// The real server is this node: the packet goes on with the hook where it is.
  private mutating func continueHere(_ b: inout Branch, _ target: VirtualServer.RealServer) {
    if target.forwarding == .masquerade {
      if target.address.isLoopback, b.packet.hook == .input {
        return finish(b, .drop, .virtualServer(.outsideToLoopback(target.address)))
      }
      translate(&b, target)
    }
    b.entry += 1
    b.natChain = 0
    pending.append(b)
  }

  /// To another host, by LOCAL_OUT.
  private mutating func transmit(_ b: inout Branch, _ target: VirtualServer.RealServer) {
    switch target.forwarding {
    case .masquerade: translate(&b, target)
    case .route: break
    case .tunnel:
      assumeOnce(&b, "netfilter lets the IPIP packet to \(target.address) pass")
      return finish(b, .forward)
    }
    if b.packet.hook == .input { b.packet.arrival = b.packet.input }
    b.packet.output = b.packet.routedOutput
    b.stage = .output
    b.entry = 0
    b.natChain = 0
    b.inChain = false
    pending.append(b)
  }

  /// Without conntrack's DNAT status: IPVS changes the addresses itself.
  private func translate(_ b: inout Branch, _ target: VirtualServer.RealServer) {
    b.packet.destination = target.address.bits
    if target.port != 0 { b.packet.destinationPort = target.port }
  }

  /// Behind POSTROUTING: source NAT of what IPVS sends needs its connection tracking.
  mutating func noteVirtualServerTracking(_ b: inout Branch) {
    guard b.packet.sourceRule != .max, node.snapshot.sysctlInt("net.ipv4.vs.conntrack") == nil else { return }
    assumeOnce(&b, "net.ipv4.vs.conntrack is 1, as kube-proxy sets it (the snapshot does not tell)")
  }

  /// xt_ipvs (net/netfilter/xt_ipvs.c), of a connection's first packet.
  func virtualServer(_ test: VirtualServerTest, _ b: Branch) -> Answer {
    let isTaken = b.packet.realServer >= 0
    if let property = test.property, isTaken == property.negated { return .holds(false) }
    if test.ipProtocol == nil, test.address == nil, test.port == nil, test.controlPort == nil, test.isReply == nil,
      test.method == nil
    {
      return .holds(true)
    }
    guard isTaken else { return .holds(false) }
    let server = node.snapshot.virtualServers![Int(b.packet.virtualServer)]
    let target = server.realServers[Int(b.packet.realServer)]
    // The virtual server of a mark has no address of its own: the connection keeps the one that was dialled.
    let isOfMark = server.firewallMark != nil
    let address = isOfMark ? IPAddress(bits: b.packet.originalDestination, version: b.packet.version) : server.address
    let port = isOfMark || server.port == 0 ? b.packet.originalDestinationPort : server.port
    let method: VirtualServerTest.Method =
      switch target.forwarding {
      case .masquerade: .masquerade
      case .route: .route
      case .tunnel: .tunnel
      }
    func holds<Value>(_ part: VirtualServerTest.Part<Value>?, _ isEqual: (Value) -> Bool) -> Bool {
      part.map { isEqual($0.value) != $0.negated } ?? true
    }
    return .holds(
      holds(test.ipProtocol) { $0 == b.packet.ipProtocol } && holds(test.address) { $0.contains(address) }
        && holds(test.port) { $0 == port } && holds(test.controlPort) { _ in false }
        && holds(test.isReply) { !$0 } && holds(test.method) { $0 == method }
        && (test.isReply == nil || b.packet.hasConnection))
  }
}

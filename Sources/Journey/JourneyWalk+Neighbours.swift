import PacketPath
import Snapshot
import Wire

// Who answers for an address on a link: ARP, and IPv6's neighbour discovery, whose packets rules may stop (RFC 4861).
extension JourneyWalk {
  /// Whether a Pod learns who has an address behind the same bridge: with IPv6 a packet that the node's rules may stop,
  /// where bridges call ip6tables. ARP passes no rule of iptables.
  func finds(_ address: IPAddress, askedBy source: IPAddress, on bridge: String, _ host: Int) -> Bool {
    guard address.version == .v6, !address.isLinkLocal else { return true }
    var advertisement = Self.advertisement(of: address, to: source, from: bridge)
    advertisement.isFrame = true
    var solicitation = Self.solicitation(of: address, by: source, from: bridge)
    solicitation.isFrame = true
    return [solicitation, advertisement].allSatisfy { packet in
      tracer(host).trace(packet).outcomes.contains { $0.verdict == .forward || $0.verdict == .deliver }
    }
  }

  private static func advertisement(of address: IPAddress, to asker: IPAddress, from interface: String) -> Flow {
    var packet = Flow(ipProtocol: .icmpv6, source: address, destination: asker, from: interface)
    packet.icmpType = ICMPv6.neighbourAdvertisement
    packet.icmpCode = 0
    return packet
  }

  /// To ff02::1:ff00:0/104 and the last 24 bits of the address (RFC 4291).
  private static func solicitation(of address: IPAddress, by asker: IPAddress, from interface: String) -> Flow {
    let group = IPAddress(v6: Bits128(high: 0xFF02_0000_0000_0000, low: 0x1_FF00_0000 | address.bits.low & 0xFF_FFFF))
    var packet = Flow(ipProtocol: .icmpv6, source: asker, destination: group, from: interface)
    packet.icmpType = ICMPv6.neighbourSolicitation
    packet.icmpCode = 0
    return packet
  }

  private enum ICMPv6 {
    static let neighbourSolicitation: UInt8 = 135
    static let neighbourAdvertisement: UInt8 = 136
  }

  /// The rule of a Pod's own that keeps the answers of its neighbours from it; nil: it hears them, knows the neighbour, or
  /// nothing tells.
  func neighbourFault(of address: IPAddress, in pod: Int, by interface: String) -> RuleText? {
    let here = map.namespaces[pod]
    guard address.version == .v6, here.isPod, !here.owns(address),
      let own = here.addresses(on: interface).first(where: { $0.address.version == .v6 && !$0.address.isLinkLocal })
    else { return nil }
    if let known = here.neighbour(address, on: interface), !known.state.contains("FAILED"), known.mac != nil {
      return nil
    }
    let trace = tracer(pod).trace(Self.advertisement(of: address, to: own.address, from: interface))
    guard let outcome = trace.outcomes.first,
      trace.outcomes.allSatisfy({ $0.verdict == .drop || $0.verdict == .reject })
    else { return nil }
    return trace.ender(of: outcome).map { RuleText(chain: $0.chain, position: $0.position) }
  }

  /// Whether the Pods of a bridge reach an address without going through the node.
  func isBeside(_ address: IPAddress, on bridge: String, _ host: Int) -> Bool {
    let node = map.namespaces[host]
    guard node.link(bridge)?.isBridge == true, !node.owns(address) else { return false }
    return node.addresses(on: bridge).contains {
      !$0.address.isLinkLocal && IPPrefix($0.address, length: $0.prefixLength).contains(address)
    }
  }

  /// Whether a node answers for an address that a Pod takes for its gateway (net/ipv4/arp.c, net/ipv6/ndisc.c).
  func answers(_ address: IPAddress, askedBy source: IPAddress, on interface: String, _ host: Int) -> Bool {
    let node = map.namespaces[host]
    guard node.snapshot.addresses != nil else { return true }
    if address.version == .v6 {
      if node.addresses(on: interface).contains(where: { $0.address == address }) { return true }
      // Link-local addresses of devices are in every dump of IPv6 addresses.
      return !address.isLinkLocal || !node.addresses(on: interface).contains { $0.address.version == .v6 }
    }
    if node.owns(address) { return true }
    guard let proxies = node.setting("proxy_arp", of: interface, .v4) else { return true }
    if proxies == 0 || tracer(host).forwards(on: interface, .v4) == false { return false }
    return node.snapshot.routes == nil || tracer(host).standsIn(for: address, askedBy: source, on: interface)
  }
}

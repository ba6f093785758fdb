import Ruleset
import Snapshot
import Wire

/// Why an outcome ends where it does, where no rule says it: the kernel's own decisions.
public enum Reason: Sendable, Hashable {
  /// Whose route it is that is looked for.
  public enum Target: Sendable, Hashable { case destination, realServer }

  case noRoute(Target, IPAddress)
  /// A route of a type that refuses: blackhole, unreachable, prohibit.
  case refusingRoute(Target, IPAddress, AddressType)
  case forwardingOff(IPVersion, interface: String)
  /// Strict or loose rp_filter (net/ipv4/fib_frontend.c, fib_validate_source). Interface nil: there is no way back at all.
  case reversePath(source: IPAddress, interface: String?)
  case martian(Martian)
  /// A destination in 0.0.0.0/8 of a local packet.
  case destinationInNetZero
  /// A packet from 127.0.0.0/8 that would leave by a device without route_localnet.
  case loopbackLeaves(source: IPAddress, interface: String)
  case hopLimit(UInt8)
  case masqueradeWithoutAddress(interface: String)
  case redirectWithoutAddress(interface: String)
  /// A target that gives the packet to a program, whose answer no dump holds.
  case handedOver(String)
  /// A target that is not modelled is taken to drop the packet.
  case unknownTarget(String)
  /// TPROXY finds no listening socket.
  case noTransparentSocket(port: UInt16)
  /// The kernel refuses such rulesets.
  case circularChains, chainsTooDeep
  case virtualServer(VirtualServerRefusal)
  case ebpf(EBPFRefusal)
  case bridge(BridgeRefusal)

  /// net/ipv4/route.c, ip_route_input_slow.
  public enum Martian: Sendable, Hashable {
    case sourceNotUnicast(IPAddress)
    case addressInNetZero
    case loopbackDestination(IPAddress, interface: String)
    case loopbackSource(IPAddress, interface: String)
    case sourceIsOwn(IPAddress)
    /// The source has a blackhole, unreachable or broadcast route.
    case sourceRefused(IPAddress)
  }

  /// net/netfilter/ipvs/ip_vs_core.c, ip_vs_xmit.c.
  public enum VirtualServerRefusal: Sendable, Hashable {
    case noWeightedServer
    case portZeroWithoutPersistence
    case weightZeroPicked
    case otherVersion(IPAddress)
    /// From this node's loopback addresses to another host.
    case loopbackToOtherHost(source: IPAddress)
    case outsideToLoopback(IPAddress)
  }

  /// net/bridge/br_forward.c, should_deliver. Ports are nil where no dump tells them, and all are alike.
  public enum BridgeRefusal: Sendable, Hashable {
    case portNotForwarding(String?)
    case hairpinOff(port: String?)
    case bothPortsIsolated(String?, String?)
  }

  public enum EBPFRefusal: Sendable, Hashable { case clusterIPFromOutside, noActiveBackend }
}

extension Reason: CustomStringConvertible {
  /// One clause, escaped for output.
  public var description: String {
    switch self {
    case .noRoute(let target, let address): "no route to \(target.prefix)\(address)"
    case .refusingRoute(let target, let address, let type):
      target == .destination
        ? "route to \(address) is of type \(type)" : "route to real server \(address) is of type \(type)"
    case .forwardingOff(let version, let interface):
      "forwarding is off: \(Engine.forwardingKey(version)) = 0 (on \(printable(interface)))"
    case .reversePath(let source, let interface?):
      "rp_filter: the way back to \(source) does not lead through \(printable(interface))"
    case .reversePath(let source, nil): "rp_filter: no way back to \(source)"
    case .martian(let martian): martian.description
    case .destinationInNetZero: "destination in 0.0.0.0/8"
    case .loopbackLeaves(let source, let interface):
      "a packet from \(source) may not leave through \(printable(interface)): route_localnet is off"
    case .hopLimit(let hops): "hop limit exceeded: the packet arrives with \(hops)"
    case .masqueradeWithoutAddress(let interface): "masquerading finds no address on \(printable(interface))"
    case .redirectWithoutAddress(let interface): "REDIRECT finds no address on \(printable(interface))"
    case .handedOver(let text): "handed over by '\(printable(text, limit: 200))'"
    case .unknownTarget(let text): "'\(printable(text, limit: 200))', which is not modelled, drops it"
    case .noTransparentSocket(let port): "TPROXY finds no socket on port \(port)"
    case .circularChains: "the chains jump in a circle; the kernel refuses such a ruleset"
    case .chainsTooDeep: "chains call each other more than 48 deep; the kernel refuses such a ruleset"
    case .virtualServer(let refusal): refusal.description
    case .bridge(let refusal): refusal.description
    case .ebpf(.clusterIPFromOutside): "eBPF: a ClusterIP is not reachable from outside"
    case .ebpf(.noActiveBackend): "eBPF: no active backend"
    }
  }
}

extension Reason.Target {
  fileprivate var prefix: String { self == .realServer ? "real server " : "" }
}

extension Reason.Martian: CustomStringConvertible {
  public var description: String {
    switch self {
    case .sourceNotUnicast(let address): "martian source \(address): not a unicast address"
    case .addressInNetZero: "martian address in 0.0.0.0/8"
    case .loopbackDestination(let address, let interface):
      "martian: destination \(address) is a loopback address and route_localnet is off on \(printable(interface))"
    case .loopbackSource(let address, let interface):
      "martian: source \(address) is a loopback address and route_localnet is off on \(printable(interface))"
    case .sourceIsOwn(let address): "martian source: \(address) is an address of this node"
    case .sourceRefused(let address):
      "martian source: \(address) has a blackhole, unreachable or broadcast route"
    }
  }
}

extension Reason.BridgeRefusal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .portNotForwarding(let port): "bridge port \(Self.name(port)) is not forwarding"
    case .hairpinOff(let port?):
      "hairpin mode is off on bridge port \(printable(port)): what comes in by it does not leave by it"
    case .hairpinOff(nil): "hairpin mode is off on all ports of the bridge: what comes in by one does not leave by it"
    case .bothPortsIsolated(let input?, let output?):
      "bridge ports \(printable(input)) and \(printable(output)) are isolated: nothing passes between them"
    case .bothPortsIsolated: "all ports of the bridge are isolated: nothing passes between them"
    }
  }

  private static func name(_ port: String?) -> String { port.map { printable($0) } ?? "(which one, no dump tells)" }
}

extension Reason.VirtualServerRefusal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noWeightedServer: "IPVS: no real server with a weight"
    case .portZeroWithoutPersistence: "IPVS: port 0 without persistence takes no connection"
    case .weightZeroPicked: "IPVS: the scheduler picks a real server of weight 0"
    case .otherVersion(let address): "IPVS: real server \(address) is of the other IP version: not modelled"
    case .loopbackToOtherHost(let source): "IPVS sends nothing from \(source) to another host"
    case .outsideToLoopback(let address): "IPVS sends nothing from outside to \(address)"
    }
  }
}

import Findings
import Intent
import PacketPath
import Ruleset
import Snapshot
import Wire

/// The node has no usable route to Pods: none at all, one that refuses, or for its own Pods one that leads out of it.
enum NoRoute: Check {
  static let id = "no-route"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      guard node.snapshot.routes != nil, node.pod == nil else { return [] }
      let lookup = NodeRoutes(node.snapshot)
      let down = Set((node.snapshot.links ?? []).filter(\.lacksCarrier).map(\.name))
      var routed: Set<IPVersion> = []
      var faults: [Fault] = []
      var ownPods = 0
      let outward = OutwardDevices(node.snapshot)
      for (index, pod) in context.intent.pods.enumerated() where pod.ready && !pod.hostNetwork {
        for address in pod.addresses {
          if pod.node == node.node?.name { ownPods += 1 }
          guard let kind = fault(to: address, of: pod, on: node, lookup, down, outward) else {
            if pod.node != node.node?.name { routed.insert(address.version) }
            continue
          }
          if let known = faults.firstIndex(where: { $0.kind == kind && $0.node == pod.node }) {
            faults[known].count += 1
          } else {
            faults.append(Fault(kind: kind, node: pod.node, pod: index, address: address))
          }
        }
      }
      // Where most are so, the network plugin has other means than routes; flannel has none.
      let isFlannel = node.snapshot.ruleset.chains.indices.contains {
        ChainOwner(ChainID($0), node.snapshot.ruleset) == .flannel
      }
      faults.removeAll {
        switch $0.kind {
        case .astray: $0.count * 2 > ownPods
        case .byDefault(_, let version):
          !outward.hasTunnel && !isFlannel
            && (!routed.contains(version) || !isNeighbour($0.node, version, lookup, context))
        default: false
        }
      }
      return faults.map { finding($0, node, context) }
    } + traced(context)
  }

  private enum Kind: Equatable {
    case none(IPVersion)
    case refused(Route)
    /// A Pod of this node, by the route of packets that leave it.
    case astray(Route)
    /// By an interface without carrier.
    case down(Route, String)
    /// By a bridge that has no ports.
    case empty(Route, String)
    /// Pods of another node, by the default route, where those of other nodes have routes of their own.
    case byDefault(Route, IPVersion)
  }

  /// What is wrong with the way to the Pods of one node.
  private struct Fault {
    var kind: Kind
    var node: String
    /// The first of them.
    var pod: Int
    var address: IPAddress
    var count = 1
  }

  /// The other node is on a network of this one: no router between them knows its Pods better.
  private static func isNeighbour(
    _ name: String, _ version: IPVersion, _ lookup: NodeRoutes, _ context: CheckContext
  ) -> Bool {
    guard let node = context.intent.nodes.first(where: { $0.name == name }),
      let address = node.internalIPs.first(where: { $0.version == version }),
      case .route(_, let gateway, _) = lookup.route(to: address)
    else { return false }
    return gateway == nil
  }

  private static func fault(
    to address: IPAddress, of pod: Pod, on node: NodeContext, _ lookup: NodeRoutes, _ down: Set<String>,
    _ outward: OutwardDevices
  ) -> Kind? {
    switch lookup.route(to: address) {
    case .unknown: return nil
    case .none: return .none(address.version)
    case .refused(let route): return .refused(route)
    case .route(let route, let gateway, let interface):
      if let interface, down.contains(interface) { return .down(route, interface) }
      if let interface, pod.node == node.node?.name, outward.emptyBridges.contains(interface) {
        return .empty(route, interface)
      }
      if gateway != nil, route.destination.length == 0, let own = node.node?.name, own != pod.node, !pod.node.isEmpty {
        return .byDefault(route, address.version)
      }
      if gateway == nil, let interface, let own = node.node?.name, own == pod.node, outward.leads(interface, address) {
        return .astray(route)
      }
      // Network plugins may put a gateway before their own Pods, but never the default route's.
      guard gateway != nil, route.destination.length == 0, let own = node.node?.name, own == pod.node else {
        return nil
      }
      return .astray(route)
    }
  }

  /// The node's devices that lead out of it.
  private struct OutwardDevices {
    private var networks: [String: [IPPrefix]] = [:]
    /// A device that carries packets to other nodes' Pods: those have routes of their own, then.
    let hasTunnel: Bool
    /// Bridges without ports, where the links tell which have some.
    let emptyBridges: Set<String>

    init(_ snapshot: Snapshot) {
      hasTunnel = TunnelDevice.all(snapshot).contains { $0.isUp && !$0.isExternal }
      let gateways = Set(
        (snapshot.routes ?? []).flatMap { $0.nextHops.filter { $0.gateway != nil }.compactMap(\.interface) })
      let bridges = Set((snapshot.links ?? []).filter(\.isBridge).map(\.name))
      let masters = Set((snapshot.links ?? []).compactMap(\.master))
      emptyBridges = masters.isEmpty ? [] : bridges.subtracting(masters)
      for address in snapshot.addresses ?? [] where address.scope == "global" {
        guard gateways.contains(address.interface), !bridges.contains(address.interface) else { continue }
        networks[address.interface, default: []].append(IPPrefix(address.address, length: address.prefixLength))
      }
    }

    /// Whether a Pod's address is none of those behind the device, which has networks of its own.
    func leads(_ interface: String, _ address: IPAddress) -> Bool {
      guard let own = networks[interface]?.filter({ $0.address.version == address.version }), !own.isEmpty else {
        return false
      }
      return !own.contains { $0.contains(address) }
    }
  }

  private static func finding(_ fault: Fault, _ node: NodeContext, _ context: CheckContext) -> Finding {
    let pod = context.intent.pods[fault.pod]
    let tool = fault.address.version == .v4 ? "ip" : "ip -6"
    let isOwn = node.node?.name == fault.node
    let home = context.intent.nodes.first { $0.name == fault.node }
    let range = home?.podCIDRs.first { $0.contains(fault.address) }
    let pods =
      "\(fault.count == 1 ? "Pod" : "\(fault.count) Pods") \(fault.count == 1 ? "" : "of node \(fault.node), e.g. ")\(pod.namespace)/\(pod.name) (\(fault.address))"
    let problem: String
    let cause: String
    switch fault.kind {
    case .none:
      problem = "\(node.name) has no route to \(pods)"
      cause =
        "the routing tables have neither a route to \(range.map { "\($0)" } ?? "\(fault.address)") nor a default route"
    case .refused(let route):
      problem = "\(node.name) refuses to route to \(pods)"
      cause = "the longest match is \(route.type) \(route.destination)"
    case .down(_, let interface):
      problem = "packets of \(node.name) to \(pods) are lost at \(printable(interface)), which has no carrier"
      cause = "the interface is up and what it is connected to is not"
    case .empty(let route, let interface):
      problem = "packets of \(node.name) to \(pods) are lost at \(printable(interface)), a bridge without ports"
      cause =
        "the network \(route.destination) of \(printable(interface)) lies in the range of the node's Pods, and the longer prefix wins ← give what uses \(printable(interface)) (Docker: bip and default-address-pools in /etc/docker/daemon.json) another range"
    case .byDefault(let route, _):
      problem = "\(node.name) has no route of its own to \(pods), as it has to those of other nodes"
      cause =
        "they follow the default route by \(printable(route.nextHops.first?.interface ?? "?")), though node \(fault.node) is on a network of this one"
    case .astray(let route):
      problem = "\(node.name) sends packets to \(pods) away, though it runs here"
      cause =
        "no route leads to the Pod's interface; they follow the default route by \(route.nextHops.first?.interface ?? "?")"
    }
    let isDown = if case .down = fault.kind { true } else { false }
    let isOverlap = if case .empty = fault.kind { true } else { false }
    let isDefault = if case .byDefault = fault.kind { true } else { false }
    // The agent that should have made the route, here or where the Pods are.
    let agent =
      isOwn
      ? nil
      : [fault.node, node.name].lazy.compactMap { name -> Explanation? in
        guard let pod = context.plugin.pods[name], !context.intent.pods[pod].ready else { return nil }
        return context.plugin.fault(on: name, context.objects, context.intent)
      }.first
    // Other nodes' Pods have routes of their own: it is one that is missing, unless a router beyond makes up for it.
    let isLikely = isDefault && agent == nil
    let gateway = home?.internalIPs.first { $0.version == fault.address.version }
    return Finding(
      id: id, severity: .error, confidence: isLikely ? .likely : .certain,
      subject: node.subject, problem: problem,
      cause: cause
        + (isOwn
          ? isOverlap ? "" : " ← the network plugin's set-up of the Pod is gone"
          : isDown
            ? " ← a cable, bond or tunnel below it"
            : " ← the network plugin did not program node \(fault.node)'s Pod range here")
        + (agent.map { " ← \($0.cause)" } ?? ""),
      evidence: evidence(fault.kind, node.snapshot) + (agent?.evidence ?? []),
      fix: isOverlap
        ? [.advice("give what uses the bridge another range; until then take its address away")]
        : isOwn
          ? [
            .advice(
              "make the Pod anew, it gets its interface and route then: "
                + "\("kubectl -n \(pod.namespace) delete pod \(pod.name)" as ShellCommand)")
          ]
          : (agent?.fix ?? []) + [
            .advice(
              "see the log of the network plugin's agent on \(node.name) (flannel, calico-node, kindnet, cloud route controller)"
            ),
            range.flatMap { range in
              gateway.map { .command("\(tool) route replace \(range) via \($0)", why: "by hand, until it does") }
            } ?? .advice("by hand: \(tool) route replace POD-RANGE via ADDRESS-OF-\(fault.node)"),
          ],
      verify: ["\(tool) route get \(fault.address)"],
      occurrences: node.address(fault.address.version).map { own in
        [
          Finding.Occurrence(
            node: node.name,
            traffic: Finding.Traffic(
              ipProtocol: .tcp, source: own, isLocal: true, address: fault.address,
              port: pod.ports.first?.port ?? 80))
        ]
      } ?? [])
  }

  private static func evidence(_ kind: Kind, _ snapshot: Snapshot) -> [Finding.Evidence] {
    switch kind {
    case .none: []
    case .refused(let route), .astray(let route), .down(let route, _), .empty(let route, _),
      .byDefault(let route, _):
      [
        Finding.Evidence(
          file: snapshot.fileName(route.file), line: route.line > 0 ? route.line : nil,
          text: "\(route.type) \(route.destination)")
      ]
    }
  }
}

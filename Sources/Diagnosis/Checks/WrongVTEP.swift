import Findings
import Intent
import PacketPath
import Snapshot
import Wire

/// A node sends what is for another node's Pods to where nobody takes it: its route, neighbour, forwarding entry or peer of
/// the tunnel is missing or names an address that no node, or another node, has.
enum WrongVTEP: Check {
  static let id = "wrong-vtep"

  static func run(_ context: CheckContext) -> [Finding] {
    let ends = NodeAddresses(context.intent)
    return context.nodes.filter { $0.pod == nil }.flatMap { node -> [Finding] in
      let tunnels = Dictionary(
        TunnelDevice.all(node.snapshot).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
      var told: Set<String> = []
      return (node.snapshot.routes ?? []).compactMap { route -> Finding? in
        guard route.type == .unicast, route.table == Route.TableNumber.main, route.nextHops.count == 1,
          route.destination.length > 0, let hop = route.nextHops.first
        else { return nil }
        let fault: Fault?
        if let tunnel = hop.interface.flatMap({ tunnels[$0] }) {
          fault = tunnelFault(tunnel, route, hop, node, ends)
        } else {
          fault = hop.gateway.flatMap { gatewayFault($0, route, node, ends) }
        }
        guard let fault, told.insert(fault.cause).inserted else { return nil }
        return finding(fault, route, node)
      }
    }
  }

  private struct Fault {
    var cause: String
    var evidence: String
    var fix: Fix
    var isCertain = false
  }

  /// Whose the addresses of nodes are, and whose the ranges of their Pods.
  private struct NodeAddresses {
    private let intent: Cluster
    private let nodeOfAddress: [IPAddress: String]
    private let nodeOfRange: [IPPrefix: String]
    /// Pods' addresses in order, and whose they are: routes to them are as many.
    private let pods: [(address: IPAddress, node: String)]

    init(_ intent: Cluster) {
      self.intent = intent
      nodeOfAddress = Dictionary(
        intent.nodes.flatMap { node in node.internalIPs.map { ($0, node.name) } },
        uniquingKeysWith: { first, _ in first })
      nodeOfRange = Dictionary(
        intent.nodes.flatMap { node in node.podCIDRs.map { ($0, node.name) } }, uniquingKeysWith: { first, _ in first })
      pods = intent.pods.filter { !$0.hostNetwork && !$0.node.isEmpty }
        .flatMap { pod in pod.addresses.map { ($0, pod.node) } }.sorted { $0.0 < $1.0 }
    }

    var isKnown: Bool { intent.nodes.count > 1 }
    func node(at address: IPAddress) -> String? { nodeOfAddress[address] }

    func addresses(of name: String) -> [IPAddress] { intent.nodes.first { $0.name == name }?.internalIPs ?? [] }

    /// The one node whose Pods a range holds.
    func owner(of range: IPPrefix) -> String? {
      if let node = nodeOfRange[range] { return node }
      var (low, high) = (0, pods.count)
      while low < high {
        let middle = (low + high) / 2
        if pods[middle].address < range.address { low = middle + 1 } else { high = middle }
      }
      var home: String?
      for pod in pods[low...] {
        guard range.contains(pod.address) else { break }
        if let home, home != pod.node { return nil }
        home = pod.node
      }
      return home
    }
  }

  // MARK: tunnels

  private static func tunnelFault(
    _ tunnel: TunnelDevice, _ route: Route, _ hop: Route.NextHop, _ node: NodeContext, _ ends: NodeAddresses
  ) -> Fault? {
    guard tunnel.isUp, !tunnel.isExternal else { return nil }
    switch tunnel.kind {
    case .vxlan: return hop.gateway.flatMap { vxlanFault(tunnel, $0, route, node, ends) }
    case .wireguard: return peerFault(tunnel, route, node)
    case .ipip, .sit, .gre: return (tunnel.remote ?? hop.gateway).flatMap { strange($0, route, node, ends, by: tunnel) }
    case .geneve: return nil
    }
  }

  private static func vxlanFault(
    _ tunnel: TunnelDevice, _ gateway: IPAddress, _ route: Route, _ node: NodeContext, _ ends: NodeAddresses
  ) -> Fault? {
    let snapshot = node.snapshot
    let device = printable(tunnel.name)
    // Where packets to unknown addresses go to everybody, entries may come and go.
    let floods = (snapshot.forwardingEntries ?? []).contains {
      $0.interface == tunnel.name && $0.mac == "00:00:00:00:00:00" && $0.destination != nil
    }
    guard !tunnel.learns, tunnel.remote == nil, !floods else { return nil }
    guard let neighbours = snapshot.neighbours, !neighbours.isEmpty else { return nil }
    let neighbour = neighbours.first { $0.address == gateway && $0.interface == tunnel.name }
    guard let mac = neighbour?.mac, neighbour?.state.contains("FAILED") == false else {
      return Fault(
        cause: "\(device) has no neighbour entry for \(gateway), and its agent does not let the kernel ask for one",
        evidence: "ip neigh: \(gateway) dev \(device) \(neighbour?.state ?? "is missing")", fix: restart(node),
        isCertain: true)
    }
    guard let entries = snapshot.forwardingEntries, !entries.isEmpty else { return nil }
    let entry = entries.first { $0.interface == tunnel.name && $0.mac.lowercased() == mac.lowercased() }
    guard let far = entry?.destination else {
      return Fault(
        cause: "\(device) has no forwarding entry for \(printable(mac)), the link address of \(gateway)",
        evidence: "bridge fdb: \(printable(mac)) dev \(device) is missing", fix: restart(node), isCertain: true)
    }
    return strange(far, route, node, ends, by: tunnel)
  }

  /// WireGuard sends a packet to the peer whose allowed addresses hold its destination, and drops it where there is none.
  private static func peerFault(_ tunnel: TunnelDevice, _ route: Route, _ node: NodeContext) -> Fault? {
    guard let device = node.snapshot.wireGuards?.first(where: { $0.name == tunnel.name }) else { return nil }
    guard
      !device.peers.contains(where: {
        $0.allowed.contains { $0.contains(route.destination) || route.destination.contains($0) }
      })
    else { return nil }
    return Fault(
      cause: "no peer of \(printable(tunnel.name)) is allowed \(route.destination)",
      evidence: "wg show: \(device.peers.count) peers, none with \(route.destination) in its allowed ips",
      fix: restart(node), isCertain: true)
  }

  // MARK: addresses

  /// Without a tunnel, the gateway is the other node itself.
  private static func gatewayFault(
    _ gateway: IPAddress, _ route: Route, _ node: NodeContext, _ ends: NodeAddresses
  ) -> Fault? {
    guard ends.owner(of: route.destination) != nil else { return nil }
    return strange(gateway, route, node, ends, by: nil)
  }

  private static func strange(
    _ far: IPAddress, _ route: Route, _ node: NodeContext, _ ends: NodeAddresses, by tunnel: TunnelDevice?
  ) -> Fault? {
    guard ends.isKnown, let own = node.node, let owner = ends.owner(of: route.destination), owner != own.name else {
      return nil
    }
    let place = tunnel.map { "\(printable($0.name)) sends" } ?? "the route sends"
    let entry = tunnel.map { "\($0.kind.name) by \(printable($0.name)) to \(far)" } ?? "via \(far)"
    if let other = ends.node(at: far) {
      guard other != owner else { return nil }
      return Fault(
        cause:
          "\(place) it to \(far), which is \(other == own.name ? "this node" : "node \(other)"), and the Pods are on \(owner)",
        evidence: "\(route.destination) \(entry)", fix: restart(node))
    }
    // Nodes may have other addresses than those that the API knows: then none of the far ends is among them.
    let convention = tunnel?.local ?? own.internalIPs.first { $0.version == far.version }
    guard let convention, own.internalIPs.contains(convention),
      isCommon(node, ends, tunnel) || isNeighbour(owner, far, node, ends)
    else { return nil }
    return Fault(
      cause:
        "\(place) it to \(far), which no node has (\(owner) has \(ends.addresses(of: owner).first { $0.version == far.version }.map { "\($0)" } ?? "another"))",
      evidence: "\(route.destination) \(entry)",
      fix: .advice(
        "see which address \(owner) announces (flannel's public-ip annotation, --iface, Calico's IP autodetection), correct it there, and restart the agents of both nodes"
      ))
  }

  /// Far ends are named by the addresses that the API knows: with a tunnel its own end is; without, some other gateway of
  /// the node's routes is a node.
  private static func isCommon(_ node: NodeContext, _ ends: NodeAddresses, _ tunnel: TunnelDevice?) -> Bool {
    if tunnel?.local != nil { return true }
    return (node.snapshot.routes ?? []).contains { route in
      route.destination.length > 0 && route.nextHops.contains { $0.gateway.map { ends.node(at: $0) != nil } ?? false }
    }
  }

  /// The other node is on a network of this one, and a route to its Pods leads to another host there that is no router
  /// of the node's.
  private static func isNeighbour(
    _ owner: String, _ far: IPAddress, _ node: NodeContext, _ ends: NodeAddresses
  ) -> Bool {
    guard let address = ends.addresses(of: owner).first(where: { $0.version == far.version }) else { return false }
    let routes = node.snapshot.routes ?? []
    guard !routes.contains(where: { $0.destination.length == 0 && $0.nextHops.contains { $0.gateway == far } }) else {
      return false
    }
    return routes.contains { route in
      route.type == .unicast && route.destination.length > 0 && route.destination.contains(address)
        && route.destination.contains(far) && route.nextHops.allSatisfy { $0.gateway == nil }
    }
  }

  private static func restart(_ node: NodeContext) -> Fix {
    .advice("restart the network plugin's agent on \(node.name): it writes its routes and entries anew")
  }

  private static func finding(_ fault: Fault, _ route: Route, _ node: NodeContext) -> Finding {
    let tool: ShellCommand = route.destination.address.version == .v4 ? "ip" : "ip -6"
    return Finding(
      id: id, severity: .error, confidence: fault.isCertain ? .certain : .likely, subject: node.subject,
      problem: "packets of \(node.name) to Pods in \(route.destination) do not get there",
      cause: fault.cause + " ← the network plugin's agent did not write it, or somebody changed it",
      evidence: [
        Finding.Evidence(
          file: node.snapshot.fileName(route.file), line: route.line > 0 ? route.line : nil,
          text: "route \(route.destination)\(route.nextHops.first?.interface.map { " dev \(printable($0))" } ?? "")"),
        Finding.Evidence(text: fault.evidence),
      ], fix: [fault.fix], verify: ["\(tool) route get \(route.destination.address)", "bridge fdb show"])
  }
}

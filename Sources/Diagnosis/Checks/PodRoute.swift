import Findings
import Intent
import PacketPath
import Snapshot
import Wire

/// A Pod of this node to which the node has no route of its own: what is sent to it leaves by the uplink, or nowhere; and
/// routing rules for Pods whose table is empty (the AWS plugin's tables of its interfaces).
enum PodRoute: Check {
  static let id = "pod-route"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { missing($0, context) + emptyTables($0, context) }
  }

  private static func missing(_ node: NodeContext, _ context: CheckContext) -> [Finding] {
    guard let name = node.node?.name, let routes = node.snapshot.routes,
      routes.contains(where: { $0.table == Route.TableNumber.main })
    else { return [] }
    let uplinks = Set(
      routes.filter { $0.destination.length == 0 && $0.table == Route.TableNumber.main }.flatMap {
        $0.nextHops.compactMap(\.interface)
      })
    // Without Pod devices the plugin hands packets over elsewhere (ipvlan, eBPF, SR-IOV).
    let hasDevices = (node.snapshot.links ?? []).contains { $0.kind == "veth" || $0.peerIndex != nil }
    guard hasDevices, !uplinks.isEmpty else { return [] }
    let table = NodeRoutes(node.snapshot)
    // Of endpoints no-route tells.
    let endpoints = Set(context.intent.slices.flatMap { $0.endpoints.map(\.address) })
    let lost = context.intent.pods.filter { pod in
      pod.node == name && !pod.hostNetwork && pod.ready
        && !pod.addresses.contains(where: endpoints.contains)
        && pod.addresses.contains { address in
          switch table.route(to: address) {
          case .route(let route, _, let interface):
            route.type == .unicast && interface.map { uplinks.contains($0) } ?? false
          case .none: true
          case .refused, .unknown: false
          }
        }
    }
    guard let first = lost.first, let address = first.addresses.first else { return [] }
    // A plugin that gives no Pod here a route of its own works by other means.
    guard lost.count < context.intent.pods.count(where: { $0.node == name && !$0.hostNetwork && $0.ready }) else {
      return []
    }
    return [
      Finding(
        id: id, severity: .error, confidence: .likely, subject: node.subject,
        problem:
          "\(name) does not send packets to \(lost.count == 1 ? "its Pod" : "\(lost.count) of its Pods, one of them") \(first.namespace)/\(first.name) (\(address))",
        cause:
          "no route to \(address) leads to a Pod's device: by \(uplinks.sorted().joined(separator: ", ")) it leaves the node ← the network plugin's route was removed, or never made",
        evidence: [Finding.Evidence(text: "ip route get \(address): \(uplinks.sorted().joined(separator: ", "))")],
        fix: [
          .advice(
            "delete the Pod, so that the plugin sets it up anew, and read the log of the plugin's agent on \(name)")
        ], verify: ["ip route get \("\(address)")"])
    ]
  }

  private static func emptyTables(_ node: NodeContext, _ context: CheckContext) -> [Finding] {
    let snapshot = node.snapshot
    guard let routes = snapshot.routes, routes.contains(where: { $0.table == Route.TableNumber.local }) else {
      return []
    }
    // Each version has tables of its own.
    let filled = [IPVersion.v4, .v6].map { version in
      Set(routes.filter { $0.destination.address.version == version }.map(\.table))
    }
    let own: [UInt32] = [Route.TableNumber.local, Route.TableNumber.main, Route.TableNumber.default]
    var sources: [UInt32: [IPAddress]] = [:]
    for rule in snapshot.routingRules ?? [] {
      guard case .lookup(let table) = rule.action, !own.contains(table), !rule.inverted,
        !filled[rule.version == .v4 ? 0 : 1].contains(table),
        let from = rule.from, from.length == from.address.version.width
      else { continue }
      // Only of Pods: other programs keep empty tables for later.
      if context.intent.podOfAddress[from.address] != nil { sources[table, default: []].append(from.address) }
    }
    return sources.sorted { $0.key < $1.key }.map { table, addresses in
      let pod = context.intent.podOfAddress[addresses[0]].map { context.intent.pods[$0] }
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: node.subject,
        problem:
          "\(addresses.count) Pod\(addresses.count == 1 ? "" : "s") of \(node.name) leave by the wrong interface, e.g. \(pod.map { "\($0.namespace)/\($0.name)" } ?? "") (\(addresses[0]))",
        cause: "a routing rule sends them to table \(table), which has no routes ← they were removed, or never made",
        evidence: [Finding.Evidence(text: "ip rule: from \(addresses[0]) lookup \(table)")],
        fix: [
          .advice(
            "restart the network plugin's agent on \(node.name) (aws-node): it makes the tables of its interfaces")
        ],
        verify: ["ip route show table \("\(table)")"])
    }
  }
}

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
    context.nodes.flatMap { missing($0, context) + emptyTables($0, context) + astray($0, context) }
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

  /// A routing rule for one Pod's packets sends those to its neighbours out of the node, too.
  private static func astray(_ node: NodeContext, _ context: CheckContext) -> [Finding] {
    let snapshot = node.snapshot
    guard let name = node.node?.name, snapshot.routes != nil else { return [] }
    let standard: [UInt32] = [Route.TableNumber.local, Route.TableNumber.main, Route.TableNumber.default]
    let here = context.intent.pods.filter { $0.node == name && !$0.hostNetwork && $0.ready }
    var told: Set<UInt32> = []
    let direct = NodeRoutes(snapshot)
    return (snapshot.routingRules ?? []).compactMap { rule -> Finding? in
      guard case .lookup(let table) = rule.action, !standard.contains(table), let from = rule.from,
        from.length == from.address.version.width, !told.contains(table),
        let pod = here.first(where: { $0.addresses.contains(from.address) }),
        let neighbour = here.lazy.flatMap(\.addresses).first(where: {
          $0 != from.address && $0.version == from.address.version
        }), case .route(_, nil, let device?) = direct.route(to: neighbour)
      else { return nil }
      let tracer = PathTracer(snapshot)
      var flow = Flow(
        ipProtocol: .tcp, source: from.address, sourcePort: 40000, destination: neighbour, destinationPort: 80,
        from: tracer.inputInterface(from: from.address, to: neighbour) ?? "")
      guard !flow.from.isEmpty, !flow.isLocal else { return nil }
      flow.isFrame = true
      let ends = tracer.trace(flow).outcomes
      guard ends.count == 1, ends[0].verdict == .forward, !ends[0].isAssumed, let out = ends[0].outInterface,
        out != device
      else { return nil }
      told.insert(table)
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: node.subject,
        problem:
          "Pod \(pod.fullName) (\(from.address)) of \(node.name) does not reach the other Pods of its node: its packets leave by \(printable(out))",
        cause:
          "a routing rule of priority \(rule.priority) sends what comes from it to table \(table), before the routes to this node's Pods are asked ← the rule that asks them first is gone, or somebody added one before it",
        evidence: [
          snapshot.evidence(
            "\(rule.priority): from \(from.address) lookup \(table)", at: FilePlace(file: rule.file, line: rule.line))
        ],
        fix: [
          .advice(
            "restart the network plugin's agent on \(node.name) (aws-node): it makes a rule “to POD lookup main” for each Pod, before all others; delete a rule that is not its own"
          )
        ], verify: ["ip route get \(neighbour) from \(from.address) iif \(flow.from)"])
    }
  }
}

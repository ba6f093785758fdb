import Findings
import Intent
import PacketPath
import Snapshot
import Wire

/// A port that the cluster itself needs is closed by a node's own rules to those who need it: the API server, etcd, the
/// kubelet, BGP, an overlay.
enum ControlPlanePort: Check {
  static let id = "control-plane-port"

  /// Who dials a port of a node.
  private enum Caller { case everyNode, controlPlane }

  private struct Need {
    var port: UInt16
    var ipProtocol: IPProtocol
    var program: String
    var caller: Caller
    var consequence: String
    var evidence: Finding.Evidence?
    /// Other callers than the cluster's nodes: the far ends of a tunnel. More than nodes are asked for: an allow-list may
    /// lack one of them.
    var isTunnel = false
    var peers: [IPAddress] = []

    /// `port 8472/udp`, `protocol 4`
    var words: String {
      ipProtocol.hasPorts ? "port \(port)/\(ipProtocol)" : "protocol \(ipProtocol) (\(ipProtocol.rawValue))"
    }
  }

  /// So many callers are asked for each port, and so many of a tunnel's far ends.
  private static let asked = 3
  private static let peersAsked = 256

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      guard node.snapshot.rulesKnown, node.pod == nil,
        let own = node.node?.internalIPs.first(where: { $0.version == .v4 })
      else { return [] }
      let needs = needs(node, own, context)
      guard !needs.isEmpty else { return [] }
      let callers = callers(node, own, context)
      let tracer = PathTracer(node.snapshot)
      return needs.compactMap { need in
        // Where no other node of the control plane is known, any node may become one.
        let sources =
          need.caller == .controlPlane && !callers.controlPlane.isEmpty ? callers.controlPlane : callers.nodes
        if !need.isTunnel {
          return sources.prefix(asked).lazy.compactMap { closed(need, from: $0, to: own, tracer, node, context) }.first
        }
        var seen: Set<IPAddress> = [own]
        let all = (callers.internal + need.peers).filter { $0.version == .v4 && seen.insert($0).inserted }
        let stopped = all.prefix(peersAsked).compactMap { peer in
          closed(need, from: peer, to: own, tracer, node, context).map { (peer: peer, finding: $0) }
        }
        guard var first = stopped.first else { return nil }
        first.finding.cause +=
          AddressSets.lacking(stopped.map(\.peer), among: all, node.snapshot).map {
            " ← set \($0), by which others are let in, does not have \(first.peer)"
          } ?? ""
        return first.finding
      }
    }
  }

  private static func callers(
    _ node: NodeContext, _ own: IPAddress, _ context: CheckContext
  ) -> (nodes: [IPAddress], controlPlane: [IPAddress], internal: [IPAddress]) {
    let nodes = context.intent.nodes.compactMap { $0.internalIPs.first { $0.version == .v4 } }.filter { $0 != own }
    var all = nodes
    var control: [IPAddress] = []
    for index in context.intent.serviceIndex["default/kubernetes"].map({ context.intent.services[$0].slices }) ?? [] {
      control += context.intent.slices[index].endpoints.map(\.address).filter {
        $0.version == .v4 && $0 != own && !$0.isLoopback
      }
    }
    for address in control where !all.contains(address) { all.append(address) }
    return (all, control, nodes)
  }

  /// What listens on the node's address, as its sockets or its devices tell.
  private static func needs(_ node: NodeContext, _ own: IPAddress, _ context: CheckContext) -> [Need] {
    var needs: [Need] = []
    let sockets = node.snapshot.sockets ?? []
    func listens(_ port: UInt16, _ program: String) -> SocketEntry? {
      HostSockets.listeners(sockets, .tcp, port).first {
        ($0.localAddress == nil || $0.localAddress == own) && ($0.process ?? program).hasPrefix(program.prefix(15))
      }
    }
    let known: [(UInt16, String, Caller, String)] = [
      (6443, "kube-apiserver", .everyNode, "kubelets, kube-proxy and Pods do not reach the API server"),
      (2379, "etcd", .controlPlane, "API servers of other nodes do not reach this member of etcd"),
      (
        2380, "etcd", .controlPlane,
        "etcd's other members do not reach this one: the cluster loses a vote, and with it perhaps its majority"
      ),
      (10250, "kubelet", .controlPlane, "kubectl logs and exec, and metrics, fail for this node's Pods"),
      (179, "bird", .everyNode, "BGP sessions with this node do not come up, and others have no routes to its Pods"),
    ]
    for (port, program, caller, consequence) in known {
      guard let socket = listens(port, program) else { continue }
      needs.append(
        Need(
          port: port, ipProtocol: .tcp, program: program, caller: caller, consequence: consequence,
          evidence: node.snapshot.evidence([socket], absent: "")))
    }
    for tunnel in TunnelDevice.all(node.snapshot) where tunnel.isUp && tunnel.version == .v4 {
      guard tunnel.kind.ipProtocol != .udp || tunnel.port != nil else { continue }
      needs.append(
        Need(
          port: tunnel.port ?? 0, ipProtocol: tunnel.kind.ipProtocol, program: tunnel.name, caller: .everyNode,
          consequence: "Pods of other nodes do not reach this node's: the overlay's packets are thrown away",
          evidence: nil, isTunnel: true, peers: tunnel.peers(node.snapshot)))
    }
    return needs
  }

  private static func closed(
    _ need: Need, from source: IPAddress, to own: IPAddress, _ tracer: PathTracer, _ node: NodeContext,
    _ context: CheckContext
  ) -> Finding? {
    guard let interface = tracer.inputInterface(from: source), interface != Flow.local else { return nil }
    let flow = Flow(
      ipProtocol: need.ipProtocol, source: source, sourcePort: 41234, destination: own, destinationPort: need.port,
      from: interface)
    let trace = tracer.trace(flow)
    guard let end = trace.outcomes.first, end.verdict == .drop || end.verdict == .reject, !end.isAssumed else {
      return nil
    }
    let step = end.steps.last
    let chain = context.chainName(step, node)
    let remedy = step.map { Remedy(at: $0, node.snapshot, context.intent) }
    let accept =
      need.ipProtocol.hasPorts
      ? remedy?.fixes(
        for: [Remedy.Passage(ipProtocol: need.ipProtocol, source: nil, destination: own, port: need.port)])
      : [
        .advice(
          "accept IP protocol \(need.ipProtocol.rawValue) from the cluster's nodes in \(remedy?.owner.rawValue ?? "the firewall")"
        )
      ]
    let owner = remedy.map { $0.owner == .operators ? "a host firewall" : $0.owner.rawValue } ?? "a host firewall"
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: node.subject,
      problem:
        "\(printable(need.program))'s \(need.words) on \(node.name) is closed to \(context.intent.owner(of: source) ?? "\(source)"): \(need.consequence)",
      cause:
        "\(step?.rule == nil ? "the policy of" : "a rule of") chain \(chain) \(end.verdict == .reject ? "rejects" : "drops") it ← \(owner)\(remedy?.owner.enforcesPolicies == true ? "" : ", which does not know the cluster's ports")",
      evidence: context.evidence(step, node) + (need.evidence.map { [$0] } ?? []),
      fix: (accept ?? []) + [.advice("or take away the rule, where the firewall's configuration has it")],
      verify: need.isTunnel
        ? [
          "tcpdump -ni any \(need.ipProtocol.hasPorts ? "udp port \(need.port)" as ShellCommand : "ip proto \("\(need.ipProtocol.rawValue)")")  # then nstat -az | grep InDiscards"
        ]
        : ["nc -zv\(need.ipProtocol == .udp ? "u" as ShellCommand : "") \(own) \(need.port)  # from \(source)"])
  }
}

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
  }

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
        return sources.prefix(3).lazy.compactMap { closed(need, from: $0, to: own, tracer, node, context) }.first
      }
    }
  }

  private static func callers(
    _ node: NodeContext, _ own: IPAddress, _ context: CheckContext
  ) -> (nodes: [IPAddress], controlPlane: [IPAddress]) {
    var nodes = context.intent.nodes.compactMap { $0.internalIPs.first { $0.version == .v4 } }.filter { $0 != own }
    var control: [IPAddress] = []
    for index in context.intent.serviceIndex["default/kubernetes"].map({ context.intent.services[$0].slices }) ?? [] {
      control += context.intent.slices[index].endpoints.map(\.address).filter {
        $0.version == .v4 && $0 != own && !$0.isLoopback
      }
    }
    for address in control where !nodes.contains(address) { nodes.append(address) }
    return (nodes, control)
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
          evidence: .init(
            text: "ss: \(socket.process ?? program) listens on \(socket.localAddress.map { "\($0)" } ?? "*"):\(port)")))
    }
    for link in node.snapshot.links ?? [] {
      guard let port = link.vxlan?.port.flatMap({ UInt16(exactly: $0) }) else { continue }
      needs.append(
        Need(
          port: port, ipProtocol: .udp, program: link.name, caller: .everyNode,
          consequence: "Pods of other nodes do not reach this node's: the overlay's packets are thrown away",
          evidence: nil))
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
    let accept = step.map {
      Remedy(at: $0, node.snapshot, context.intent).fixes(
        for: [Remedy.Passage(ipProtocol: need.ipProtocol, source: nil, destination: own, port: need.port)])
    }
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: node.subject,
      problem:
        "\(need.program)'s port \(need.port)/\(need.ipProtocol) on \(node.name) is closed to \(context.intent.owner(of: source) ?? "\(source)"): \(need.consequence)",
      cause:
        "\(step?.rule == nil ? "the policy of" : "a rule of") chain \(chain) \(end.verdict == .reject ? "rejects" : "drops") it ← a host firewall that does not know the cluster's ports",
      evidence: context.evidence(step, node) + (need.evidence.map { [$0] } ?? []),
      fix: (accept ?? []) + [.advice("or take away the rule, where the firewall's configuration has it")],
      verify: ["nc -zv\(need.ipProtocol == .udp ? "u" as ShellCommand : "") \(own) \(need.port)  # from \(source)"])
  }
}

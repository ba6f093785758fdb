import Findings
import PacketPath
import Snapshot
import Wire

/// The node-local DNS cache has its device, and its rules do not keep its packets out of connection tracking.
enum NodeLocalDNSRules: Check {
  static let id = "node-local-dns-rules"

  private static let device = "nodelocaldns"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let snapshot = node.snapshot
      // In IPVS mode the cache has only its link-local address; its rules are the same.
      guard node.hasWholeRules, let own = snapshot.addresses?.first(where: { $0.interface == device }) else {
        return nil
      }
      if let closed = closed(own.address, node, context) { return closed }
      let flow = Flow(
        ipProtocol: .udp, source: own.address, sourcePort: 40_000, destination: own.address, destinationPort: 53,
        from: Flow.local)
      let trace = PathTracer(snapshot).trace(flow)
      guard !trace.outcomes.isEmpty, trace.outcomes.allSatisfy({ !$0.untracked && !$0.isAssumed }) else { return nil }
      return Finding(
        id: id, severity: .warning, confidence: .likely, subject: node.subject,
        problem:
          "the DNS cache of \(node.name) has no rules of its own: its packets go through connection tracking and NAT",
        cause:
          "device \(device) has \(own.address), and no NOTRACK rule is for it ← the cache could not write its rules (xtables lock), or something flushed them",
        evidence: [.init(text: "no rule of table raw takes 53/udp of \(own.address) out of tracking")],
        fix: [.advice("restart the node-local-dns Pod of \(node.name), and read its log for lock errors")],
        verify: ["iptables -t raw -S | grep \(own.address)"], reference: "kubernetes/dns#643")
    }
  }

  /// The node's own rules drop what Pods ask it.
  private static func closed(_ address: IPAddress, _ node: NodeContext, _ context: CheckContext) -> Finding? {
    let tracer = PathTracer(node.snapshot)
    guard
      let pod = context.intent.pods.lazy.filter({ $0.node == node.node?.name && !$0.hostNetwork && $0.ready })
        .flatMap(\.addresses).first(where: { $0.version == address.version }),
      let interface = tracer.inputInterface(from: pod, to: address), interface != Flow.local
    else { return nil }
    let flow = Flow(
      ipProtocol: .udp, source: pod, sourcePort: 40_000, destination: address, destinationPort: 53, from: interface)
    let ends = tracer.trace(flow).outcomes
    guard !ends.isEmpty, ends.allSatisfy({ $0.verdict == .drop || $0.verdict == .reject }), !ends[0].isAssumed,
      let step = ends[0].steps.last
    else { return nil }
    let remedy = Remedy(at: step, node.snapshot, context.intent)
    let chain = printable(context.chainName(step, node))
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: node.subject,
      problem:
        "Pods of \(node.name) cannot resolve names: what they ask the node's DNS cache (\(address)) is thrown away",
      cause:
        "\(step.rule == nil ? "the policy of" : "a rule of") chain \(chain) (hook \(step.hook.rawValue)) drops it ← \(remedy.owner.rawValue), and the rules by which the cache lets its packets in are missing",
      evidence: context.evidence(step, node),
      fix: [
        .advice(
          "restart the node-local-dns Pod of \(node.name): it writes its ACCEPT rules for \(address) port 53 again")
      ] + remedy.fixes(for: [Remedy.Passage(ipProtocol: .udp, source: nil, destination: address, port: 53)]),
      verify: ["iptables -S INPUT | grep \(address)"])
  }
}

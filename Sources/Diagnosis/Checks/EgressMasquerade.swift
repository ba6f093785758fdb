import Findings
import Intent
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// A plugin's rules masquerade what Pods send out of the cluster, and miss some of this node's Pods: their packets leave
/// with addresses to which nothing outside knows a way.
enum EgressMasquerade: Check {
  static let id = "egress-masquerade"

  static func run(_ context: CheckContext) -> [Finding] { context.nodes.compactMap { finding($0, context) } }

  private static func finding(_ node: NodeContext, _ context: CheckContext) -> Finding? {
    guard let name = node.node?.name, let chain = chain(node.snapshot.ruleset) else { return nil }
    let tracer = PathTracer(node.snapshot)
    for pod in context.intent.pods where pod.node == name && !pod.hostNetwork && pod.ready {
      guard let address = pod.addresses.first(where: { $0.version == .v4 }), address.isPrivate,
        let outside = IPAddress("203.0.113.53")
      else { continue }
      var flow = Flow(
        ipProtocol: .tcp, source: address, sourcePort: 40000, destination: outside, destinationPort: 443,
        from: tracer.inputInterface(from: address, to: outside) ?? "")
      guard !flow.from.isEmpty, !flow.isLocal else { continue }
      flow.isFrame = true
      let trace = tracer.trace(flow)
      let kept = trace.outcomes.filter { $0.verdict == .forward && $0.source == address && $0.assumptions.isEmpty }
      guard !kept.isEmpty, kept.count == trace.outcomes.count else { return nil }
      let owner = ChainOwner(chain, node.snapshot.ruleset)
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: node.subject,
        problem:
          "Pods of \(name) reach nothing outside the cluster, e.g. \(pod.namespace)/\(pod.name): its packets leave with the Pod's own address \(address)",
        cause:
          "\(owner.rawValue) masquerades what Pods send out (chain \(printable(node.snapshot.ruleset.name(of: chain)))), and no rule of \(name) does it for \(address) ← a rule was removed, or the range it names is too narrow",
        evidence: [],
        fix: [
          .advice(
            "see which range \(owner.rawValue) is told to masquerade\(owner.configuration.map { " (\($0))" } ?? ""), and restart it on \(name)"
          )
        ],
        verify: ["kubepath trace 203.0.113.53:443 --from \("\(address)")"])
    }
    return nil
  }

  /// Chains in which plugins masquerade for Pods; that one is there says that the plugin is meant to.
  private static func chain(_ ruleset: Ruleset) -> ChainID? {
    let known: Set = [
      "FLANNEL-POSTRTG", "cali-nat-outgoing", "AWS-SNAT-CHAIN-0", "IP-MASQ-AGENT", "ANTREA-POSTROUTING",
    ]
    return ruleset.chains.indices.first { known.contains(ruleset.names[ruleset.chains[$0].name]) }.map { ChainID($0) }
  }
}

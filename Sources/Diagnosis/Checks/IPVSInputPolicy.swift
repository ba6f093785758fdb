import Findings
import Intent
import PacketPath
import ServiceMap
import Wire

/// IPVS takes packets at LOCAL_IN, behind the INPUT rules: what these drop never reaches a virtual server, though the
/// same Service works in iptables mode.
enum IPVSInputPolicy: Check {
  static let id = "ipvs-input-policy"
  /// Frontends traced on a node; the rules that stop one stop most.
  static let limit = 500

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard node.isIPVS else { return nil }
      let probe = Probe(NodeModel(node.snapshot, indexed: false))
      var dropped: [(Frontend, Reach.Loss)] = []
      for frontend in frontends(node, context.intent).prefix(limit) {
        let source = ServiceMap.outsideAddress(frontend.address.version, node.snapshot)
        let reach = probe.reach(frontend, source: source, from: nil)
        if let loss = reach.losses.first(where: {
          $0.translatedTo == nil && $0.step?.hook == .input && $0.verdict != .noroute
        }), let step = loss.step, !node.snapshot.ruleset.isKubeProxys(step.chain),
          loss.probability > 0.999
        {
          dropped.append((frontend, loss))
        }
      }
      guard let first = dropped.first else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .certain,
        subject: node.subject,
        problem:
          "\(dropped.count) Service frontends of \(node.name) are dropped before IPVS sees them, e.g. \(first.0) from outside",
        cause:
          "chain \(context.chainName(first.1.step, node)) drops at hook input, and IPVS works behind it ← a host firewall that does not accept Service ports",
        evidence: context.evidence(first.1.step, node),
        fix: [
          .command(acceptance(node), why: "what kube-proxy serves, whatever it serves"),
          .advice(
            "keep it where the node's firewall is configured: rules that were only loaded are gone at the next start"),
        ],
        verify: [
          first.0.traceCommand(from: ServiceMap.outsideAddress(first.0.address.version, node.snapshot), on: node.name)
        ],
        reference: "kubernetes/kubernetes#98465",
        occurrences: dropped.map { frontend, _ in
          Finding.Occurrence(
            node: node.name,
            traffic: Finding.Traffic(
              ipProtocol: frontend.ipProtocol,
              source: ServiceMap.outsideAddress(frontend.address.version, node.snapshot), isLocal: false,
              address: frontend.address, port: frontend.port))
        })
    }
  }

  /// By kube-proxy's own ipsets, as far as the node has them.
  private static func acceptance(_ node: NodeContext) -> ShellCommand {
    let known = Set((node.snapshot.ipsets ?? []).map(\.name))
    var commands: [ShellCommand] = []
    for (tool, family) in [("iptables", ""), ("ip6tables", "6-")] {
      for (set, matches) in [
        ("CLUSTER-IP", ["dst,dst"]), ("EXTERNAL-IP", ["dst,dst"]), ("LOAD-BALANCER", ["dst,dst"]),
        ("NODE-PORT-TCP", ["dst", "-p", "tcp"]), ("NODE-PORT-UDP", ["dst", "-p", "udp"]),
      ] {
        let name = "KUBE-\(family)\(set)"
        guard known.contains(name) || name == "KUBE-CLUSTER-IP" else { continue }
        commands.append(
          ShellCommand(words: [tool, "-I", "INPUT", "-m", "set", "--match-set", name] + matches + ["-j", "ACCEPT"]))
      }
    }
    return commands.dropFirst().reduce(commands[0]) { $0 + " && " + $1 }
  }

  /// Those that have endpoints, without the ones that source ranges may rightly close.
  private static func frontends(_ node: NodeContext, _ intent: Cluster) -> [Frontend] {
    let served = Set(
      (node.snapshot.virtualServers ?? []).filter { server in server.realServers.contains { $0.weight > 0 } }.map {
        Frontend(.address, $0.address, $0.port, IPProtocol(rawValue: $0.ipProtocol))
      })
    var list: [Frontend] = []
    for service in intent.services where service.isProxied {
      for port in service.ports {
        for address in service.clusterIPs + service.externalIPs
          + (service.sourceRanges.isEmpty ? service.loadBalancerIPs : [])
        {
          list.append(Frontend(.address, address, port.port, port.ipProtocol))
        }
        for address in node.node?.internalIPs ?? [] where port.nodePort != 0 {
          list.append(Frontend(.address, address, port.nodePort, port.ipProtocol))
        }
      }
    }
    return list.filter { served.contains($0) }
  }
}

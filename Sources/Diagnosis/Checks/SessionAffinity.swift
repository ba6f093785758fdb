import Findings
import Intent

/// Rules that keep clients with an endpoint: incomplete, of another duration than the Service asks for, or not wanted.
enum SessionAffinity: Check {
  static let id = "session-affinity"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in
      let chains = node.serviceChains.affinity.compactMap { finding($0, node, context) }
      let forgetful = node.serviceChains.forgetful.sorted { ($0.service, $0.port) < ($1.service, $1.port) }.map {
        owner in
        let service = context.intent.services[owner.service]
        let port = service.ports[owner.port]
        return Finding(
          id: id, severity: .error, confidence: .certain, subject: context.subject(service, port, node: node.name),
          problem: "\(service.portName(port)) does not keep clients with one endpoint on \(node.name)",
          cause: "sessionAffinity is ClientIP, but no rule of its chain remembers clients ← stale rules",
          fix: [node.restartKubeProxy], verify: [node.checkCommand("session-affinity")],
          reference: "kubernetes/kubernetes#103000")
      }
      return chains + forgetful
    } + virtualServers(context) + balancers(context)
  }

  /// IPVS mode: the persistence of a Service's virtual servers. One finding a Service and node.
  private static func virtualServers(_ context: CheckContext) -> [Finding] {
    guard context.nodes.contains(where: \.isIPVS) else { return [] }
    let frontends = FrontendIndex(context.intent)
    return context.nodes.filter(\.isIPVS).flatMap { node in
      var seen: Set<Int> = []
      return VirtualServers.owned(node, frontends).compactMap { server, owner -> Finding? in
        let service = context.intent.services[owner.service]
        guard server.persistence != service.affinity, seen.insert(owner.service).inserted else { return nil }
        func name(_ seconds: Int?) -> String { seconds.map { "keeps clients for \($0) seconds" } ?? "keeps no clients" }
        let port = service.ports[owner.port]
        return Finding(
          id: id, severity: .warning, confidence: .certain, subject: context.subject(service, port, node: node.name),
          problem:
            "\(service.portName(port)) \(name(server.persistence)) on \(node.name); by its sessionAffinity it \(name(service.affinity))",
          cause:
            "the persistence of its virtual server is not sessionAffinity's ← kube-proxy is behind, or the table was changed by hand",
          evidence: [VirtualServers.evidence(server, node)], fix: [node.restartKubeProxy],
          verify: ["ipvsadm -Ln --persistent-conn"], reference: "kubernetes/kubernetes#71809")
      }
    }
  }

  private static func finding(_ chain: ServiceChains.Affinity, _ node: NodeContext, _ context: CheckContext)
    -> Finding?
  {
    let service = chain.owner.map { context.intent.services[$0.service] }
    let label = chain.label ?? service?.fullName ?? "a Service"
    var problem = ""
    var cause = ""
    if !chain.starved.isEmpty {
      problem = "\(label): \(list(chain.starved)) gets no new clients on \(node.name)"
      cause = "its rule for remembered clients is there, its share of new ones is not"
    } else if !chain.forgotten.isEmpty {
      problem = "\(label): clients of \(list(chain.forgotten)) do not come back to it on \(node.name)"
      cause = "the rule that recalls its clients, or the one that notes them, is missing"
    } else if chain.isUneven {
      problem = "\(label) does not balance new clients evenly on \(node.name)"
      let shares = chain.shares.prefix(4).map {
        "\($0.endpoint.map { "\($0)" } ?? "an empty chain") \(Int(($0.probability * 1000).rounded()) / 10) %"
      }
      cause = "new clients go to \(shares.joined(separator: ", "))"
    } else if let service, service.affinity == nil {
      problem = "\(label) keeps clients with one endpoint on \(node.name), though it does not ask for it"
      cause = "sessionAffinity is None, and the rules still remember clients"
    } else if let wanted = service?.affinity, let found = chain.seconds.first(where: { $0 != wanted }) {
      problem =
        "\(label) forgets clients on \(node.name) \(found == 0 ? "never" : "after \(found) seconds") instead of after \(wanted)"
      cause = "the rules have another timeout than sessionAffinityConfig"
    } else {
      return nil
    }
    let port = chain.owner.map { context.intent.services[$0.service].ports[$0.port] }
    let parts = label.split(separator: "/", maxSplits: 1).map(String.init)
    return Finding(
      id: id, severity: .warning, confidence: .certain,
      subject: service.map { context.subject($0, port, node: node.name) }
        ?? Finding.Subject(
          kind: "Service", namespace: parts.count > 1 ? parts[0] : nil, name: parts.last, node: node.name),
      problem: problem, cause: cause + " ← kube-proxy is behind, or rules were changed by hand",
      evidence: context.evidence(chain.rule, node), fix: [node.restartKubeProxy],
      verify: [node.checkCommand("session-affinity")], reference: "kubernetes/kubernetes#103000")
  }

  /// A load balancer that terminates connections itself shows one address for all clients.
  private static func balancers(_ context: CheckContext) -> [Finding] {
    context.intent.services.filter { $0.isProxied && $0.affinity != nil && !$0.proxiedLoadBalancerIPs.isEmpty }.map {
      Finding(
        id: id, severity: .info, confidence: .likely, subject: context.subject($0),
        problem: "all clients that come through the load balancer of \($0.fullName) stay on one Pod",
        cause: "sessionAffinity ClientIP sees the balancer's address only: its status says ipMode Proxy",
        fix: [.advice("let the load balancer keep sessions, and set sessionAffinity: None")],
        verify: ["kubectl -n \($0.namespace) get service \($0.name) -o yaml"],
        reference: "kubernetes/kubernetes#55603")
    }
  }

  private static func list(_ endpoints: [EndpointAddress]) -> String {
    endpoints.prefix(3).map(\.description).joined(separator: ", ")
      + (endpoints.count > 3 ? " and \(endpoints.count - 3) more" : "")
  }
}

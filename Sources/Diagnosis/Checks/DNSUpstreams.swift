import Findings
import Intent
import PacketPath
import Snapshot
import Wire

/// Where CoreDNS asks for names outside the cluster: traced from its Pods, and what its log says. Part of `dns-service`.
enum DNSUpstreams {
  static func run(_ context: CheckContext) -> [Finding] {
    guard let index = DNSService.index(context.intent) else { return [] }
    let traced = looping(index, context) + context.nodes.flatMap { closed($0, index, context) }
    return traced + logged(index, context, isTraced: !traced.isEmpty)
  }

  private static func subject(_ index: Int, _ context: CheckContext, _ node: NodeContext) -> Finding.Subject {
    context.subject(context.intent.services[index], node: node.name)
  }

  // MARK: configured

  /// It forwards to an address that is its own.
  private static func looping(_ index: Int, _ context: CheckContext) -> [Finding] {
    guard let corefile = context.intent.corefile else { return [] }
    let service = context.intent.services[index]
    let own = Set(
      service.clusterIPs + context.objects.pods(ofService: index).flatMap { context.intent.pods[Int($0)].addresses })
    guard
      let upstream = corefile.forwards.flatMap(\.upstreams).first(where: {
        own.contains($0.address) || $0.address.isLoopback && $0.port == 53
      })
    else { return [] }
    return [
      Finding(
        id: DNSService.id, severity: .error, confidence: .certain, subject: context.subject(service),
        problem: "CoreDNS forwards to itself: names outside the cluster are not resolved, and plugin loop stops it",
        cause: "forward of the Corefile names \(upstream.address), which is CoreDNS' own address",
        evidence: [
          context.intent.evidence(corefile, corefile.line(naming: upstream), "forward to \(upstream.address)")
        ],
        fix: [
          .look(
            "kubectl -n kube-system edit configmap coredns", why: "forward to a nameserver outside of the cluster")
        ],
        verify: ["kubectl -n kube-system logs -l k8s-app=kube-dns --tail=50"])
    ]
  }

  // MARK: traced

  private static func closed(_ node: NodeContext, _ index: Int, _ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard node.snapshot.rulesKnown, node.pod == nil, let corefile = intent.corefile else { return [] }
    let servers = context.objects.pods(ofService: index).map { intent.pods[Int($0)] }.filter {
      $0.node == node.node?.name && !$0.hostNetwork && $0.ready
    }
    guard let server = servers.first, let address = server.addresses.first else { return [] }
    var upstreams = corefile.forwards.flatMap(\.upstreams)
    if corefile.forwards.contains(where: { $0.resolverFile != nil }) {
      let own = node.snapshot.files.resolvers.filter { !$0.isPods }.flatMap(\.nameservers)
      upstreams += own.filter { !$0.isLoopback }.map { Corefile.Upstream(address: $0, port: 53) }
    }
    let tracer = PathTracer(node.snapshot)
    var seen: Set<Corefile.Upstream> = []
    return upstreams.filter { $0.address.version == address.version && seen.insert($0).inserted }.prefix(8).compactMap {
      upstream in
      guard let interface = tracer.inputInterface(from: address), interface != Flow.local else { return nil }
      let isTCP = upstream.port == 853
      let trace = tracer.trace(
        Flow(
          ipProtocol: isTCP ? .tcp : .udp, source: address, sourcePort: 41234, destination: upstream.address,
          destinationPort: upstream.port, from: interface))
      guard let end = trace.outcomes.first, !end.isAssumed, [.drop, .reject, .noroute].contains(end.verdict) else {
        return nil
      }
      let step = end.steps.last
      let said = complaint(.dnsUpstream, node)
      let why =
        end.reason.map { "\($0)" }
        ?? "\(step?.rule == nil ? "the policy of" : "a rule of") chain \(context.chainName(step, node)) \(end.verdict == .reject ? "rejects" : "drops") it"
      return Finding(
        id: DNSService.id, severity: .error, confidence: .certain, subject: subject(index, context, node),
        problem:
          "names outside the cluster are not resolved: CoreDNS on \(node.name) does not reach its upstream \(upstream.address):\(upstream.port)",
        cause:
          "\(why) (\(isTCP ? "TCP" : "UDP") from Pod \(server.fullName), \(address)) ← a firewall that closes port \(upstream.port) to Pods, or a route that is missing",
        evidence: [
          intent.evidence(
            corefile, corefile.line(naming: upstream),
            "forward to \(upstream.address)\(upstream.port == 53 ? "" : ":\(upstream.port)")")
        ]
          + context.evidence(step, node) + (said.map { [LogComplaint.evidence($0, node)] } ?? []),
        fix: (step.map {
          Remedy(at: $0, node.snapshot, intent).fixes(
            for: [
              Remedy.Passage(
                ipProtocol: isTCP ? .tcp : .udp, source: nil, destination: upstream.address, port: upstream.port)
            ])
        } ?? []) + [
          .look("kubectl -n kube-system edit configmap coredns", why: "or forward to a nameserver that Pods reach")
        ],
        verify: [
          "kubepath trace \("\(upstream.address):\(upstream.port)\(isTCP ? "" : "/udp")") --from \(address)  # on \(node.name)"
        ])
    }
  }

  // MARK: logged

  private static func complaint(_ trouble: LogComplaint.Trouble, _ node: NodeContext) -> LogComplaint? {
    node.snapshot.files.complaints.first { $0.trouble == trouble && $0.isRecent }
  }

  private static func logged(_ index: Int, _ context: CheckContext, isTraced: Bool) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      var findings: [Finding] = []
      func add(_ problem: String, _ said: LogComplaint, _ cause: String, _ fix: [Fix]) {
        findings.append(
          Finding(
            id: DNSService.id, severity: .error, confidence: .likely, subject: subject(index, context, node),
            problem: problem,
            cause: "\(cause): \(Explanation.quoted(said.text))", evidence: [LogComplaint.evidence(said, node)],
            fix: fix,
            verify: ["kubectl -n kube-system logs -l k8s-app=kube-dns --tail=50"]))
      }
      if let said = complaint(.dnsLoop, node) {
        add(
          "CoreDNS stops: it forwards to itself", said,
          "the nameserver that it forwards to leads back to it ← forward . /etc/resolv.conf, and that file of the node names a loopback address (systemd-resolved's 127.0.0.53)",
          [
            .advice(
              "set resolvConf: /run/systemd/resolve/resolv.conf in the kubelet's configuration, restart it and make CoreDNS' Pods anew"
            ),
            .look(
              "kubectl -n kube-system edit configmap coredns", why: "or forward to the address of a real nameserver"),
          ])
      }
      if let said = complaint(.dnsConfiguration, node) {
        add(
          "CoreDNS does not start: it cannot read its Corefile", said,
          "the Corefile is not well formed, or names a plugin that CoreDNS does not have",
          [
            .look("kubectl -n kube-system edit configmap coredns", why: "the line that it names"),
            .command("kubectl -n kube-system rollout restart deployment coredns", why: "behind that"),
          ])
      }
      if !isTraced, let said = complaint(.dnsUpstream, node) {
        add(
          "CoreDNS gets no answer from its upstream: names outside the cluster are not resolved", said,
          "the upstream in the Corefile is wrong or down, or Pods do not reach it",
          [
            .look("kubectl -n kube-system get configmap coredns -o yaml", why: "forward: is that a nameserver"),
            .look("dig @UPSTREAM example.com", why: "from the node, then from a Pod: who gets an answer"),
          ])
      }
      if let said = complaint(.dnsAPI, node) {
        add(
          "CoreDNS does not learn of Services: it cannot read the API", said,
          "its Pods do not reach the API server, or may not list Services and EndpointSlices",
          [
            .advice("trace it: kubepath trace svc/default/kubernetes:https --from a CoreDNS Pod"),
            .look(
              "kubectl get clusterrole system:coredns -o yaml",
              why: "services, endpointslices, namespaces: list and watch"),
          ])
      }
      return findings
    }
  }
}

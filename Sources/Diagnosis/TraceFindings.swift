import Findings
import Intent
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// Why a flow fails, from the rule or decision that ended it or its answer: findings of the catalogue, with fixes that
/// were tried. Where objects tell more, `AnswerCauses` does.
public struct TraceFindings {
  private let flow: Flow
  /// All that become of it.
  private let outcomes: [Outcome]
  private let snapshot: Snapshot
  private let cluster: Cluster?
  private let ruleset: Ruleset

  private init(_ flow: Flow, _ outcomes: [Outcome], _ snapshot: Snapshot, _ cluster: Cluster?) {
    self.flow = flow
    self.outcomes = outcomes
    self.snapshot = snapshot
    self.cluster = cluster
    ruleset = snapshot.ruleset
  }

  /// Endings that are explained, the likeliest first.
  private static let most = 3

  public static func of(
    _ judgement: Judgement, _ trace: Trace, _ snapshot: Snapshot, _ names: NameResolver?
  ) -> [Finding] {
    let all = TraceFindings(trace.flow, trace.outcomes, snapshot, names?.cluster)
    var findings: [Finding] = []
    for (outcome, fate) in zip(trace.outcomes, judgement.fates) where findings.count < most {
      guard let finding = all.finding(outcome, fate, judgement),
        !findings.contains(where: { $0.cause == finding.cause })
      else { continue }
      findings.append(finding)
    }
    var trial = FixTrial([FixTrial.Place(name: snapshot.name, snapshot: snapshot)], names)
    trial.vet(&findings)
    return findings
  }

  /// What to do about one ending, tried too.
  static func fixes(of outcome: Outcome, _ flow: Flow, _ snapshot: Snapshot, _ cluster: Cluster?) -> [Fix] {
    let all = TraceFindings(flow, [outcome], snapshot, cluster)
    guard var finding = all.ended(outcome) else { return [] }
    var trial = FixTrial([FixTrial.Place(name: snapshot.name, snapshot: snapshot)], cluster.map { NameResolver($0) })
    trial.vet(&finding)
    return finding.fix
  }

  private func finding(_ outcome: Outcome, _ fate: Fate, _ judgement: Judgement) -> Finding? {
    switch fate {
    case .served, .passes, .unsure: nil
    case .rejected, .dropped: ended(outcome)
    case .unserved(let address): unserved(address, judgement.why)
    case .notListening:
      finding(
        NothingListening.id, "\(target) is refused", judgement.why,
        fix: [.advice("start what should listen there, bind it to the address that is dialled, or correct targetPort")])
    case .forbidden(let policy):
      finding(
        NetworkPolicyDrop.id, "\(target) is not reached", judgement.why,
        fix: [.advice("allow the traffic in the NetworkPolicy: \(printable(policy))")])
    case .nextHopSilent(let hop):
      finding(
        NodeUnreachable.id, "\(target) is not reached", judgement.why,
        fix: [
          .advice(
            "see whether \(hop) is up: its console, ping, its cable; connections go on to be sent there until the API notices"
          )
        ])
    case .endpointGone:
      finding(
        StaleRules.id, "\(target) is not reached", judgement.why,
        fix: [.advice("see whether kube-proxy runs on this node and is up to date")])
    case .lost: lost(judgement)
    }
  }

  private func ended(_ outcome: Outcome) -> Finding? {
    switch outcome.verdict {
    case .deliver, .forward: nil
    case .noroute: unrouted(outcome)
    case .drop, .reject: stopped(outcome)
    }
  }

  /// The request arrives; the rule that stops the answer, or why it goes astray.
  private func lost(_ judgement: Judgement) -> Finding {
    let stop = judgement.reply?.outcomes.first { $0.verdict == .drop || $0.verdict == .reject }
    let problem = "answers from \(target) do not get back"
    guard let step = stop?.steps.last, stop?.reason == nil else {
      return finding(
        MasqueradeScope.id, problem, judgement.why,
        fix: [
          .advice(
            "masquerade this traffic (kube-proxy's clusterCIDR or detectLocalMode), or route the answers back here")
        ])
    }
    return finding(
      ForwardDrop.id, problem, judgement.why, step: step, fix: Remedy(at: step, snapshot, cluster).fixesForReplies)
  }

  // MARK: What all have

  private func finding(
    _ id: String, _ problem: String, _ cause: String, service: String? = nil, step: Step? = nil, fix: [Fix]
  ) -> Finding {
    return Finding(
      id: id, severity: .error, confidence: outcomes.contains(where: \.isAssumed) ? .likely : .certain,
      subject: service.map { name in
        let parts = name.split(separator: "/").map(String.init)
        let ends = parts.last?.split(separator: ":").map(String.init) ?? []
        return Finding.Subject(
          kind: "Service", namespace: parts.first, name: ends.first, address: flow.destination,
          port: ends.count > 1 ? ends[1] : nil, node: snapshot.name)
      } ?? Finding.Subject(kind: "Node", name: snapshot.name, node: snapshot.name),
      problem: problem, cause: cause, evidence: step.map { snapshot.evidence(of: $0) } ?? [], fix: fix,
      verify: [traceCommand],
      occurrences: [
        Finding.Occurrence(
          node: snapshot.name, service: service,
          traffic: Finding.Traffic(
            ipProtocol: flow.ipProtocol, source: flow.source, isLocal: flow.isLocal, address: flow.destination,
            port: flow.destinationPort))
      ])
  }

  private var target: String {
    flow.ipProtocol.hasPorts
      ? "\(EndpointAddress(flow.destination, flow.destinationPort))" : "\(flow.destination)"
  }

  private var traceCommand: ShellCommand {
    let end = flow.ipProtocol == .tcp ? target : "\(target)/\(flow.ipProtocol)"
    return flow.isLocal
      ? "kubepath trace \(end)" : "kubepath trace \(end) --from \(flow.source)"
  }

  // MARK: Rules

  private func stopped(_ outcome: Outcome) -> Finding {
    guard let step = outcome.steps.last, outcome.reason == nil else {
      return finding(
        "stale-rules", "\(target) does not answer", outcome.reason.map { "\($0)" } ?? "the packet is dropped",
        fix: [.advice("look at the Service's endpoints, and at what wrote the table")])
    }
    if let refusal = ProxyRefusal.of(outcome, ruleset) { return refused(refusal, outcome, step) }
    let place = "\(printable(ruleset[ruleset[step.chain].table].name)) \(printable(ruleset.name(of: step.chain)))"
    let remedy = Remedy(at: step, snapshot, cluster)
    let verb = outcome.verdict == .reject ? "rejects" : "drops"
    let cause =
      step.rule == nil
      ? "no rule of \(place) (hook \(step.hook.rawValue)) accepts it, and the chain's policy is DROP ← \(remedy.owner.rawValue)"
      : "rule \(step.position) of \(place) (hook \(step.hook.rawValue)) \(verb) it ← \(remedy.owner.rawValue)"
    // Every endpoint that chance may pick must be let through.
    var fix = remedy.fixes(
      for: outcomes.filter { $0.reason == nil && $0.steps.last == step }.map {
        Remedy.Passage(
          ipProtocol: flow.ipProtocol, source: $0.source, destination: $0.destination, port: $0.destinationPort)
      })
    if step.rule != nil, remedy.owner == .operators {
      fix.insert(
        .advice(
          "see whether the rule is meant to stop this traffic, and delete it in the firewall's configuration if not"),
        at: 0)
    }
    return finding(
      remedy.owner.enforcesPolicies ? NetworkPolicyDrop.id : ForwardDrop.id, "\(target) is not reached", cause,
      step: step,
      fix: fix)
  }

  private func refused(_ refusal: ProxyRefusal, _ outcome: Outcome, _ step: Step) -> Finding {
    let name = refusal.service.map { printable($0) } ?? target
    let parts = (refusal.service ?? "").split(separator: "/").map(String.init)
    let object = parts.count == 2 ? parts[1].split(separator: ":").first.map(String.init) : nil
    let (namespace, service) = (object == nil ? "NAMESPACE" : parts[0], object ?? "NAME")
    let slices: ShellCommand =
      "kubectl -n \(namespace) get endpointslices -l \("kubernetes.io/service-name=\(service)")"
    let describe: ShellCommand = "kubectl -n \(namespace) describe service \(service)"
    let edit: ShellCommand = "kubectl -n \(namespace) edit service \(service)"
    switch refusal.kind {
    case .noEndpoints:
      return finding(
        NoEndpoints.id, "\(name) is refused: it has no ready endpoint",
        "kube-proxy's rules refuse what has no endpoint ← no Pod that its selector matches is ready",
        service: refusal.service, step: step,
        fix: [.advice("make its Pods ready, or correct its selector: \(slices); \(describe)")])
    case .noLocalEndpoints:
      return finding(
        NoLocalEndpointsExternal.id, "\(name) is dropped: it has no endpoint on this node",
        "externalTrafficPolicy (or internalTrafficPolicy) is Local and no endpoint runs here", service: refusal.service,
        step: step,
        fix: [
          .advice(
            "send the traffic to a node that has an endpoint, run one here, or set the policy to Cluster: \(edit)")
        ])
    case .sourceRanges:
      return finding(
        SourceRanges.id, "\(name) refuses \(outcome.source)",
        "loadBalancerSourceRanges of the Service do not hold the client's address", service: refusal.service,
        step: step,
        fix: [.advice("list the client's network in spec.loadBalancerSourceRanges: \(edit)")])
    case .portNotServed:
      return finding(
        "port-not-served", "\(target) is refused: the address is a ClusterIP, and no Service has this port of it",
        "kube-proxy refuses ports of ClusterIPs that no Service has ← another port is meant, or the Service lacks it",
        step: step,
        fix: [
          .advice("dial a port that the Service has: kubectl get services -A -o wide | grep -w \(outcome.destination)")
        ])
    }
  }

  // MARK: The kernel

  private func unserved(_ address: Fate.ServiceAddress, _ why: String) -> Finding {
    if case .noSuchPort = address {
      return finding(
        "port-not-served", "\(target) does not answer", why,
        fix: [
          .advice("dial a port that the Service has: kubectl get services -A -o wide | grep -w \(flow.destination)")
        ])
    }
    let fix: [Fix]
    if let cut = ruleset.tables(of: flow.version).first(where: \.isCut) {
      fix = [
        .advice(
          "\(printable(ruleset.files[Int(cut.file)].name)) ends inside table \(printable(cut.name)), and the rules may stand behind that: take the dump again"
        )
      ]
    } else if ruleset.hidesXtables {
      let tool = flow.destination.version == .v4 ? "iptables-save" : "ip6tables-save"
      fix = [.advice("nft's print of iptables tables leaves out targets such as DNAT: give the output of \(tool) too")]
    } else {
      fix = [
        .advice(
          "see whether kube-proxy runs on this node and what it logs: kubectl -n kube-system get pods -o wide -l k8s-app=kube-proxy"
        )
      ]
    }
    return finding(StaleRules.id, "\(target) does not answer", why, fix: fix)
  }

  private func unrouted(_ outcome: Outcome) -> Finding {
    let cause = outcome.reason.map { "\($0)" } ?? "the routing decision refuses it"
    let problem = "\(target) is not reached"
    switch outcome.reason {
    case .forwardingOff:
      let key = flow.version == .v4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
      return finding(IPForwardOff.id, problem, cause, fix: [.command("sysctl -w \(key)=1")])
    case .reversePath(let source, let interface):
      return finding(
        ReversePathFilter.id, problem, cause,
        fix: [.advice("the path is asymmetric: repair the route back to \(source), or loosen the check")]
          + (interface.map { [.command("sysctl -w net.ipv4.conf.\($0).rp_filter=2", why: "on this interface alone")] }
            ?? [])
          + [.command("sysctl -w net.ipv4.conf.all.rp_filter=2")])
    case .loopbackLeaves(_, let interface), .martian(.loopbackSource(_, let interface)),
      .martian(.loopbackDestination(_, let interface)):
      return finding(
        LocalhostNodePort.id, problem, cause,
        fix: [
          .command(
            "sysctl -w net.ipv4.conf.\(interface).route_localnet=1", why: "and kube-proxy's rule against outsiders")
        ])
    case .refusingRoute(_, let address, let type):
      let tool = flow.version == .v4 ? "ip" : "ip -6"
      return finding(
        NoRoute.id, problem, cause,
        fix: [
          .advice(
            "network plugins leave a route of type \(type) for Pod addresses whose node is gone or not known yet: see whether \(address) still belongs to a Pod, and on which node"
          ),
          .advice(
            "if it does, its network plugin should have made a route to that node's Pod range: \(tool) route get \(address)"
          ),
        ])
    default:
      let lookup: ShellCommand =
        flow.isLocal
        ? "ip route get \(outcome.destination)"
        : "ip route get \(outcome.destination) from \(flow.source) iif \(flow.from)"
      return finding(NoRoute.id, problem, cause, fix: [.advice("look at the routing decision: \(lookup)")])
    }
  }
}

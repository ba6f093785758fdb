import Intent
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

// Why, in one sentence: what a tired engineer reads first.
extension Judge {
  func sentence(_ judgement: Judgement, _ trace: Trace) -> String {
    guard let index = judgement.deciding else { return "no packet was walked" }
    let outcome = trace.outcomes[index]
    if judgement.answer == .unsure, !judgement.undecided.isEmpty {
      return "what the snapshot does not tell decides: " + judgement.undecided.joined(separator: "; ")
    }
    if trace.truncated > 0, judgement.answer == .unsure {
      return "\(trace.truncated) ways through unknown matches were not followed: too many"
    }
    let text = clause(judgement.fates[index], outcome, trace, judgement)
    if judgement.answer == .partly, judgement.share == nil {
      return "some new connections fail, by what came before them: \(text)"
    }
    guard judgement.answer == .partly, let share = judgement.share else {
      return judgement.answer == .served ? served(trace, judgement, text) : text
    }
    return "\(Self.percent(1 - share)) of new connections fail: \(text)"
  }

  private func served(_ trace: Trace, _ judgement: Judgement, _ first: String) -> String {
    let places = Set(
      trace.outcomes.indices.filter { judgement.fates[$0].answer.isGood }.map {
        EndpointAddress(trace.outcomes[$0].destination, trace.outcomes[$0].destinationPort)
      })
    return places.count > 1
      ? "it reaches one of \(places.count) endpoints" + (judgement.service.map { " of \(printable($0))" } ?? "") : first
  }

  private func clause(_ fate: Fate, _ outcome: Outcome, _ trace: Trace, _ judgement: Judgement) -> String {
    let place = endpoint(outcome, trace.flow)
    let way = outcome.outInterface.map { " through \(printable($0))" } ?? ""
    switch fate {
    case .served(.endpoint): return "it reaches \(place)\(way)"
    case .served(.listener(let process)):
      return "\(process.isEmpty ? "a process" : printable(process)) listens at \(place) on this node"
    case .served(.proxy(let port)): return "a transparent proxy of this node takes it, at port \(port) (TPROXY)"
    case .served(.host): return "this node answers at \(place) itself"
    case .passes: return "it leaves for \(place)\(way); what comes behind that is not in the snapshot"
    case .rejected:
      return "\(ender(outcome)) rejects it with \(outcome.rejectWith ?? "an ICMP error")"
    case .notListening(.nowhere): return "nothing listens at \(place) on this node (ss)"
    case .notListening(.only(let address, let process)):
      let other = EndpointAddress(address, outcome.destinationPort)
      return
        "nothing listens at \(place) on this node: \(process.isEmpty ? "the process" : printable(process)) listens on \(other) only (ss)"
    case .dropped:
      if let reason = outcome.reason, outcome.verdict == .noroute { return "\(reason)" }
      // No rule did it.
      if case .bridge(let refusal) = outcome.reason { return "\(refusal)" }
      return "\(ender(outcome)) drops it" + (outcome.reason.map { ": \($0)" } ?? "")
    case .forbidden(let text): return text
    case .nextHopSilent(let hop):
      return
        "the next hop, \(facts.names?.name(of: hop) ?? "\(hop)"), does not answer ARP (ip neigh: FAILED): nothing gets to \(place)"
    case .endpointGone: return "the rules send it to \(place), which no Pod of the cluster has"
    case .unserved(.port(let name)):
      return
        "no rule takes it for Service \(printable(name)): it leaves for the Service's own address, where nobody answers"
    case .unserved(.noSuchPort(let name)):
      return
        "Service \(printable(name)) has no port \(trace.flow.destinationPort)/\(trace.flow.ipProtocol): no rule takes it"
    case .unserved(.nodePort(let name)):
      return "no rule takes it for the NodePort of Service \(printable(name)) at this address"
    case .unserved(.unused(let range)):
      return "no Service has \(outcome.destination), an address of the Services' range \(range)"
    case .lost(let loss):
      return "it reaches \(place), and the answer does not get back: \(self.loss(loss, judgement, trace, outcome))"
    case .unsure(let missing): return self.missing(missing, outcome, trace.flow)
    }
  }

  private func loss(_ loss: Fate.Loss, _ judgement: Judgement, _ trace: Trace, _ outcome: Outcome) -> String {
    switch loss {
    case .bypasses:
      return
        "the endpoint sees \(outcome.source), the client's own address, and answers past this node, which alone can translate back"
    case .hairpin: return "the Pod sees its own address as the source (no masquerade for hairpin traffic)"
    case .bridge(let name):
      return
        "\(printable(name)) hands it to the client as a frame, past the translation back (bridge-nf-call-iptables is 0)"
    case .wrongAddress: return "it comes from another address than the client dialled"
    case .stopped:
      guard let reply = judgement.reply,
        let end = reply.outcomes.first(where: { $0.verdict != .forward && $0.verdict != .deliver })
      else { return "it is stopped on this node" }
      if let reason = end.reason { return "\(reason)" }
      return "\(ender(end)) drops it"
    }
  }

  private func missing(_ missing: Fate.Missing, _ outcome: Outcome, _ flow: Flow) -> String {
    let place = endpoint(outcome, flow)
    switch missing {
    case .sockets: return "it reaches this node at \(place); whether something listens there is not in the snapshot"
    case .rules:
      return
        "no dump of this node's \(outcome.destination.version == .v4 ? "IPv4" : "IPv6") rules was read; without rules it would reach \(place)"
    case .partOfRules: return "the rules were read in part only; what is missing may decide (so far: \(place))"
    case .table(let name):
      return
        "table \(name) was not handed over (the commands print one table each); what it has may decide (so far: \(place))"
    case .routes: return "the rules let it go on to \(place); whether a route leads there is not in the snapshot"
    case .virtualServers: return "the table of IPVS is not in the snapshot"
    case .eBPF: return "no rule takes it, and eBPF programs may: their tables are not in the snapshot"
    case .replyFacts:
      return "it reaches \(place); whether the answer gets back hangs on what the snapshot does not tell"
    case .replies:
      return "chance leads it many ways; it reaches \(place), and not all ways of the answers back were followed"
    }
  }

  func wanted(_ missing: Fate.Missing, _ flow: Flow) -> [String] {
    let isV4 = flow.version == .v4
    switch missing {
    case .sockets: return ["ss -lntup"]
    case .table: return [isV4 ? "iptables-save" : "ip6tables-save"]
    case .rules, .partOfRules: return [isV4 ? "iptables-save" : "ip6tables-save", "nft list ruleset"]
    case .routes: return [isV4 ? "ip route show table all" : "ip -6 route show table all"]
    case .virtualServers: return ["ipvsadm -Sn"]
    case .eBPF: return ["cilium-dbg service list", "cilium-dbg bpf lb list"]
    case .replyFacts, .replies: return []
    }
  }

  private func endpoint(_ outcome: Outcome, _ flow: Flow) -> String {
    let socket =
      flow.ipProtocol.hasPorts
      ? "\(EndpointAddress(outcome.destination, outcome.destinationPort))" : "\(outcome.destination)"
    return facts.names?.name(of: outcome.destination).map { "\(socket) (\(printable($0)))" } ?? socket
  }

  private func ender(_ outcome: Outcome) -> String { Self.ender(outcome, tracer.model.snapshot.ruleset) }

  /// The rule or policy that ended an outcome.
  static func ender(_ outcome: Outcome, _ ruleset: Ruleset) -> String {
    guard let step = outcome.steps.last, outcome.balancer.map({ $0.hasEndpoint }) != false else {
      return outcome.reason.map { "\($0)" } ?? "the kernel"
    }
    let chain = ruleset[step.chain]
    let label = "\(ruleset[chain.table].name) \(printable(ruleset.names[chain.name]))"
    guard let rule = step.rule else { return "the policy of \(label)" }
    let found = ruleset[rule]
    guard ruleset.files.indices.contains(Int(found.file)), found.line > 0 else {
      return "\(label) rule \(step.position)"
    }
    let name = ruleset.files[Int(found.file)].name
    return
      "\(label) rule \(step.position) (\(printable(name.split(separator: "/").last.map(String.init) ?? name)):\(found.line))"
  }

  static func percent(_ share: Double) -> String {
    let value = share * 100
    return value > 0 && value < 1 ? "<1%" : value < 100 && value > 99 ? ">99%" : "\(Int(value.rounded()))%"
  }
}
